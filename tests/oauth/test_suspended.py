"""Suspended is a state: refused like an ending, final by whatever ends it, and brought back by its own plan only."""

from __future__ import annotations

import ast
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

import ostiary
from ostiary.authority import Authority
from ostiary.core.caller import Caller
from ostiary.core.plan import Plan
from ostiary.core.selector import Selector
from ostiary.errors import Conflict, EventNotFound, InvalidGrant, SessionRevoked
from ostiary.http.app import Application
from ostiary.storage import consents, events, sessions
from tests.http.visitors import API, COOKIE, browser, script, sign_in, visitor
from tests.oauth.party import Party, Pkce, Tokens, claims_of, form_of, person, tokens_of
from tests.support.people import PASSWORD, at

OPERATOR = Caller.operator("tests")
ENDERS = ("end_sessions", "end_user")  # the one way out (rule 2)


@dataclass
class World:
    """Somebody in a browser, with a client's session beside it: both suspended."""

    app: Application
    party: Party
    person: httpx2.AsyncClient
    cookie: str
    browser_id: str
    tokens: Tokens
    old_refresh: str
    code: tuple[str, Pkce]
    verified: tuple[Caller, Caller]  # both, as they were before
    plan: Plan = field(init=False)  # that suspended them
    second: Plan = field(init=False)  # that pins them, too

    @property
    def authority(self) -> Authority:
        return self.app.authority

    async def me(self) -> Caller:
        """Her, on another device, where she has just signed in."""
        _, started = await self.authority.sign_in.with_password("ada", PASSWORD, client=at("198.51.100.77"))
        return await self.authority.verify(started.token, at("198.51.100.77"))


async def sign_out_by_api(world):
    assert (await world.person.post(f"{API}/auth/logout")).status_code == 200


async def sign_out_by_bearer(world):
    async with script(world.app, world.cookie) as client:
        assert (await client.post(f"{API}/auth/logout")).status_code == 200


async def sign_out_who_was_verified_before(world):
    """The plan comes between the look at the caller and the act."""
    for caller in world.verified:
        await world.authority.sessions.log_out(by=caller)


async def sign_out_on_the_page(world):
    form = form_of(await world.person.get("/sign-in"))
    answer = await world.person.post("/sign-out", data={"csrf_token": form["csrf_token"]})
    assert (answer.status_code, answer.headers["location"]) == (303, "/signed-out")


async def sign_in_over_it_by_api(world):
    await sign_in(world.person)


async def sign_in_over_it_on_the_page(world):
    form = form_of(await world.person.get("/sign-in")) | {"username": "ada", "password": PASSWORD}
    assert (await world.person.post("/sign-in", data=form)).status_code == 303


async def log_out_at_the_client(world):
    """OIDC RP-Initiated Logout: with a hint nobody is asked, and both that are meant end."""
    answer = await world.person.get("/oauth/end-session", params={"id_token_hint": world.tokens.id})
    assert answer.status_code == 303, answer.text


async def log_out_by_refresh_token(world):
    await world.authority.oauth.leaving.by_refresh_token(world.tokens.refresh, at=at())


async def log_out_by_the_namespace(world):
    answer = await world.person.post("/oauth/logout", json={"refresh_token": world.tokens.refresh})
    assert answer.status_code == 200


async def revoke_the_refresh_token(world):
    assert (await world.party.call("/oauth/revoke", token=world.tokens.refresh)).status_code == 200


async def reuse_a_refresh_token(world):
    assert (await world.party.refresh(world.old_refresh)).status_code == 400


async def replay_the_code(world):
    assert (await world.party.exchange(*world.code)).status_code == 400


async def end_it_from_another_device(world):
    me = await world.me()
    for one in (world.browser_id, world.tokens.sid):
        await world.authority.sessions.revoke(one, by=me)


async def end_all_others(world):
    await world.authority.sessions.revoke_others(by=await world.me())


async def end_everything(world):
    await world.authority.sessions.revoke_all(by=await world.me())


async def disown(world):
    await world.authority.sessions.disown(world.browser_id, by=await world.me())


async def change_the_password(world):
    await world.authority.sign_in.change_password(PASSWORD, "another good password", by=await world.me())


async def withdraw_consent(world):
    await world.authority.oauth.consents.withdraw(world.party.id, by=await world.me())


async def end_it_as_administrator(world):
    for one in (world.browser_id, world.tokens.sid):
        await world.authority.administration.revoke(one, by=OPERATOR)


async def log_her_out(world):
    await world.authority.administration.log_out("ada", by=OPERATOR)


async def set_her_password(world):
    await world.authority.accounts.set_password("ada", "another good password", by=OPERATOR)


async def disable_her(world):
    await world.authority.accounts.disable("ada", by=OPERATOR)
    await world.authority.accounts.enable("ada", by=OPERATOR)


async def delete_her(world):
    await world.authority.accounts.delete("ada", by=OPERATOR)


async def erase_her(world):
    await world.authority.privacy.erase("ada", by=OPERATOR)


async def remove_the_client(world):
    await world.authority.oauth.clients.remove(world.party.id, by=OPERATOR)


async def neutralise(world):
    for one in (world.browser_id, world.tokens.sid):
        await world.authority.neutralising.apply(one, by=OPERATOR)


async def end_by_a_final_plan(world):
    """Another administrator's plan, made while they lived, and applied for good."""
    await world.authority.plans.apply(world.second.id, by=OPERATOR, undo_for=timedelta(0))


async def end_by_another_plan(world):
    """The same, but it can be undone: then only its own undo brings them back."""
    await world.authority.plans.apply(world.second.id, by=OPERATOR)


BOTH, CLIENT = ("browser", "client"), ("client",)  # the client's is bound to the browser's
Act = Callable[[World], Awaitable[None]]
# What each ends for good, and by which function of the product: one that is not here is found by the test below.
ACTS: dict[Act, tuple[tuple[str, ...], str]] = {
    sign_out_by_api: (BOTH, "sign_out._of"),
    sign_out_by_bearer: (BOTH, "sign_out._of"),
    sign_out_who_was_verified_before: (BOTH, "sessions._log_out"),
    sign_out_on_the_page: (BOTH, "sign_out._of"),
    sign_in_over_it_by_api: (BOTH, "browsers.leave_before"),
    sign_in_over_it_on_the_page: (BOTH, "browsers.leave_before"),
    log_out_at_the_client: (BOTH, "leaving._depart"),
    log_out_by_refresh_token: (CLIENT, "leaving.by_refresh_token"),
    log_out_by_the_namespace: (BOTH, "leaving.by_refresh_token"),
    revoke_the_refresh_token: (CLIENT, "inspection._revoke"),
    reuse_a_refresh_token: (CLIENT, "refreshing._end_reused"),
    replay_the_code: (CLIENT, "exchange._end_what_came_of_it"),
    end_it_from_another_device: (BOTH, "sessions.revoke_within"),
    end_all_others: (BOTH, "sessions._revoke_many"),
    end_everything: (BOTH, "sessions._revoke_many"),
    disown: (BOTH, "sessions._revoke_many"),
    change_the_password: (BOTH, "sign_in._change"),
    withdraw_consent: (CLIENT, "consents.withdraw"),
    end_it_as_administrator: (BOTH, "sessions.revoke_within"),
    log_her_out: (BOTH, "administration.log_out"),
    set_her_password: (BOTH, "accounts._set_password"),
    disable_her: (BOTH, "accounts._end_everything"),
    delete_her: (BOTH, "accounts._end_everything"),
    erase_her: (BOTH, "privacy._end"),
    remove_the_client: (CLIENT, "clients.remove"),
    neutralise: (BOTH, "neutralising._apply"),
    end_by_a_final_plan: (BOTH, "plans._end"),
    end_by_another_plan: (BOTH, "plans._end"),
}
# Functions that never meet a suspended session.
LIVE_ONLY = {
    "starting._make_room": "chooses among those that work",
    "ending.end_what_they_made": "goes with an ending, whose own way is looked for",
    "exchange._session": "ends what a newer grant replaces; nothing while one of them is suspended",
    "resources.remove": "chooses by the resource, which none of these sessions has; suspended or not",
    "plans._end_expired": "what expired by one clock; never what is suspended",
    "ending.end_user": "is one of the ways that is looked for",
}


def test_every_way_to_end_a_session_is_walked():
    """Who writes a new one finds themselves here: it must end what is suspended, too."""
    ways = set()
    for file in (Path(ostiary.__file__).parent / "authority").rglob("*.py"):
        for function in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(function, ast.AsyncFunctionDef | ast.FunctionDef):
                called = {one.func.id for one in ast.walk(function)
                          if isinstance(one, ast.Call) and isinstance(one.func, ast.Name)}  # fmt: skip
                if called & set(ENDERS):
                    ways.add(f"{file.stem}.{function.name}")
    assert ways == {way for _, way in ACTS.values()} | LIVE_ONLY.keys()


@pytest.fixture
async def world(app, party, clock):
    """Both are suspended by one plan; a second plan has pinned them as well."""
    async with person(app) as ada:
        pkce = Pkce.new()
        code = await party.code(ada, pkce)
        first = tokens_of(await party.exchange(code, pkce))
        await ada.get("/oauth/authorize", params=party.query(pkce))
        tokens = tokens_of(await party.refresh(first.refresh))
        clock.advance(minutes=1)
        cookie = ada.cookies[COOKIE]
        verified = (await app.authority.verify(cookie), await app.authority.verify(tokens.access))
        session_id = cookie.partition(".")[0]
        found = World(app, party, ada, cookie, session_id, tokens, first.refresh, (code, pkce), verified)
        user = await app.authority.accounts.find("ada", by=OPERATOR)
        async with app.authority.database.transaction() as db:
            await consents.replace(db, user.user.id, party.id, ("openid",), clock())
        made = await app.authority.plans.make(Selector(user="ada"), by=OPERATOR)
        found.second = (await app.authority.plans.make(Selector(user="ada"), by=OPERATOR)).plan
        assert (await app.authority.plans.apply(made.plan.id, by=OPERATOR)).ended == 2
        found.plan = made.plan
        clock.advance(minutes=1)
        yield found


async def row(world, session_id):
    async with world.authority.database.reading() as db:
        return await sessions.find(db, session_id)


async def told(world, session_id):
    async with world.authority.database.reading() as db:
        found = await events.list_oldest(db, limit=1000)
    life = ("session.revoked", "session.suspended", "session.restored")
    return [event for event in found if event.session_id == session_id and event.kind in life]


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
async def test_what_is_ended_while_it_is_suspended_stays_ended(world, act):
    """The plan is undone: what anybody ended meanwhile is not brought back, and what nobody ended is."""
    await act(world)
    await world.authority.plans.undo(world.plan.id, by=OPERATOR)
    for name, session_id in (("browser", world.browser_id), ("client", world.tokens.sid)):
        session = await row(world, session_id)
        if name not in ACTS[act][0]:
            assert session.revoked is None, name
        elif act is end_by_another_plan:
            assert session.life(world.authority.policy, world.authority.clock()) == "suspended"
        else:
            assert session is None or session.revoked is not None, name
            assert session is None or session.life(world.authority.policy, world.authority.clock()) == "ended"
            *_, last = await told(world, session_id)
            assert last.kind == "session.revoked"
            if session is not None:
                assert (last.reason, last.by, last.at) == (
                    session.revoked.reason, session.revoked.by, session.revoked.at
                )  # fmt: skip
    if "browser" in ACTS[act][0]:
        with pytest.raises(SessionRevoked):
            await world.authority.verify(world.cookie)
    if act is end_by_another_plan:
        assert (await world.authority.plans.undo(world.second.id, by=OPERATOR)).restored == 2
        assert await world.authority.verify(world.cookie)


async def test_suspended_is_refused_at_every_door_and_says_until_when(world):
    async with browser(world.app) as thief:
        thief.cookies.set(COOKIE, world.cookie, domain="auth.test")
        refused = await thief.get(f"{API}/auth/whoami")
        assert (refused.status_code, refused.json()["code"]) == (401, "session_revoked")
        assert refused.json()["suspended_until"] == "2026-01-15T12:11:00Z" or refused.json()["suspended_until"]
        assert (await thief.get("/verify")).status_code == 401
    assert (await world.party.introspect(world.tokens.access)).json() == {"active": False}
    assert (await world.party.refresh(world.tokens.refresh)).status_code == 400
    async with visitor(world.app, authorization=f"Bearer {world.tokens.access}") as client:
        assert (await client.get("/oauth/sessions")).status_code == 401
    with pytest.raises(InvalidGrant):
        await world.authority.oauth.refreshing.refresh(
            world.tokens.refresh, client=world.party.client, scope=None, at=at()
        )
    await world.authority.plans.undo(world.plan.id, by=OPERATOR)
    assert (await world.person.get(f"{API}/auth/whoami")).status_code == 200


async def test_each_answer_tells_the_three_states(world, clock):
    authority = world.authority

    async def status() -> str:
        page = await authority.administration.search(Selector(user="ada"), by=OPERATOR)
        (one,) = [session for session in page.sessions if session.id == world.browser_id]
        status: str = one.status(authority.policy, clock())
        for wanted in ("live", "suspended", "ended"):
            found = await authority.administration.search(Selector(user="ada", status=wanted), by=OPERATOR)
            is_in = world.browser_id in {session.id for session in found.sessions}
            assert is_in == (wanted == one.life(authority.policy, clock()))
        return status

    assert await status() == "suspended"
    await authority.plans.undo(world.plan.id, by=OPERATOR)
    assert await status() == "active"
    await authority.plans.apply(world.second.id, by=OPERATOR)
    assert await status() == "suspended"
    clock.advance(minutes=10)
    assert await status() == "revoked"
    assert await authority.settling.settle() == 2
    assert await status() == "revoked"
    assert [event.kind for event in await told(world, world.browser_id)] == [
        "session.suspended", "session.restored", "session.suspended", "session.revoked",
    ]  # fmt: skip
    assert await authority.settling.settle() == 0


def ending_in(receipt: str) -> dict[str, Any]:
    ending: dict[str, Any] = claims_of(receipt)["ending"]
    return ending


async def test_a_receipt_speaks_of_the_ending_that_holds(world):
    """P4: never of one that was undone, and of none while the session lives or may come back."""
    receipts, colleague = world.authority.receipts, Caller.operator("colleague")
    (first,) = await told(world, world.browser_id)
    for wanted in (world.browser_id, str(first.position)):
        with pytest.raises((Conflict, EventNotFound)):
            await receipts.of(wanted, by=OPERATOR)
    await world.authority.plans.undo(world.plan.id, by=OPERATOR)
    with pytest.raises(Conflict, match="lives"):
        await receipts.of(world.browser_id, by=OPERATOR)
    await world.authority.administration.revoke(world.browser_id, by=colleague)
    ending = ending_in(await receipts.of(world.browser_id, by=OPERATOR))
    *_, last = await told(world, world.browser_id)
    assert (ending["by"], ending["reason"], ending["position"]) == ("database:colleague", "admin", last.position)
    with pytest.raises((Conflict, EventNotFound)):
        await receipts.of(str(first.position), by=OPERATOR)


async def test_a_receipt_can_be_had_as_soon_as_nobody_can_undo_it(world, clock):
    with pytest.raises(Conflict, match="suspended until"):
        await world.authority.receipts.of(world.browser_id, by=OPERATOR)
    clock.advance(minutes=10)
    ending = ending_in(await world.authority.receipts.of(world.browser_id, by=OPERATOR))
    assert (ending["reason"], ending["by"]) == ("bulk", OPERATOR.name)
    assert ending["suspended_at"] < ending["at"]
    assert [event.kind for event in await told(world, world.browser_id)] == ["session.suspended", "session.revoked"]


async def test_an_undo_that_stopped_half_way_is_finished(world, clock, monkeypatch):
    """What it decided is done; and no plan that is owed something is forgotten."""
    own = world.authority.plans
    with monkeypatch.context() as patched:
        patched.setattr("ostiary.authority.plans.restore_sessions", _broken)
        with pytest.raises(RuntimeError):
            await own.undo(world.plan.id, by=OPERATOR)
    clock.advance(days=3)
    await world.authority.retention.purge(by=OPERATOR)
    assert (await own.find(world.plan.id, by=OPERATOR)).state == "undoing"
    await world.authority.settling.settle()
    assert (await own.find(world.plan.id, by=OPERATOR)).state == "undone"
    assert [event.kind for event in await told(world, world.browser_id)] == ["session.suspended", "session.restored"]


async def _broken(*_args, **_more):
    raise RuntimeError("the process ends here")
