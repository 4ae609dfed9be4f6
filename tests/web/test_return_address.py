"""After signing in, back to an application that the operator listed; never anywhere else."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode

import pytest

from tests.core.test_return_address import EVIL
from tests.support import people
from tests.support.people import PASSWORD
from tests.web.conftest import surfing

APP = "https://app.example.test"


@pytest.fixture
async def behind(settings, clock):
    """The site at auth.example.test, that shares its cookie with app.example.test."""
    changed = replace(
        settings,
        public_url="https://auth.example.test",
        cookie_domain="example.test",
        return_addresses=(APP, "https://app.example.org"),
    )
    async with surfing(changed, clock) as surfer:
        await people.add_user(surfer.authority)
        yield surfer


async def test_the_form_may_lead_to_the_application_and_does(behind):
    page = await behind.get(f"/sign-in?{urlencode({'next': f'{APP}/a?b=c'})}")
    assert f"form-action 'self' {APP};" in page.headers["content-security-policy"]
    assert f'name="next" value="{APP}/a?b=c"' in page.text
    answer = await behind.sign_in(next=f"{APP}/a?b=c")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{APP}/a?b=c")
    cookie = next(line for line in answer.headers.get_list("set-cookie") if "session" in line)
    assert cookie.startswith("__Secure-session=sess_")
    assert "; Domain=example.test; HttpOnly; Secure; SameSite=Lax" in cookie


async def test_no_other_address_is_led_to(behind):
    for target in EVIL:
        page = await behind.stranger().get(f"/sign-in?{urlencode({'next': target})}")
        assert "form-action 'self';" in page.headers["content-security-policy"], target
        # A NUL is part of nothing that anybody could be led to: there is no form at all.
        assert ('name="next" value="/' in page.text) != ("\0" in target), target
    for target in EVIL[:6]:
        location = (await behind.stranger().sign_in(next=target)).headers["location"]
        assert location.startswith("/"), target
        assert not location.startswith("//"), target


async def test_who_is_signed_in_goes_on_at_once_but_not_where_a_fresh_sign_in_is_wanted(behind):
    await behind.sign_in()
    query = urlencode({"next": f"{APP}/a"})
    assert (await behind.get(f"/sign-in?{query}")).headers["location"] == f"{APP}/a"
    page = await behind.get(f"/sign-in?again=true&{query}")
    assert (page.status_code, 'name="password"' in page.text) == (200, True)
    before = dict(behind.cookies)
    answer = await behind.submit(f"/sign-in?again=true&{query}", username="ada", password=PASSWORD, next=f"{APP}/a")
    assert answer.headers["location"] == f"{APP}/a"
    assert behind.cookies["__Secure-session"] != before["__Secure-session"]
    alone = behind.stranger()
    answer = await alone.get("/settings/sessions", Cookie=f"__Secure-session={before['__Secure-session']}")
    assert answer.status_code == 303  # the one before ended


async def test_the_kinds_of_cookies_do_not_stand_in_for_each_other(behind, surfer):
    """Nobody who may set a shared cookie, a sibling host say, can plant one where it is not shared."""
    await behind.sign_in()
    token = behind.cookies["__Secure-session"]
    for site, name, status in (
        (behind, "__Secure-session", 200),
        (behind, "__Host-session", 303),
        (surfer, "__Secure-session", 303),
        (surfer, "__Host-session", 200),
    ):
        answer = await site.stranger().get("/settings/sessions", Cookie=f"{name}={token}")
        assert answer.status_code == status, name


async def test_signing_out_clears_the_shared_cookie(behind):
    await behind.sign_in()
    answer = await behind.submit("/sign-out")
    (line,) = [line for line in answer.headers.get_list("set-cookie") if "session" in line]
    assert line == "__Secure-session=; Path=/; Domain=example.test; HttpOnly; Secure; SameSite=Lax; Max-Age=0"
