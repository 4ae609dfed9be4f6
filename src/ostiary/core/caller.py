"""Who asks, and what they may see and do. Rights are decided here and in `core.reach`, and nowhere else."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Unpack

from ostiary.core.account import User
from ostiary.core.client import Client
from ostiary.core.credential import CliToken
from ostiary.core.disclosure import told
from ostiary.core.event import About, Event, EventKind
from ostiary.core.policy import Policy
from ostiary.core.reach import NOT_WITHIN_ADMIN, SCOPES, USER_SCOPES, Reach, Scope
from ostiary.core.session import Session
from ostiary.errors import NotAllowed, SessionInvalid
from ostiary.errors.translatable import translatable


@dataclass(frozen=True, slots=True)
class Caller:
    """A verified credential, the user behind it, and where the request came from.

    A session can do what its user can; a CLI token, and an OAuth client with its access token, only what its scopes
    cover as well. `session` or `token` is set, but for an operator at the database itself, who has neither.

    Attributes:
        granted: the scopes of the access token that was presented; None for everybody else.
        granted_until: when that access token expires.
        proof: the hash of the secret that was presented, which an act compares with the row again.
        audience: whom that access token is for, beside this server.
    """

    user: User
    session: Session | None = None
    token: CliToken | None = None
    client: Client = field(default_factory=Client)
    granted: tuple[str, ...] | None = None
    granted_until: datetime | None = None
    proof: bytes | None = field(default=None, repr=False)
    audience: tuple[str, ...] = ()

    @classmethod
    def operator(cls, login: str) -> Caller:
        """Whoever can open the database is trusted (break-glass), and recorded as `database:<login>`."""
        return cls(User(id=f"database:{login}", roles=("admin",)))

    @classmethod
    def policy(cls) -> Caller:
        """Nobody: a rule acts, such as the limit of sessions per user."""
        return cls(User(id="policy"))

    @classmethod
    def upkeep(cls) -> Caller:
        """Nobody: a server looks after itself."""
        return cls(User(id="upkeep", roles=("admin",)))

    def did(self, kind: EventKind, at: datetime, **about: Unpack[About]) -> Event:
        """That they did it, for the trail: in their own session, unless `about` says whose it was done to."""
        where = self.client
        rest: dict[str, Any] = {"session_id": self.session_id, **about}
        return Event(
            at, kind, by=self.name, ip=where.ip, user_agent=where.user_agent, request_id=where.request_id, **rest
        )

    def again(
        self,
        user: User,
        secret_hash: bytes,
        now: datetime,
        policy: Policy,
        *,
        session: Session | None = None,
        token: CliToken | None = None,
    ) -> Caller:
        """The same caller, as their row says `now`.

        Raises:
            SessionInvalid: the secret was replaced since it was presented, or the access token has expired.
            SessionRevoked, SessionExpired, TokenRevoked, TokenExpired: it ended.
        """
        if self.granted is not None:
            if self.granted_until is None or now >= self.granted_until:
                raise SessionInvalid
        elif not self.holds(secret_hash):
            raise SessionInvalid
        refusal = session.refusal(policy, now) if session else token.refusal(now) if token else None
        if refusal is not None:
            raise refusal
        return replace(self, user=user, session=session, token=token)

    def holds(self, secret_hash: bytes) -> bool:
        """True if the secret that was presented is the one of now. With an access token, none was."""
        if self.granted is not None:
            return True
        return self.proof is not None and hmac.compare_digest(self.proof, secret_hash)

    @property
    def name(self) -> str:
        """How the audit trail names the caller: the user, or the CLI token that acted for them."""
        return self.token.id if self.token else self.user.id

    @property
    def session_id(self) -> str | None:
        """The caller's own session, if a session is what was presented."""
        return self.session.id if self.session else None

    @property
    def reach(self) -> Reach:
        """How far the credential reaches; that of whoever has none is not bounded."""
        if self.granted is not None:
            return Reach("access_token", self.granted)
        return Reach("session") if self.token is None else Reach("cli_token", self.token.scopes)

    @property
    def is_admin(self) -> bool:
        """An administrator, by role and (for a CLI token) by scope; never an OAuth client in their name."""
        return "admin" in self.user.roles and self.reach.includes_admin

    @property
    def acting_roles(self) -> tuple[str, ...]:
        """The user's roles, without `admin` where this credential does not reach so far."""
        return self.reach.roles_of(self.user)

    @property
    def told(self) -> User:
        """The user, as far as this credential may know them."""
        return told(self.user, granted=self.granted, is_admin=self.is_admin)

    @property
    def sees_places(self) -> bool:
        """Whether it may know from where somebody signed in: the address, the agent, and the device's name."""
        return self.is_admin or "sessions:read" in self.scopes

    @property
    def scopes(self) -> tuple[str, ...]:
        """What the caller may do, as scopes: a token's own; for a session, all that the user's roles allow."""
        if self.granted is not None:
            return self.granted
        if self.token is not None:
            return self.token.scopes
        return SCOPES if "admin" in self.user.roles else USER_SCOPES

    def ensure_scope(self, scope: Scope) -> None:
        """Return if the caller may do what `scope` stands for.

        Raises:
            NotAllowed: an access token without it; a CLI token without it (its `admin` scope covers all but `gateway`).
        """
        if self.granted is not None:
            if scope not in self.granted:
                raise NotAllowed(translatable("this access token lacks the scope %(scope)s", scope=scope), scope=scope)
            return
        if self.token is None or scope in self.token.scopes:
            return
        if scope in NOT_WITHIN_ADMIN or not self.is_admin:
            raise NotAllowed(translatable("this CLI token lacks the scope %(scope)s", scope=scope), scope=scope)

    def ensure_service(self, scope: Scope) -> None:
        """Return if the caller is a program of the house that may do what concerns everybody, such as `feed:read`.

        That is an OAuth client by its own credentials, or a CLI token of an administrator. Never a person's session,
        and never a client in the name of its user: what they would hear is not theirs.

        Raises:
            NotAllowed: somebody else, or without the scope.
        """
        if self.granted is not None:
            if self.session is not None and self.session.client_id != self.user.id:
                raise NotAllowed("this needs the client's own credentials, not a user's access token")
            if scope not in self.granted:
                raise NotAllowed(translatable("this client lacks the scope %(scope)s", scope=scope), scope=scope)
            return
        if self.token is None:
            raise NotAllowed("this is for services: send a CLI token or the credentials of an OAuth client")
        if "admin" not in self.user.roles:
            raise NotAllowed("this needs a CLI token of an administrator", role="admin")
        self.ensure_scope(scope)

    def ensure_admin(self) -> None:
        """Return if the caller is an administrator.

        Raises:
            NotAllowed: not the role, or a CLI token without the scope `admin`.
        """
        if self.granted is not None:
            raise NotAllowed("an OAuth client cannot act as an administrator")
        if "admin" not in self.user.roles:
            raise NotAllowed("this needs the role admin", role="admin")
        if not self.is_admin:
            raise NotAllowed("this CLI token lacks the scope admin", scope="admin")

    def ensure_may_mint(self, origin: Session | None) -> None:
        """Return if the caller may make sessions for others, as far as where it comes from goes.

        Args:
            origin: the session that its credential goes back to, if any.

        Raises:
            NotAllowed: an administrator made that one.
        """
        if origin is not None and origin.issued_by is not None:
            raise NotAllowed("a session that an administrator made, and what it made, makes no further sessions")

    def ensure_may_manage(self, token_id: str) -> None:
        """Return if the caller may renew or revoke this CLI token of their user: a token always may itself.

        Raises:
            NotAllowed: a token without `tokens:manage`, and not this one.
        """
        if self.token is None or self.token.id != token_id:
            self.ensure_scope("tokens:manage")

    def ensure_may_give(self, scope: str) -> None:
        """Return if a CLI token that the caller makes may have this scope.

        Raises:
            NotAllowed: the caller does not have it.
        """
        if scope not in self.scopes:
            raise NotAllowed(
                translatable("you cannot give the scope %(scope)s, as you do not have it", scope=scope), scope=scope
            )

    def expiry_of_made(self, wanted: datetime | None) -> datetime | None:
        """When a CLI token expires that the caller makes; None for never.

        Raises:
            NotAllowed: it would outlive what makes it.
        """
        bound = self._outlived_by_none
        if bound is not None and wanted is not None and wanted > bound:
            raise NotAllowed("a CLI token cannot outlive what made it: a token, or a session by an administrator")
        return wanted or bound

    def ensure_could_make(self, token: CliToken) -> None:
        """Return if the caller may get hold of a CLI token by rotating it: itself, or one that it could have made.

        Raises:
            NotAllowed: it can do more, or lasts longer.
        """
        if self.token is not None and self.token.id == token.id:
            return
        bound = self._outlived_by_none
        outlives = bound is not None and (token.expires_at is None or token.expires_at > bound)
        if outlives or (self.token is not None and not set(token.scopes) <= set(self.token.scopes)):
            raise NotAllowed("a CLI token cannot rotate one that exceeds its scopes or outlives it")

    @property
    def _outlived_by_none(self) -> datetime | None:
        """What a CLI token that the caller makes must not outlive; None for no limit."""
        if self.token is not None:
            return self.token.expires_at
        return self.session.expires_at if self.session is not None and self.session.issued_by is not None else None

    def ensure_person(self) -> Session:
        """The caller's session: for acts that only somebody who signed in may do, such as changing a password.

        Raises:
            NotAllowed: a CLI token, or an OAuth client with its access token.
        """
        if self.session is None or self.granted is not None:
            raise NotAllowed("this needs a session: sign in, a token cannot do it")
        return self.session

    def ensure_cli_token(self) -> CliToken:
        """The caller's CLI token: for questions that only make sense about one.

        Raises:
            NotAllowed: a session.
        """
        if self.token is None:
            raise NotAllowed("this needs a CLI token as the bearer")
        return self.token
