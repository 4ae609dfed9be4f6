"""The authority: what every door holds on to."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import structlog

from ostiary.authority.accounts import Accounts
from ostiary.authority.acting import Acting
from ostiary.authority.administration import Administration
from ostiary.authority.audit import Audit
from ostiary.authority.batch import Batch
from ostiary.authority.clocks import Clocks
from ostiary.authority.evidence import Evidence
from ostiary.authority.lags import MeasuredLags
from ostiary.authority.neutralising import Neutralising
from ostiary.authority.oauth import OAuth
from ostiary.authority.passwords import Passwords
from ostiary.authority.plans import Plans
from ostiary.authority.presence import Presence
from ostiary.authority.privacy import Privacy
from ostiary.authority.receipts import Receipts
from ostiary.authority.retention import Kept, Retention
from ostiary.authority.sealing import Sealing
from ostiary.authority.sessions import Sessions
from ostiary.authority.settling import Settling
from ostiary.authority.setup import Setup
from ostiary.authority.sign_in import SignIn
from ostiary.authority.sign_out import SignOut
from ostiary.authority.statistics import Statistics
from ostiary.authority.tasks import Tasks
from ostiary.authority.throttle import Limits, Throttle
from ostiary.authority.tokens import Tokens
from ostiary.authority.unheard import Unheard
from ostiary.authority.upkeep import Upkeep
from ostiary.authority.verification import Verification
from ostiary.authority.verifiers import Verifiers
from ostiary.core.address_privacy import KeptAs, kept_as
from ostiary.core.caller import Caller
from ostiary.core.client import Client, seen
from ostiary.errors import ConfigurationError
from ostiary.feed import Feed
from ostiary.settings import Settings
from ostiary.storage import migrate, policy_in_force, ready
from ostiary.storage.database import Database
from ostiary.storage.hot import SessionRow, TokenRow
from ostiary.storage.inspection import look_at_contents
from ostiary.storage.reader import open_reader

log = structlog.get_logger(__name__)


def utc_now() -> datetime:
    """The clock of production. Everything takes it as an argument, so that tests can turn it."""
    return datetime.now(UTC)


class Authority:
    """Decides who is signed in, and ends it. One per process; use it as an async context manager.

    Attributes:
        sessions: a user's own: begin, start, find, list, renew, revoke, revoke_others, revoke_all, log_out, label.
        administration: anybody's: search, mint, revoke, log_out.
        neutralising: a leaked credential: preview, apply.
        sign_in: with_password, reauthenticate, change_password.
        unheard: tells the trail of attempts over a sign-in limit.
        sign_out: of a secret, by whoever holds it.
        tokens: create, list, find, rotate, revoke.
        plans: make, find, list, apply, undo: ending exactly the sessions that were chosen.
        settling: what no plan can bring back any more is made final; servers do that by themselves.
        accounts: add, find, list, disable, enable, set_password, set_roles, delete.
        audit: the trail of events.
        verifiers: who remembers sessions: list, lag.
        statistics: totals, over time, by application, client and address.
        lags: what was measured of endings, to be written down.
        feed: what ends, told as it happens: watch, listen, follow.
        oauth: clients, keys, codes and tokens, whose grants are sessions.
        setup: the first administrator's one-time link.
        evidence: verify the trail, checkpoint.
        privacy: export and erase what is held about one person.
        receipts: of endings, and checkpoints, signed.
        retention: purge.
        clocks: how far this machine's is from the store's.
        upkeep: what a server does by itself, once it is told to begin.
        tasks: all that runs by itself, and what of it is failing.
    """

    def __init__(self, settings: Settings, *, clock: Callable[[], datetime] = utc_now) -> None:
        """Put the parts together; nothing is opened yet.

        Raises:
            ConfigurationError: a setting contradicts another, or the database's URL cannot be used.
        """
        policy = settings.session_policy()
        self.settings = settings
        self.clock = clock
        self.policy = policy
        self.database = Database.of(settings)
        self.tasks = Tasks()
        self.feed = Feed(self.database, clock, self.tasks, settings.wake_url)
        self.verifiers = Verifiers(self.database, self.feed, clock, self.tasks)
        self.lags = MeasuredLags(self.database, clock)
        self.verifiers.measured.append(self.lags.note)
        self._reader = open_reader(self.database)
        acting = Acting(self.database, policy, clock)
        passwords = Passwords(settings.password_memory_kib, settings.password_time_cost)
        limits = Limits(
            pair=settings.sign_in_failures,
            address=settings.sign_in_failures_per_address,
            account=settings.sign_in_failures_per_account,
            window=settings.sign_in_window,
        )
        self.presence = Presence(self.database, policy, clock, self.tasks)
        self.sessions = Sessions(acting, self._reader)
        rows: Batch[SessionRow] = Batch(self._reader.sessions, self._reader.lanes)
        tokens: Batch[TokenRow] = Batch(self._reader.tokens, self._reader.lanes)
        self.oauth = OAuth(settings, acting, self.sessions, rows)
        self.verification = Verification(rows, tokens, policy, clock, self.presence, self.oauth.keys)
        self.administration = Administration(acting, self.sessions)
        self.plans = Plans(acting)
        self.settling = Settling(self.database, clock, self.plans)
        self.neutralising = Neutralising(acting, self.oauth.keys, settings.access_token_lifetime)
        self.tokens = Tokens(acting)
        counting = self.oauth.counting
        self.unheard = Unheard(self.database, clock)
        self.sign_in = SignIn(acting, passwords, Throttle(limits), counting, self.unheard, self.sessions)
        self.sign_out = SignOut(self.database, clock)
        self.accounts = Accounts(acting, passwords)
        self.audit = Audit(self.database)
        self.statistics = Statistics(self.database, policy, clock)
        self.clocks = Clocks(self.database)
        self.setup = Setup(self.database, clock, self.accounts)
        node = secrets.token_hex(8)
        sealing = Sealing(self.database, node)
        self.evidence = Evidence(self.database, sealing)
        self.privacy = Privacy(acting, counting)
        self.receipts = Receipts(self.database, clock, policy, self.evidence, self.oauth.keys, self.settling)
        self.retention = Retention(acting, Kept.of(settings), sealing, node)
        self.upkeep = Upkeep(
            at_once=(self.clocks.measure,),
            often=(self.clocks.measure, self.settling.settle, sealing.seal, self.lags.write),
            hourly=(self.publish_policy, lambda: look_at_contents(self.database), self.oauth.rotation.rotate_if_due),
            retention=self.retention if settings.purge_automatically else None,
            tasks=self.tasks,
        )
        self._kept_as: KeptAs | None = None
        self._looking: asyncio.Future[None] | None = None

    def seen(self, ip: str | None, user_agent: str | None, request_id: str | None = None) -> Client:
        """Where a request came from: bounded, and with no more of its address than is kept. For every door.

        Raises:
            ConfigurationError: addresses are to be hashed, and there is no key; says how to give one.
        """
        return self.kept(seen(ip, user_agent, request_id))

    def kept(self, client: Client) -> Client:
        """A client with as much of its address as the setting `addresses` keeps.

        Raises:
            ConfigurationError: as above.
        """
        if client.ip is None or self.settings.addresses == "full":
            return client
        if self._kept_as is None:
            self._kept_as = kept_as(self.settings.addresses, lambda: self.oauth.keys.purpose_key("addresses"))
        return replace(client, ip=self._kept_as(client.ip))

    async def verify(self, credential: str, client: Client | None = None) -> Caller:
        """Who holds this credential, read from the row now (rule 3).

        Args:
            credential: `sess_….secret`, `ost_….secret` or an access token (RFC 9068), as the client sent it.
            client: where it was used from; recorded at most once a minute. None records nothing.

        Raises:
            SessionInvalid: malformed, unknown, or a wrong secret; an access token that has expired.
            SessionExpired, SessionRevoked, TokenExpired, TokenRevoked: the right secret, but it ended.
            StoreUnavailable: nothing is known; do not treat the holder as signed out.
        """
        return await self.verification.verify(credential, client)

    async def ensure_migrated(self) -> None:
        """Return if the database has the schema that this version needs.

        Raises:
            ConfigurationError: it has not; says what to run.
            StoreUnavailable: it cannot be reached.
        """
        current = await migrate.current(self.database)
        if current != migrate.newest():
            raise ConfigurationError(
                f"the database is at schema {current or 'none'}, this version needs {migrate.newest()}; "
                f"run 'ostiary migrate --database-url {self.database.typed}'"
            )

    async def ensure_ready(self) -> None:
        """Return if both can be done now: to verify, by the same readers, and to end a session.

        Many who ask at once are answered by one look, as anybody may ask.

        Raises:
            ConfigurationError: the database has not the schema that this version needs.
            StoreUnavailable: one of both cannot be done; with the cause.
        """
        if self._looking is None:
            self._looking = asyncio.ensure_future(self._look_whether_ready())
            self._looking.add_done_callback(self._looked)
        await asyncio.shield(self._looking)

    async def _look_whether_ready(self) -> None:
        await self.ensure_migrated()
        await self.verification.ensure_answered()
        await ready.ensure_writable(self.database)

    def _looked(self, done: asyncio.Future[None]) -> None:
        self._looking = None
        if not done.cancelled():
            done.exception()  # retrieved, should whoever asked have gone

    async def publish_policy(self) -> None:
        """Write down the limits in force, so that the view `web_sessions` says the truth about what has expired.

        Raises:
            StoreUnavailable: it cannot be reached.
        """
        async with self.database.transaction() as db:
            await policy_in_force.put(db, self.policy, self.clock())

    async def close(self) -> None:
        """Write down what use is still unrecorded, then give every connection back."""
        parts = (
            self.verifiers.stop, self.upkeep.stop, self.unheard.stop, self.feed.close, self.presence.stop,
            self._reader.close, self.database.close,
        )  # fmt: skip
        async with AsyncExitStack() as ends:  # each of them is run, whatever another one raises
            for end in reversed(parts):
                ends.push_async_callback(_run_to_the_end, end)

    async def __aenter__(self) -> Self:
        """Open: recording of use begins."""
        self.presence.begin()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        await self.close()


async def _run_to_the_end(end: Callable[[], Awaitable[object]]) -> None:
    try:
        await end()
    except Exception:  # there is nobody left who could do anything about it
        with suppress(Exception):
            log.exception("close.failed")
