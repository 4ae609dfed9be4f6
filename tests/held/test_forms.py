"""Every form of the pages, with its last byte held back: who is no longer signed in when it comes, does nothing.

The forms are found by following the links of a person and of an administrator, so that one that is added later is among
them.
"""

from __future__ import annotations

import asyncio

import pytest

from ostiary.authority import Authority
from tests.held.connection import Answer, Held, ask
from tests.held.forms import OF_NOBODY, Browser, Form, every_form, found_forms, furnish, kind_of
from tests.held.people import DEMOTED, SUSPENDED, TO_A_SESSION, Who, new_user, with_session
from tests.held.written import difference, dump

SIGNS_OUT = {"/sign-out": "/signed-out", "/oauth/end-session": "/signed-out"}  # done for whoever is out already


@pytest.mark.parametrize("happens", TO_A_SESSION)
async def test_whose_session_ends_or_changes_before_the_last_byte_of_a_form_does_nothing(node, happens):
    authority, port = node
    who, browser, forms = await _all_forms(authority, port)
    chosen = [form for form in forms if happens != DEMOTED or form.action.startswith("/admin/")]
    if happens == SUSPENDED:  # its holder may let go of it: then it ends for good, which is written
        chosen = [form for form in chosen if form.action not in SIGNS_OUT]
    held = [await Held.send(port, browser.asked(form)) for form in chosen]
    await TO_A_SESSION[happens](authority, who)
    before = await dump(authority.database)
    answers = await asyncio.gather(*(one.finish() for one in held))
    assert [(one.name, one.status) for one in answers if not _is_refused(one)] == []
    assert difference(before, await dump(authority.database)) == []


def _is_refused(answer: Answer) -> bool:
    if answer.status == 303:
        location = answer.headers["location"]
        return location.partition("?")[0] == "/sign-in" or location == SIGNS_OUT.get(answer.name)
    return answer.status in {401, 403, 404}


async def test_the_same_forms_are_done_for_whoever_is_still_signed_in(node):
    """So that the test above cannot pass because its forms could not be done at all."""
    authority, port = node
    _, browser, forms = await _all_forms(authority, port)
    refused = {}
    for kind in [kind_of(form.action) for form in forms]:
        answer = await _send(port, browser, forms, kind)
        if _leads_out(answer):  # one of the forms before has signed this one out: once more, by somebody else
            _, browser, forms = await _all_forms(authority, port)
            answer = await _send(port, browser, forms, kind)
        if answer.status not in {200, 303} or _leads_out(answer):
            refused[kind] = answer.status, answer.headers.get("location")
    assert refused == {}


async def _send(port: int, browser: Browser, forms: list[Form], kind: str) -> Answer:
    (form,) = [form for form in forms if kind_of(form.action) == kind]
    return await ask(port, browser.asked(form))


def _leads_out(answer: Answer) -> bool:
    return answer.headers.get("location", "").startswith("/sign-in")


async def test_every_form_is_walked(node):
    authority, port = node
    _, _, of_administrators = await _all_forms(authority, port)
    _, _, of_persons = await _all_forms(authority, port, "member")
    every = {kind_of(form.action) for form in of_administrators}
    assert every | OF_NOBODY == every_form()
    assert {kind_of(form.action) for form in of_persons} <= every


async def _all_forms(authority: Authority, port: int, *roles: str) -> tuple[Who, Browser, list[Form]]:
    who = await with_session(authority, await new_user(authority, *(roles or ("admin", "member"))))
    paths = await furnish(authority, who)
    browser = Browser(port, who)
    return who, browser, await found_forms(browser, paths)
