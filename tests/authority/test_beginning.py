"""Nothing that began before everything was ended is accepted after that was acknowledged, wherever it was stopped.

Every way to get a credential is stopped at every step that may make it wait (a turn, a password, a statement), and
meanwhile everything is ended in every way there is. The ways are found in the code: one that is added later has to be
added here.
"""

from __future__ import annotations

import ast
import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncConnection

import ostiary.authority
from ostiary.authority import Authority, Beginning
from ostiary.authority.passwords import Passwords
from ostiary.core.account import User
from ostiary.core.caller import Caller
from ostiary.core.oauth.client import OAuthClient, Registration
from ostiary.core.selector import Selector
from ostiary.core.token import new_id
from ostiary.errors import OstiaryError, WrongCredentials
from ostiary.storage import accounts, subjects
from ostiary.storage.database import Database
from tests.oauth.conftest import KEY, lend_keys
from tests.oauth.party import CALLBACK, Pkce
from tests.support.people import PASSWORD, at

STEPS = 40  # more than any way has
EXAMPLES = 4  # of each ending
PATIENCE = 0.4  # seconds for an ending that may be waiting for what is stopped


# Stopping.


@dataclass
class Gate:
    """Stops whoever runs under it at one of the steps that may make it wait.

    A way that stands on no row of its own begins when it reads its mark: its steps count from then on.
    """

    at_step: int
    has_begun: bool = True
    passed: int = 0
    stopped: asyncio.Event = field(default_factory=asyncio.Event)
    open: asyncio.Event = field(default_factory=asyncio.Event)

    async def step(self) -> None:
        self.passed += self.has_begun
        if self.has_begun and self.passed == self.at_step:
            self.stopped.set()
            await self.open.wait()


_gate: ContextVar[Gate | None] = ContextVar("gate", default=None)


async def step() -> None:
    gate = _gate.get()
    if gate is not None:
        await gate.step()


@pytest.fixture
def gates(monkeypatch):
    """Steps: before a turn to write or to read, before each statement, before and after a password is hashed."""
    transaction, reading, execute = Database.transaction, Database.reading, AsyncConnection.execute

    @asynccontextmanager
    async def slow_transaction(self, *args, **kwargs) -> AsyncIterator[Any]:
        await step()
        async with transaction(self, *args, **kwargs) as db:
            yield db

    @asynccontextmanager
    async def slow_reading(self) -> AsyncIterator[Any]:
        await step()
        async with reading(self) as db:
            yield db

    async def slow_execute(self, *args, **kwargs) -> Any:
        if self.dialect.name != "sqlite":  # there, a transaction that was begun keeps everybody out
            await step()
        return await execute(self, *args, **kwargs)

    def slowly(work: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def slow(self, *args) -> Any:
            await step()
            found = await work(self, *args)
            await step()
            return found

        return slow

    async def cut_off(db, user_id) -> Any:
        found = await read_mark(db, user_id)
        if gate := _gate.get():
            gate.has_begun = True
        return found

    read_mark = subjects.cut_off
    monkeypatch.setattr(subjects, "cut_off", cut_off)
    monkeypatch.setattr(Database, "transaction", slow_transaction)
    monkeypatch.setattr(Database, "reading", slow_reading)
    monkeypatch.setattr(AsyncConnection, "execute", slow_execute)
    monkeypatch.setattr(Passwords, "verify", slowly(Passwords.verify))
    monkeypatch.setattr(Passwords, "hash", slowly(Passwords.hash))


# People.


@dataclass
class World:
    """Somebody who is signed in twice, their administrator, a client that acts for them, and one for itself."""

    authority: Authority
    operator: Caller
    user: User
    token: str  # of the session in which things are begun
    here: Caller
    elsewhere: Caller
    cli: str
    client: OAuthClient
    service: OAuthClient
    pkce: Pkce
    code: str
    refresh: str

    async def caller(self, token: str) -> Caller:
        return await self.authority.verify(token, at())

    async def new_code(self, pkce: Pkce) -> str:
        request = (await self.authority.oauth.authorization.destination(asked := self.asked(pkce))).read(asked)
        return await self.authority.oauth.authorization.grant(request, by=self.here)

    def asked(self, pkce: Pkce) -> dict[str, str]:
        return {
            "response_type": "code",
            "client_id": self.client.id,
            "redirect_uri": CALLBACK,
            "scope": "openid",
            "code_challenge": pkce.challenge,
            "code_challenge_method": "S256",
        }

    async def exchange(self, code: str, pkce: Pkce) -> Any:
        return await self.authority.oauth.exchange.exchange(
            code, client=self.client, redirect_uri=CALLBACK, verifier=pkce.verifier, at=at()
        )

    async def refreshed(self, token: str) -> Any:
        return await self.authority.oauth.refreshing.refresh(token, client=self.client, scope=None, at=at())


async def new_world(authority: Authority, hashed: str, number: int) -> World:
    operator = Caller.operator("tests")
    user = User(new_id("user"), f"ada{number}", None, ("member",), authority.clock())
    async with authority.database.transaction() as db:
        await accounts.add(db, user, hashed)
    add = authority.oauth.clients.add
    client = (await add(Registration("Shop", redirect_uris=[CALLBACK], is_public=True), by=operator)).client
    service = (await add(Registration("Night job"), by=operator)).client
    start = authority.sessions.start
    token = (await start(user.id, client=at(), amr=("pwd",))).token
    other = (await start(user.id, client=at(), amr=("pwd",))).token
    here, elsewhere = await authority.verify(token, at()), await authority.verify(other, at())
    cli = (await authority.tokens.create(by=here)).secret
    pkce = Pkce.new()
    world = World(authority, operator, user, token, here, elsewhere, cli, client, service, pkce, "", "")
    issued = await world.exchange(await world.new_code(pkce), pkce)
    return replace(world, code=await world.new_code(pkce), refresh=str(issued.refresh_token))


# Ways to begin: each gives what it got, or raises. By what of the code it runs through (`found_in_the_code`).

Way = Callable[[World], Awaitable[list[str]]]


async def password(w: World) -> list[str]:
    _, started = await w.authority.sign_in.with_password(str(w.user.username), PASSWORD, client=at())
    return [started.token]


async def start(w: World) -> list[str]:
    return [(await w.authority.sessions.start(w.user.id, client=at())).token]


async def start_that_took_a_while(w: World) -> list[str]:
    began = await w.authority.sessions.begin(w.user.id)
    return [(await w.authority.sessions.start(w.user.id, client=at(), began=began)).token]


async def mint(w: World) -> list[str]:
    made = await w.authority.administration.mint(str(w.user.username), by=w.operator, expire_after=timedelta(hours=1))
    return [made.token]


async def renew(w: World) -> list[str]:
    return [(await w.authority.sessions.renew(w.token, client=at())).token]


async def reauthenticate(w: World) -> list[str]:
    return [(await w.authority.sign_in.reauthenticate(PASSWORD, by=w.here)).token]


async def create_token(w: World) -> list[str]:
    return [(await w.authority.tokens.create(by=w.here)).secret]


async def create_token_by_token(w: World) -> list[str]:
    return [(await w.authority.tokens.create(by=await w.caller(w.cli))).secret]


async def rotate_token(w: World) -> list[str]:
    return [(await w.authority.tokens.rotate(w.cli.split(".")[0], by=w.here)).secret]


async def grant(w: World) -> list[str]:
    return [await w.new_code(w.pkce)]


async def exchange(w: World) -> list[str]:
    issued = await w.exchange(w.code, w.pkce)
    return [issued.access_token, str(issued.refresh_token)]


async def refresh(w: World) -> list[str]:
    issued = await w.refreshed(w.refresh)
    return [issued.access_token, str(issued.refresh_token)]


async def client_credentials(w: World) -> list[str]:
    issued = await w.authority.oauth.client_credentials.grant(client=w.service, scope=None, at=at())
    return [issued.access_token]


FRESH = (password, start, start_that_took_a_while, mint)  # of the user
OF_THE_SESSION = (renew, reauthenticate, grant, exchange, refresh)
TOKENS = (create_token, create_token_by_token, rotate_token)
OF_THE_CLIENT = (grant, exchange, refresh)


# Ways to end, and what must not survive each.


async def revoke_all(w: World) -> None:
    await w.authority.sessions.revoke_all(by=w.elsewhere, tokens=True)


async def revoke_others(w: World) -> None:
    await w.authority.sessions.revoke_others(by=w.elsewhere)


async def disown(w: World) -> None:
    await w.authority.sessions.disown(str(w.here.session_id), by=w.elsewhere)


async def log_out(w: World) -> None:
    await w.authority.administration.log_out(str(w.user.username), by=w.operator)


async def disable(w: World) -> None:
    await w.authority.accounts.disable(str(w.user.username), by=w.operator)


async def delete(w: World) -> None:
    await w.authority.accounts.delete(str(w.user.username), by=w.operator)


async def set_password(w: World) -> None:
    await w.authority.accounts.set_password(str(w.user.username), "another long password", by=w.operator)


async def change_password(w: World) -> None:
    await w.authority.sign_in.change_password(PASSWORD, "another long password", by=w.elsewhere)


async def erase(w: World) -> None:
    await w.authority.privacy.erase(str(w.user.username), by=w.operator)


async def neutralise(w: World) -> None:
    await w.authority.neutralising.apply(w.token, by=w.operator)


async def plan(w: World) -> None:
    made = await w.authority.plans.make(Selector(user=w.user.username), by=w.operator)
    await w.authority.plans.apply(made.plan.id, by=w.operator, tolerance=10)


async def remove_client(w: World) -> None:
    await w.authority.oauth.clients.remove(w.client.id, by=w.operator)


async def remove_service(w: World) -> None:
    await w.authority.oauth.clients.remove(w.service.id, by=w.operator)


ENDINGS: dict[Callable[[World], Awaitable[None]], tuple[Way, ...]] = {
    revoke_all: (*FRESH, *OF_THE_SESSION, *TOKENS),
    revoke_others: (*FRESH, *OF_THE_SESSION),
    disown: (*FRESH, *OF_THE_SESSION),
    log_out: (*FRESH, *OF_THE_SESSION),
    disable: (*FRESH, *OF_THE_SESSION, *TOKENS),
    delete: (*FRESH, *OF_THE_SESSION, *TOKENS),
    set_password: (*FRESH, *OF_THE_SESSION),
    change_password: (*FRESH, *OF_THE_SESSION),
    erase: (*FRESH, *OF_THE_SESSION, *TOKENS),
    neutralise: (*OF_THE_SESSION, *TOKENS),
    plan: (renew, reauthenticate, refresh),  # it ends what it pinned, and what came since stays
    remove_client: OF_THE_CLIENT,
    remove_service: (client_credentials,),
}


async def interleave(w: World, ending: Callable[[World], Awaitable[None]], way: Way, at_step: int) -> None:
    """Stop the way at a step, end everything, let it go on; nothing that it got may be accepted."""
    gate = Gate(at_step, has_begun=way not in (*FRESH, client_credentials))

    async def begin() -> list[str]:
        _gate.set(gate)
        return await way(w)

    beginning = asyncio.create_task(begin())
    reached = asyncio.create_task(gate.stopped.wait())
    await asyncio.wait({beginning, reached}, return_when=asyncio.FIRST_COMPLETED)
    end = asyncio.ensure_future(ending(w))
    # It may have to wait for what is stopped, and then ends what comes of it.
    await asyncio.wait({end}, timeout=PATIENCE)
    gate.open.set()
    reached.cancel()
    await end
    try:
        got = await beginning
    except OstiaryError:
        return
    _gate.set(None)
    for credential in got:
        assert not await is_accepted(w, credential), f"{way.__name__} survived {ending.__name__} from step {at_step}"


async def is_accepted(w: World, credential: str) -> bool:
    try:
        if credential.startswith("code_"):
            await w.exchange(credential, w.pkce)
        elif credential.startswith("ort_"):
            await w.refreshed(credential)
        else:
            await w.caller(credential)
    except OstiaryError:
        return False
    return True


@pytest.fixture
async def ready(make_authority, gates) -> AsyncIterator[tuple[Authority, str]]:
    async with make_authority(key=KEY, public_url="https://sessions.example") as authority:
        await lend_keys(SimpleNamespace(authority=authority))  # type: ignore[arg-type]
        yield authority, await authority.accounts.hash_new("ada", PASSWORD)


@pytest.mark.parametrize("ending", ENDINGS)
async def test_nothing_begun_before_an_ending_is_accepted_after_it(ready, ending):
    authority, hashed = ready
    cases: list[tuple[Way, int]] = []

    @hypothesis_settings(
        max_examples=EXAMPLES, database=None, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(st.sampled_from(ENDINGS[ending]), st.integers(1, STEPS // 2))
    def collect(way: Way, at_step: int) -> None:
        cases.append((way, at_step))

    collect()
    for number, (way, at_step) in enumerate(cases):
        await interleave(await new_world(authority, hashed, number), ending, way, at_step)


async def test_a_password_sign_in_survives_an_ending_from_no_step(ready):
    """All of them: the turn, the password, each statement. Among them the second look after it waited for its turn."""
    authority, hashed = ready
    for at_step in range(1, STEPS):
        w = await new_world(authority, hashed, at_step)
        gate = Gate(10**6, has_begun=False)
        _gate.set(gate)
        await password(w)
        _gate.set(None)
        if at_step > gate.passed:
            return
        await interleave(w, log_out, password, at_step)
    raise AssertionError("more steps than there can be")


@pytest.mark.parametrize("way", [mint, start, exchange, reauthenticate])
async def test_a_beginning_survives_an_ending_from_none_of_its_first_steps(ready, way):
    authority, hashed = ready
    for at_step in range(1, 7):
        await interleave(await new_world(authority, hashed, at_step), revoke_all, way, at_step)


async def test_a_code_that_is_exchanged_while_its_session_is_neutralised_gives_nothing(ready):
    """What hangs on the session is looked for before the exchange has written what comes of it."""
    authority, hashed = ready
    for at_step in range(1, 14):
        await interleave(await new_world(authority, hashed, at_step), neutralise, exchange, at_step)


async def test_twelve_sign_ins_that_wait_their_turn_do_not_survive_an_ending_meanwhile(ready):
    """From one address on one account: one is looked at after the other, and most wait."""
    authority, hashed = ready
    w = await new_world(authority, hashed, 0)
    first = Gate(3, has_begun=False)  # inside its turn, so that all others are waiting for theirs
    tasks = []

    async def begin(gate: Gate | None) -> list[str]:
        _gate.set(gate)
        return await password(w)

    tasks = [asyncio.create_task(begin(first if number == 0 else None)) for number in range(12)]
    await first.stopped.wait()
    await asyncio.sleep(0.2)  # seconds: the others have read what they read before they wait
    end = asyncio.create_task(revoke_all(w))
    await asyncio.wait({end}, timeout=5)
    first.open.set()
    await end
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(one, OstiaryError) for one in outcomes), outcomes
    assert await authority.sessions.start(w.user.id, client=at())


@pytest.mark.parametrize("change", ["disabled", "another password", "gone"])
async def test_a_sign_in_looks_at_the_account_again_under_the_lock(ready, change):
    """Nothing is ended here, so no mark moves: the row of the account is all that says it."""
    authority, hashed = ready
    w = await new_world(authority, hashed, 0)
    checked = Gate(10**6)

    async def begin() -> list[str]:
        _gate.set(checked)
        return await password(w)

    authority.sign_in._passwords.verify = _then_stop(authority.sign_in._passwords, checked)
    beginning = asyncio.create_task(begin())
    await checked.stopped.wait()
    await _change(authority, w, change)
    checked.open.set()
    with pytest.raises(WrongCredentials):
        await beginning


def _then_stop(passwords: Passwords, gate: Gate) -> Callable[..., Awaitable[bool]]:
    """The password is found right, and then it takes a while."""

    async def verify(stored: str | None, password: str, is_gone: Callable[[], bool]) -> bool:
        found = await Passwords.verify(passwords, stored, password, is_gone)
        gate.stopped.set()
        await gate.open.wait()
        return found

    return verify


async def _change(authority: Authority, w: World, change: str) -> None:
    async with authority.database.transaction() as db:
        match change:
            case "disabled":
                await accounts.set_disabled(db, w.user.id, authority.clock())
            case "another password":
                await accounts.set_password(db, w.user.id, old=None, new="$argon2id$other", now=authority.clock())
            case "gone":
                await accounts.remove(db, w.user.id)


async def test_a_disabled_account_begins_nothing_by_any_way(ready):
    """Also where no mark moved since: an application that embeds us, and starts a session for them by their id."""
    authority, hashed = ready
    for number, way in enumerate((*FRESH, *OF_THE_SESSION, *TOKENS)):
        w = await new_world(authority, hashed, number)
        await disable(w)
        with pytest.raises(OstiaryError):
            await way(w)


async def test_who_was_just_set_up_is_not_begun_after_they_were_disabled(ready, operator):
    authority, _ = ready
    code = await authority.setup.make_code()
    user = await authority.setup.complete(str(code), "first", PASSWORD, client=at())
    await authority.sessions.begin(user.id)
    await authority.accounts.add("second", PASSWORD, by=operator, roles=("admin",))
    await authority.administration.log_out("first", by=operator)
    with pytest.raises(OstiaryError):
        await authority.sessions.start(user.id, client=at(), began=Beginning.of_new(user.id))


# What is above covers all there is.

WRITES = {
    ("sessions", "add"), ("sessions", "renew"), ("cli_tokens", "add"), ("cli_tokens", "replace_secret"),
    ("codes", "add"), ("refresh_tokens", "add"), ("refresh_tokens", "rotate"), ("setup_codes", "replace"),
}  # fmt: skip
FOUND_IN_THE_CODE = {
    "starting.Starting.start_within": {password, start, start_that_took_a_while, mint, exchange, client_credentials},
    "starting.Starting.renew_within": {renew, reauthenticate},
    "tokens.Tokens.create": {create_token, create_token_by_token},
    "tokens.Tokens.rotate": {rotate_token},
    "oauth.authorization.Authorization.grant": {grant},
    "oauth.exchange.Exchange._exchange": {exchange},
    "oauth.refreshing.Refreshing._refresh": {refresh},
    "setup.Setup.make_code": set(),  # of nobody yet: there is no account
}


def found_in_the_code() -> set[str]:
    """Every verb that writes a credential: where it is in the authority."""
    root = Path(ostiary.authority.__file__).parent
    found = set()
    for path in root.rglob("*.py"):
        module = ".".join(path.relative_to(root).with_suffix("").parts)
        for class_ in (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ClassDef)):
            for verb in (node for node in class_.body if isinstance(node, ast.AsyncFunctionDef)):
                calls = [node.func for node in ast.walk(verb) if isinstance(node, ast.Call)]
                named = {(ast.unparse(f.value), f.attr) for f in calls if isinstance(f, ast.Attribute)}
                if named & WRITES:
                    found.add(f"{module}.{class_.name}.{verb.name}")
    return found


def test_every_way_to_begin_is_tried_above():
    assert found_in_the_code() == set(FOUND_IN_THE_CODE)
    tried = {way for ways in ENDINGS.values() for way in ways}
    assert set.union(*FOUND_IN_THE_CODE.values()) == tried
