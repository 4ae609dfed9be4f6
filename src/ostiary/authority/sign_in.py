"""Signing in with a password, proving it again, and changing it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ostiary.authority.acting import Acting, Acts, act
from ostiary.authority.browsers import leave_before, mark_after
from ostiary.authority.counting import Counted, Counting
from ostiary.authority.ending import end_user
from ostiary.authority.passwords import Passwords, client_gone
from ostiary.authority.results import Beginning, RevokedMany, Started, counted
from ostiary.authority.sessions import Sessions
from ostiary.authority.throttle import Throttle
from ostiary.authority.unheard import Unheard
from ostiary.core.account import MAXIMUM_PASSWORD, User, check_password
from ostiary.core.browser import Browser
from ostiary.core.caller import Caller
from ostiary.core.client import Client
from ostiary.core.event import Event
from ostiary.core.needs import person
from ostiary.core.session import Kind
from ostiary.errors import NotAllowed, SessionInvalid, TooManyRequests, WrongCredentials
from ostiary.storage import accounts, cli_tokens, events, failed_sign_ins, store_time, subjects
from ostiary.storage.accounts import Account
from ostiary.storage.database import Connection, in_transaction
from ostiary.storage.failed_sign_ins import Failures


@dataclass(frozen=True, slots=True)
class Attempt:
    """What is known when a password arrives, read before it is looked at.

    Attributes:
        account: as it was when it was last looked at.
        began: the marks of the first moment. Whatever is read anew while the attempt waits, these are not: what began
            before everything of the user was ended does not survive it, however long it waited.
    """

    account: Account | None
    began: Beginning
    failures: Failures
    known_address: bool
    keys: Counted


class SignIn(Acts):
    """Password sign-in for accounts of the local directory."""

    def __init__(
        self,
        acting: Acting,
        passwords: Passwords,
        throttle: Throttle,
        counting: Counting,
        unheard: Unheard,
        sessions: Sessions,
    ) -> None:
        """Part of an `Authority`."""
        super().__init__(acting)
        self._passwords = passwords
        self._throttle = throttle
        self._counting = counting
        self._unheard = unheard
        self._sessions = sessions

    async def with_password(
        self,
        username: str,
        password: str,
        *,
        client: Client,
        kind: Kind = "browser",
        label: str | None = None,
        browser: Browser | None = None,
    ) -> tuple[User, Started]:
        """Sign in and start a session; in a browser, it takes the place of the one that this held before.

        Raises:
            WrongCredentials: unknown user, wrong password or disabled account: one answer, one price (ASVS 5.0 6.3.8).
            TooManyRequests: wrong again, and over a sign-in limit; the right password is never refused for that.
            SessionInvalid: the user was signed out everywhere meanwhile.
            LimitReached: the policy's limit, when it says deny.
            StoreUnavailable: too many passwords wait, or the client has hung up: no session is begun for it.
        """
        attempt, account = await self._check(username, password, client)
        if client.is_gone():
            raise client_gone()
        started = await self._start(attempt, account, client, kind, label, browser)
        if self._passwords.is_outdated(account.password_hash):
            await self._improve(account, await self._passwords.hash(password))
        return account.user, started

    async def reauthenticate(self, password: str, *, by: Caller) -> Started:
        """Prove the password again: the same session, a new secret, a fresh `auth_time` (ASVS 5.0 7.2.4).

        Raises:
            NotAllowed: the caller is a CLI token, lives in another application, or is in a session that an
                administrator made.
            WrongCredentials, TooManyRequests: as for signing in.
            Unauthenticated: the session ended meanwhile.
        """
        if by.ensure_person().proved_at is None:
            raise NotAllowed("an administrator made this session; sign in yourself to do this")
        attempt, account = await self._check(_own_name(by), password, by.client)
        return await self._reauthenticate(attempt, account, by=by)

    async def change_password(
        self, current: str, new: str, *, by: Caller, end_other_sessions: bool = True
    ) -> RevokedMany:
        """Change the caller's password; by default every other session of theirs ends (ASVS 5.0 7.4.3).

        The session that asks gets a new secret either way (ASVS 5.0 7.2.4).

        Raises:
            NotAllowed: the caller is a CLI token, or lives in another application.
            InvalidRequest: the new password may not be one.
            WrongCredentials, TooManyRequests: `current` is wrong.
        """
        self.acting.ensure(by, person)
        username = _own_name(by)
        check_password(new, username, "new")
        attempt, account = await self._check(username, current, by.client)
        hashed = await self._passwords.hash(new)
        return await self._change(attempt, account, hashed, end_other_sessions, by=by)

    async def _attempt(self, username: str, client: Client) -> Attempt:
        keys = (await self._counting.names()).keys(username, client)
        since = self._clock() - self._throttle.limits.window
        async with self.database.reading() as db:
            account = await accounts.find(db, username)
            user_id = account.user.id if account else None
            attempt = Attempt(
                account,
                Beginning(user_id or "", await subjects.cut_off(db, user_id or "")),
                await failed_sign_ins.count(db, keys.account, keys.address, keys.site, since),
                await failed_sign_ins.is_known(db, user_id, client.ip),
                keys,
            )
        return attempt

    async def _check(self, username: str, password: str, client: Client) -> tuple[Attempt, Account]:
        attempt = await self._attempt(username, client)
        try:
            return await self._judge(attempt, username, password, client)
        except TooManyRequests:
            self._unheard.note(attempt.keys, attempt.account.user.id if attempt.account else None, client)
            raise

    async def _judge(self, attempt: Attempt, username: str, password: str, client: Client) -> tuple[Attempt, Account]:
        over = self._over(attempt)
        if over is None:
            async with self._throttle.looked_at(
                attempt.keys.account,
                attempt.keys.address,
                known_address=attempt.known_address,
                site=attempt.keys.site,
            ):
                if client.is_gone():
                    raise client_gone()
                # The failures anew: those who were ahead may have failed. Not the mark: see `Attempt`.
                attempt = replace(await self._attempt(username, client), began=attempt.began)
                over = self._over(attempt)
                if over is None:
                    account = await self._right(attempt, password, client)
                    if account is None:
                        await self._refuse(attempt, client)
                        raise WrongCredentials
                    return attempt, account
        await self._throttle.wait_turn(over)
        account = await self._right(attempt, password, client)
        if account is None:
            raise TooManyRequests(self._throttle.retry_after(attempt.failures, self._clock()))
        return attempt, account

    def _over(self, attempt: Attempt) -> str | None:
        keys, known = attempt.keys, attempt.known_address
        return self._throttle.over(attempt.failures, keys.account, keys.address, known_address=known, site=keys.site)

    async def _right(self, attempt: Attempt, password: str, client: Client) -> Account | None:
        """The account, if this is its password and it may be used; the work is the same in every case."""
        account = attempt.account
        stored = account.password_hash if account else None
        right = await self._passwords.verify(stored, password[: MAXIMUM_PASSWORD + 1], client.is_gone)
        return account if right and account is not None and account.user.disabled_at is None else None

    @in_transaction
    async def _start(
        self,
        db: Connection,
        attempt: Attempt,
        account: Account,
        client: Client,
        kind: Kind,
        label: str | None,
        browser: Browser | None,
    ) -> Started:
        user_id, start = account.user.id, self._sessions.start_within
        await self._ensure_unchanged(db, attempt, account)
        if browser is None:
            return await start(db, user_id, client=client, kind=kind, label=label, amr=("pwd",))
        now, stays = self._clock(), browser.stays and self.policy.may_stay
        before = await leave_before(db, user_id, browser, client, now)
        started = await start(db, user_id, client=client, kind=kind, label=label, amr=("pwd",), stays=stays)
        return replace(started, mark=await mark_after(db, user_id, started.session.id, before, now))

    async def _ensure_unchanged(self, db: Connection, attempt: Attempt, account: Account) -> None:
        """Hold the user, and return if nothing has ended since the attempt began, and the password is still right.

        Raises:
            SessionInvalid: everything of the user was ended meanwhile.
            WrongCredentials: the account is another, is disabled or gone, or has another password.
        """
        if attempt.began.user_id != account.user.id:  # made, or made anew, under that name since
            raise WrongCredentials
        await self._sessions.hold_unchanged(db, attempt.began)
        there = await accounts.find_by_id(db, account.user.id)
        if there is None or there.user.disabled_at is not None or there.password_hash != account.password_hash:
            raise WrongCredentials

    @act(person, with_user=True)
    async def _reauthenticate(self, db: Connection, attempt: Attempt, account: Account, *, by: Caller) -> Started:
        await self._ensure_unchanged(db, attempt, account)
        renewed = await self._sessions.renew_own(db, by, auth_time=self._clock())
        if renewed is None:
            raise SessionInvalid
        return renewed

    @act(person, with_user=True)
    async def _change(
        self, db: Connection, attempt: Attempt, account: Account, hashed: str, end_other_sessions: bool, *, by: Caller
    ) -> RevokedMany:
        await self._ensure_unchanged(db, attempt, account)
        now = self._clock()
        user_id = account.user.id
        if not await accounts.set_password(db, user_id, old=account.password_hash, new=hashed, now=now):
            raise WrongCredentials  # it was changed by somebody else since it was checked
        await events.add(db, [by.did("user.password_changed", now, user_id=user_id)])
        ended = []
        if end_other_sessions:
            ended = await end_user(db, user_id, reason="password_change", by=by, now=now, spare=by.session)
        count, devices = counted(ended, self.policy, now)
        live_tokens = await cli_tokens.count_live(db, user_id, now)
        return RevokedMany(count, 0, live_tokens, await self._sessions.renew_own(db, by), devices)

    @in_transaction
    async def _refuse(self, db: Connection, attempt: Attempt, client: Client) -> None:
        now = self._clock()
        await failed_sign_ins.add(db, attempt.keys.account, attempt.keys.address, attempt.keys.site, now)
        # By the store's clock: a node whose clock is ahead must not forget what the others still count.
        await failed_sign_ins.purge(db, await store_time.now(db, self._clock) - self._throttle.limits.window)
        user_id = attempt.account.user.id if attempt.account else None
        reached = attempt.failures.pair + 1 == self._throttle.limits.pair
        await events.add(
            db,
            [
                Event(
                    now,
                    kind,
                    user_id=user_id,
                    ip=client.ip,
                    user_agent=client.user_agent,
                    request_id=client.request_id,
                    # Never the name as typed: people type passwords there. What stands for it tells attempts apart.
                    detail={"account": attempt.keys.account},
                )
                for kind in (("sign_in.refused", "sign_in.throttled") if reached else ("sign_in.refused",))
            ],
        )

    @in_transaction
    async def _improve(self, db: Connection, account: Account, better: str) -> None:
        await accounts.improve_hash(db, account.user.id, old=account.password_hash, new=better)


def _own_name(by: Caller) -> str:
    if by.user.username is None:
        raise NotAllowed("this account's password is kept by another application")
    return by.user.username
