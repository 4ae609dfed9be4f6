"""Every page and every act that the application knows of, visited once; so that no route can be forgotten."""

from __future__ import annotations

from dataclasses import dataclass

from ostiary.core.oauth.client import Registration
from ostiary.core.selector import Selector
from ostiary.core.token import new_id
from ostiary.storage import clients, consents
from tests.support.people import CHROME, PASSWORD, at
from tests.support.routes import PAGES, filled
from tests.web.surfer import Surfer

STREAM = "/settings/sessions/events"  # it does not end


@dataclass(frozen=True)
class Known:
    """Ids to put into the paths of routes."""

    session_id: str
    token_id: str
    username: str
    client_id: str
    plan_id: str


def routes(method: str, known: Known) -> list[str]:
    """The paths of all routes of a method."""
    found = [filled(page.path, vars(known)) for page in PAGES if page.method == method]
    assert len(found) > 8
    return found


async def settle(surfer: Surfer) -> Known:
    """Somebody signed in, with another session and a CLI token."""
    await surfer.add_and_sign_in("ada", admin=True)
    _, other = await surfer.authority.sign_in.with_password("ada", PASSWORD, client=at("203.0.113.9", CHROME))
    by = await surfer.authority.verify(other.token, at())
    token = await surfer.authority.tokens.create(by=by, name="script")
    client_id = await allow_an_application(surfer, by.user.id)
    made = await surfer.authority.plans.make(Selector(), by=by)
    return Known(other.session.id, token.token.id, "ada", client_id, made.plan.id)


async def allow_an_application(surfer: Surfer, user_id: str) -> str:
    """A third party's client, and the user's consent to it; written as a grant would. Its id."""
    now = surfer.authority.clock()
    wanted = Registration("Calendar", is_public=True, redirect_uris=["https://calendar.example/back"], third_party=True)
    client = wanted.check(new_id("client"), now)
    async with surfer.authority.database.transaction() as db:
        await clients.add(db, client, None)
        await consents.replace(db, user_id, client.id, ("openid", "email"), now)
    return client.id


async def crawl(surfer: Surfer) -> Known:
    """Everything, signed out and in, and errors too; `surfer.answers` has what was answered."""
    stranger = surfer.stranger()
    known = await settle(surfer)
    for path in [path for path in routes("GET", known) if path != STREAM]:
        await stranger.get(path)
        await surfer.get(path)
    await stranger.get(STREAM)
    await surfer.get("/nothing")
    await surfer.get("/settings/nothing")
    await surfer.post("/sign-in", {"username": "ada"})
    await stranger.submit("/sign-in", username="ada", password="wrong")
    session = f"/settings/sessions/{known.session_id}"
    await surfer.submit(f"{session}/label", label="laptop")
    await surfer.submit("/settings/tokens/new", name="new", days="30", scope="sessions:read")
    await surfer.get("/settings/tokens")
    await surfer.submit(f"/settings/tokens/{known.token_id}/rotate")
    await surfer.submit(f"/settings/tokens/{known.token_id}/revoke")
    await surfer.submit(f"{session}/end")
    await surfer.submit("/settings/password", current=PASSWORD, new=PASSWORD + "!", again=PASSWORD + "!")
    await surfer.submit("/settings/sessions/end-others")
    await surfer.submit("/settings/sessions", "/sign-out")
    await surfer.get("/signed-out")
    await surfer.sign_in("ada", PASSWORD + "!")
    await surfer.submit("/settings/sessions/end-all")
    await surfer.get("/signed-out")
    return known
