"""Every form that gives or takes power asks for the password in place, and goes on with what was typed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from ostiary.core.caller import Caller
from ostiary.storage.schema import metadata
from tests.support import people
from tests.support.people import PASSWORD
from tests.web.crawl import Known, routes
from tests.web.surfer import TOKEN, Surfer

# Why a form does not ask.
EXEMPT = {
    "/sign-in": "it is the sign-in",
    "/setup": "nobody is signed in yet",
    "/sign-out": "one's own way out",
    "/oauth/end-session": "one's own way out",
    "/oauth/authorize/decision": "the client says how fresh: `max_age`",
    "/settings/password": "it takes the password that holds now",
    "/settings/sessions": "one's own sessions: `step_up_age`",
    "/settings/applications": "one's own sessions: `step_up_age`",
    "/admin/plans": "nothing ends by it",
    "/admin/neutralise": "nothing ends by it",
}


async def content(surfer: Surfer) -> dict[str, Any]:
    async with surfer.authority.database.reading() as db:
        return {
            table.name: sorted((tuple(row) for row in await db.execute(select(table))), key=repr)
            for table in metadata.sorted_tables
            if table.name not in {"leases", "sessions"}
        }


@pytest.fixture
async def known(surfer, clock) -> Known:
    """An administrator whose sign-in is too old, and something for each path."""
    operator = Caller.operator("tests")
    await surfer.add_and_sign_in("ada", admin=True)
    await people.add_user(surfer.authority, "grace")
    grace = await people.sign_in(surfer.authority, "grace", client=people.at("203.0.113.9"))
    mine = await surfer.authority.verify(surfer.cookies["__Host-session"])
    token = await surfer.authority.tokens.create(by=mine, name="mine")
    from ostiary.core.selector import parse

    plan = (await surfer.authority.plans.make(parse({"user": "grace"}), by=operator)).plan
    await surfer.authority.plans.apply(plan.id, by=operator, undo_for=timedelta(hours=2))
    clock.advance(minutes=15, seconds=1)
    return Known(grace.session.id, token.token.id, "grace", "client_" + "a" * 26, plan.id)


async def test_every_form_of_power_asks_for_the_password_in_place_and_writes_nothing(surfer, known):
    paths = [path for path in routes("POST", known) if not any(path == one for one in EXEMPT)]
    paths = [path for path in paths if not path.startswith(("/settings/sessions/", "/settings/applications/"))]
    paths = [path for path in paths if path != f"/settings/tokens/{known.token_id}/revoke"]  # it only takes one's own
    assert {"/settings/tokens/new", "/admin/users/grace/disable", "/admin/neutralise/apply"} <= set(paths)
    before = await content(surfer)
    page = await surfer.get("/settings/tokens/new")
    token = TOKEN.findall(page.text)[-1]
    for path in paths:
        typed = {"name": "my <typed> name", "days": "7", "scope": ["sessions:read", "gateway"], "id": known.token_id}
        asked = await surfer.post(path, {"csrf_token": token, **typed})
        assert asked.status_code == 401, (path, asked.text)
        assert "Confirm your password" in asked.text and f'action="{path}"' in asked.text, path
        for kept in ("my &lt;typed&gt; name", 'value="gateway"', 'value="sessions:read"'):
            assert kept in asked.text, path
    assert await content(surfer) == before


async def test_a_token_is_made_as_it_was_typed_once_the_password_is_right(surfer, known):
    fields = {"name": "backup", "days": "7", "scope": ["sessions:read", "gateway"]}
    asked = await surfer.submit("/settings/tokens/new", **fields)
    token = TOKEN.findall(asked.text)[-1]
    wrong = await surfer.post("/settings/tokens/new", {"csrf_token": token, "confirm_password": "wrong", **fields})
    assert wrong.status_code == 401 and "That is not your password." in wrong.text
    done = await surfer.post("/settings/tokens/new", {"csrf_token": token, "confirm_password": PASSWORD, **fields})
    assert done.status_code == 303, done.text
    page = await surfer.get("/settings/tokens")
    assert "backup" in page.text and "ost_" in page.text
    made = await surfer.authority.verify(surfer.cookies["__Host-session"])
    tokens = await surfer.authority.tokens.list(by=made)
    assert ("backup", ("sessions:read", "gateway")) in [(one.name, one.scopes) for one in tokens]
