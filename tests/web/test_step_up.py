"""Where the policy wants a fresher sign-in, the password is asked for and the act continues."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.support import people
from tests.support.people import PASSWORD, at
from tests.web.surfer import TOKEN


@pytest.fixture
def settings(settings):
    return replace(settings, step_up_age=timedelta(minutes=15))


@pytest.fixture
async def stale(surfer, clock):
    """Somebody whose sign-in is too old, with another session."""
    await surfer.add_and_sign_in()
    other = await people.sign_in(surfer.authority, client=at("203.0.113.9"))
    clock.advance(minutes=16)
    return surfer, other


async def test_the_act_continues_with_the_password_and_the_session_gets_a_new_secret(stale):
    surfer, other = stale
    before = surfer.cookies["__Host-session"]
    asked = await surfer.submit("/settings/sessions/end-all", tokens="yes")
    assert asked.status_code == 401 and "Confirm your password" in asked.text
    assert 'action="/settings/sessions/end-all"' in asked.text and 'name="tokens" value="yes"' in asked.text
    assert await surfer.authority.verify(other.token)
    token = TOKEN.findall(asked.text)[-1]
    fields = {"csrf_token": token, "tokens": "yes", "confirm_password": PASSWORD}
    done = await surfer.post("/settings/sessions/end-all", fields)
    assert done.status_code == 303 and done.headers["location"] == "/signed-out"
    assert "__Host-session" not in surfer.cookies and before
    assert "2 sessions ended" in (await surfer.get("/signed-out")).text


@pytest.mark.parametrize("act", ["end-others", "{id}/end"])
async def test_ending_others_steps_up_and_keeps_the_browser_signed_in(stale, act):
    surfer, other = stale
    path = f"/settings/sessions/{act.format(id=other.session.id)}"
    before = surfer.cookies["__Host-session"]
    asked = await surfer.submit(path)
    assert asked.status_code == 401
    token = TOKEN.findall(asked.text)[-1]
    wrong = await surfer.post(path, {"csrf_token": token, "confirm_password": "wrong"})
    assert wrong.status_code == 401 and "That is not your password." in wrong.text
    assert surfer.cookies["__Host-session"] == before
    done = await surfer.post(path, {"csrf_token": token, "confirm_password": PASSWORD})
    assert done.status_code == 303
    after = surfer.cookies["__Host-session"]
    assert after != before and after.split(".")[0] == before.split(".")[0]
    assert (await surfer.get("/settings/sessions")).status_code == 200
    with pytest.raises(Exception, match="ended"):
        await surfer.authority.verify(other.token)


async def test_signing_out_asks_for_the_password_only_where_it_ends_more_than_the_device(stale):
    """What acts while one is away ends with the browser if ticked; that is no way around the question."""
    surfer, _ = stale
    own = surfer.cookies["__Host-session"]
    asked = await surfer.submit("/sign-out", standing="yes")
    assert asked.status_code == 401 and "acts for you while you are away" in asked.text
    assert 'action="/sign-out"' in asked.text and 'name="standing" value="yes"' in asked.text
    assert await surfer.authority.verify(own)
    fields = {"csrf_token": TOKEN.findall(asked.text)[-1], "standing": "yes", "confirm_password": PASSWORD}
    done = await surfer.post("/sign-out", fields)
    assert done.headers["location"] == "/signed-out" and "__Host-session" not in surfer.cookies
    await surfer.sign_in()
    assert (await surfer.submit("/sign-out")).headers["location"] == "/signed-out"


async def test_this_was_not_me_is_never_held_up(stale):
    surfer, other = stale
    done = await surfer.submit(f"/settings/sessions/{other.session.id}/disown")
    assert done.headers["location"] == "/settings/password"


async def test_an_act_that_fails_after_the_password_does_not_sign_the_browser_out(stale):
    surfer, _ = stale
    path = f"/settings/sessions/sess_{'a' * 26}/end"
    failed = await surfer.submit("/settings/password", path, confirm_password=PASSWORD)
    assert failed.status_code == 404
    assert (await surfer.get("/settings/sessions")).status_code == 200
