"""What is held about one person: written out for them, or erased."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from ostiary.authority.acting import Acting, Acts, act
from ostiary.authority.counting import Counting, Names
from ostiary.authority.ending import end_tokens, end_user
from ostiary.core.account import User
from ostiary.core.caller import Caller
from ostiary.core.event import Detail, Event, Wanted
from ostiary.core.needs import admin, power
from ostiary.core.session import Session
from ostiary.errors import Conflict, UserNotFound
from ostiary.storage import accounts, cli_tokens, events, leases, person, sessions
from ostiary.storage.database import Connection, in_transaction

PAGE: Final = 1000  # rows read at once
RANGE: Final = 5000  # positions of the trail that one transaction looks through
MOST: Final = 100_000  # sessions and CLI tokens in one export
ANOTHER: Final = "somebody else"  # stands for whoever else did something: that is about them


@dataclass(frozen=True, slots=True)
class Export:
    """Everything that is held about one person, without secrets, and without what is about others.

    Attributes:
        account: None where another application keeps it, or it was deleted.
        failed_sign_ins: how many the sign-in limits still count.
    """

    user_id: str
    exported_at: datetime
    account: User | None
    sessions: list[dict[str, Any]]
    tokens: list[dict[str, Any]]
    consents: list[dict[str, Any]]
    codes: list[dict[str, Any]]
    events: list[dict[str, Any]]
    failed_sign_ins: int


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure ended, and in how many events it forgot something. `user_id` is the pseudonym that stays."""

    user_id: str
    sessions: int
    tokens: int
    events: int


class Privacy(Acts):
    """Export and erase. Both are an administrator's."""

    def __init__(self, acting: Acting, counting: Counting) -> None:
        """Part of an `Authority`."""
        super().__init__(acting)
        self._counting = counting

    async def export(self, name: str, *, by: Caller) -> Export:
        """Everything about one person. That it was written out is in the trail.

        Args:
            name: a username, or the id of one who has none here (any more).

        Raises:
            NotAllowed: the caller is not an administrator.
            ReauthenticationRequired: the sign-in is too old for an act of power.
            UserNotFound: nothing is known of them.
        """
        names = await self._counting.names()
        await self._note(name, by=by)
        async with self.database.reading() as db:
            user_id, account = await _find(db, name)
            tokens = await cli_tokens.list_of_user(db, user_id, MOST)
            own = {user_id, *(token.id for token in tokens)}
            found = await sessions.all_of_user(db, user_id, MOST)
            key = names.account(account.username) if account and account.username else None
            return Export(
                user_id,
                self._clock(),
                account,
                [_session(session, own) for session in found],
                [{**asdict(token), "minted_by": _who(token.minted_by, own)} for token in tokens],
                await person.consents_of(db, user_id),
                await person.codes_of(db, user_id),
                await _events(db, user_id, own),
                await person.failures_on(db, key) if key else 0,
            )

    @act(admin, power)
    async def _note(self, db: Connection, name: str, *, by: Caller) -> None:
        user_id, _ = await _find(db, name)
        await events.add(db, [by.did("user.exported", self._clock(), user_id=user_id)])

    async def erase(self, name: str, *, by: Caller) -> Erased:
        """End everything of one person, remove their account, and forget what is personal in what has to stay.

        Sessions and events stay under the user id until retention takes them; nothing says whose it was. Doing it
        again, by the user id, finishes one that was interrupted.

        Raises:
            NotAllowed: the caller is not an administrator.
            ReauthenticationRequired: the sign-in is too old for an act of power.
            UserNotFound: nothing is known of them.
            Conflict: the last administrator who could sign in.
        """
        erased, tokens = await self._end(name, await self._counting.names(), by=by)
        async with self.database.reading() as db:
            until = await person.highest_event(db)
        count = 0
        for after in range(0, until, RANGE):
            count += await self._forget(erased.user_id, tokens, after, min(after + RANGE, until))
        return Erased(erased.user_id, erased.sessions, erased.tokens, count)

    @act(admin, power, turn=leases.ADMINISTRATORS)
    async def _end(self, db: Connection, name: str, names: Names, *, by: Caller) -> tuple[Erased, list[str]]:
        user_id, account = await _find(db, name)
        now = self._clock()
        tokens = set(await person.token_ids(db, user_id))
        for record in await events.list_oldest(db, Wanted(user_id=user_id, kinds=("user.erased",))):
            tokens.update(str(record.detail.get("tokens") or "").split())  # of an erasure that was interrupted
        ended = await end_user(db, user_id, reason="account_disabled", by=by, now=now)
        revoked = await end_tokens(db, user_id, by=by, now=now)
        if account is not None:
            await accounts.remove(db, user_id)
            if "admin" in account.roles and not await accounts.enabled_admins(db):
                raise Conflict("this is the last administrator who can sign in; make another one first")
        key = names.account(account.username) if account and account.username else None
        await person.remove_rows(db, user_id, key)
        detail: Detail = {"tokens": " ".join(sorted(tokens))}
        await events.add(db, [by.did("user.erased", self._clock(), user_id=user_id, detail=detail)])
        return Erased(user_id, len(ended), len(revoked), 0), sorted(tokens)

    @in_transaction
    async def _forget(self, db: Connection, user_id: str, tokens: list[str], after: int, until: int) -> int:
        await leases.lock(db, leases.CHAIN)  # what is being sealed must not change meanwhile
        return await person.forget_acts(db, user_id, tokens, after, until)


async def _find(db: Connection, name: str) -> tuple[str, User | None]:
    account = await accounts.named(db, name)
    if account is not None:
        return account.user.id, account.user
    if await person.is_known(db, name):
        return name, None
    raise UserNotFound(name)


def _session(session: Session, own: set[str]) -> dict[str, Any]:
    values = asdict(session)
    values.pop("revoked")
    end = session.revoked
    return values | {
        "issued_by": _who(session.issued_by, own),
        "revoked_at": end.at if end else None,
        "revoked_reason": end.reason if end else None,
        "revoked_by": _who(end.by, own) if end else None,
        "suspended_until": end.suspended_until if end else None,
    }


async def _events(db: Connection, user_id: str, own: set[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after = 0
    while page := await events.list_oldest(db, Wanted(user_id=user_id), after=after, limit=PAGE):
        found += [_seen_by(event, own) for event in page]
        after = page[-1].position or 0
    return found


def _seen_by(event: Event, own: set[str]) -> dict[str, Any]:
    values = asdict(event)
    if event.by not in own:  # where somebody else was, and in which session they acted, is about them
        values |= {"by": _who(event.by, own), "ip": None, "user_agent": None, "request_id": None}
        if not event.kind.startswith("session."):
            values["session_id"] = None
    return values


def _who(by: str | None, own: set[str]) -> str | None:
    return by if by is None or by in own else ANOTHER
