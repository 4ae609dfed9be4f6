"""The acts on CLI tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from ostiary.authority.acting import Acts, act
from ostiary.authority.ending import end_tokens
from ostiary.core.caller import Caller
from ostiary.core.credential import CliToken
from ostiary.core.event import Event, EventKind
from ostiary.core.needs import power, scope
from ostiary.core.reach import ORDINARY_SCOPES, SCOPES
from ostiary.core.token import mint
from ostiary.errors import Conflict, InvalidRequest, TokenNotFound, TokenRevoked
from ostiary.errors.translatable import translatable
from ostiary.storage import cli_tokens, events
from ostiary.storage.database import Connection

MAXIMUM_NAME: Final = 64  # characters
MAXIMUM_TOKENS: Final = 100  # live ones of a user
DEFAULT_NAME: Final = "cli-token"


@dataclass(frozen=True, slots=True)
class Minted:
    """A CLI token and its bearer, which is shown once."""

    token: CliToken
    secret: str = field(repr=False)


class Tokens(Acts):
    """Create, list, rotate, revoke."""

    @act(scope("tokens:manage"), power, with_user=True)
    async def create(
        self,
        db: Connection,
        *,
        by: Caller,
        name: str | None = None,
        expires_in: timedelta | None = None,
        scopes: Sequence[str] | None = None,
    ) -> Minted:
        """Make a CLI token for the caller.

        Args:
            expires_in: None for as long as the caller's own token lasts, or the caller's session if an administrator
                made it; for any other session that is no limit.
            scopes: None for what the caller may do, without `admin` unless it is asked for.

        Raises:
            InvalidRequest: name, expiry or a scope cannot be.
            NotAllowed: more scope, or a later expiry, than the caller's own token has; or no `tokens:manage`.
            ReauthenticationRequired: the sign-in is too old to give power.
            Conflict: too many live tokens.
        """
        wanted = _check_scopes(scopes, by)
        now = self._clock()
        if expires_in is not None and expires_in <= timedelta(0):
            raise InvalidRequest("expires_in", "must be positive, such as 720h")
        expires_at = by.expiry_of_made(now + expires_in if expires_in is not None else None)
        token = mint("ost")
        made = CliToken(
            id=token.id,
            user_id=by.user.id,
            name=_check_name(name),
            scopes=wanted,
            created_at=now,
            expires_at=expires_at,
            minted_by=by.session.issued_by if by.session and by.session.issued_by else by.name,
            session_id=by.session_id,
        )
        if await cli_tokens.count_live(db, made.user_id, now) >= MAXIMUM_TOKENS:
            raise Conflict(translatable("you have %(count)s live CLI tokens; revoke one first", count=MAXIMUM_TOKENS))
        await cli_tokens.add(db, made, token.digest)
        await events.add(db, [_event("token.created", made, now, by)])
        return Minted(made, token.text)

    async def list_of(self, user_id: str, *, by: Caller) -> list[CliToken]:
        """Anybody's CLI tokens, newest first, ended ones too.

        Raises:
            NotAllowed: the caller is not an administrator.
        """
        by.ensure_admin()
        async with self.database.reading() as db:
            return await cli_tokens.list_of_user(db, user_id)

    async def list(self, *, by: Caller) -> list[CliToken]:
        """The caller's CLI tokens, newest first, ended ones too.

        Raises:
            NotAllowed: a CLI token without `tokens:manage`.
        """
        by.ensure_scope("tokens:manage")
        async with self.database.reading() as db:
            return await cli_tokens.list_of_user(db, by.user.id)

    async def count_live(self, *, by: Caller) -> int:
        """How many CLI tokens of the caller still work."""
        async with self.database.reading() as db:
            return await cli_tokens.count_live(db, by.user.id, self._clock())

    @act()
    async def revoke(self, db: Connection, token_id: str, *, by: Caller) -> CliToken:
        """Revoke one CLI token of the caller; again changes nothing. A token may always revoke itself.

        Raises:
            TokenNotFound: missing, or not the caller's.
            NotAllowed: a CLI token without `tokens:manage`, and not this one.
        """
        by.ensure_may_manage(token_id)
        await end_tokens(db, by.user.id, by=by, now=self._clock(), token_id=token_id)
        token = await cli_tokens.find(db, token_id, by.user.id)
        if token is None:
            raise TokenNotFound
        return token

    @act(power, with_user=True)
    async def rotate(self, db: Connection, token_id: str, *, by: Caller) -> Minted:
        """Put a new secret under the same id, name, scopes and expiry; the old secret is refused from now on.

        Raises:
            TokenNotFound: missing, or not the caller's.
            TokenRevoked, TokenExpired: it ended; make a new one.
            ReauthenticationRequired: the sign-in is too old to give power.
            NotAllowed: a CLI token without `tokens:manage`, or a token that exceeds the caller's own.
        """
        by.ensure_may_manage(token_id)
        token = await cli_tokens.find(db, token_id, by.user.id)
        if token is None:
            raise TokenNotFound
        now = self._clock()
        refusal = token.refusal(now)
        if refusal is not None:
            raise refusal
        by.ensure_could_make(token)
        secret = mint("ost", token.id)
        if not await cli_tokens.replace_secret(db, token.id, secret.digest):
            raise TokenRevoked(now)
        await events.add(
            db, [replace(_event("token.created", token, now, by), detail={"rotated": True, **_detail(token)})]
        )
        return Minted(token, secret.text)


def _check_scopes(scopes: Sequence[str] | None, by: Caller) -> tuple[str, ...]:
    if scopes is None:
        return tuple(known for known in ORDINARY_SCOPES if known in by.scopes)
    if not scopes:
        raise InvalidRequest(
            "scopes", translatable("give at least one of %(words)s, or leave the field out", words=", ".join(SCOPES))
        )
    for wanted in scopes:
        if wanted not in SCOPES:
            raise InvalidRequest(
                "scopes",
                translatable(
                    "unknown scope %(scope)s; there are %(words)s", scope=repr(wanted[:32]), words=", ".join(SCOPES)
                ),
            )
        by.ensure_may_give(wanted)
    return tuple(known for known in SCOPES if known in scopes)


def _check_name(name: str | None) -> str:
    text = (name or "").strip() or DEFAULT_NAME
    if len(text) > MAXIMUM_NAME or not text.isprintable():
        raise InvalidRequest("name", translatable("use 1 to %(most)s printable characters", most=MAXIMUM_NAME))
    return text


def _detail(token: CliToken) -> dict[str, str | int | bool | None]:
    return {"token_id": token.id, "scopes": " ".join(token.scopes)}


def _event(kind: EventKind, token: CliToken, at: datetime, by: Caller) -> Event:
    return by.did(kind, at, user_id=token.user_id, detail=_detail(token))
