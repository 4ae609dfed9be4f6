"""Who asks, and what they may see and end. The only place where rights are decided."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias, get_args

from ostiary.core.account import User
from ostiary.core.client import Client
from ostiary.core.credential import CliToken
from ostiary.core.disclosure import told, without_admin
from ostiary.core.policy import Policy
from ostiary.core.session import Session
from ostiary.errors import NotAllowed, ReauthenticationRequired, SessionInvalid

Scope: TypeAlias = Literal[
    "sessions:read", "sessions:revoke", "tokens:manage", "gateway", "feed:read", "metrics:read", "admin"
]

SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
ORDINARY_SCOPES: Final[tuple[Scope, ...]] = ("sessions:read", "sessions:revoke", "tokens:manage")  # given unasked
USER_SCOPES: Final[tuple[Scope, ...]] = (*ORDINARY_SCOPES, "gateway")  # what anybody may give
NOT_WITHIN_ADMIN: Final[frozenset[str]] = frozenset({"gateway"})  # `admin` is for this server, not for applications


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
    def is_admin(self) -> bool:
        """An administrator, by role and (for a CLI token) by scope; never an OAuth client in their name."""
        if self.granted is not None:
            return False
        return "admin" in self.user.roles and (self.token is None or "admin" in self.token.scopes)

    @property
    def acting_roles(self) -> tuple[str, ...]:
        """The user's roles, without `admin` where this credential does not reach so far."""
        return self.user.roles if self.is_admin else without_admin(self.user.roles)

    @property
    def told(self) -> User:
        """The user, as far as this credential may know them."""
        return told(self.user, granted=self.granted, is_admin=self.is_admin)

    @property
    def sees_places(self) -> bool:
        """Whether it may know from where somebody signed in: the address, the agent, and the device's name."""
        if self.granted is None and self.token is None:
            return True
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
                raise NotAllowed(f"this access token lacks the scope {scope}", scope=scope)
            return
        if self.token is None or scope in self.token.scopes:
            return
        if scope in NOT_WITHIN_ADMIN or not self.is_admin:
            raise NotAllowed(f"this CLI token lacks the scope {scope}", scope=scope)

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
                raise NotAllowed(f"this client lacks the scope {scope}", scope=scope)
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


# What an act needs of its caller, to be declared where the act is (see `authority.acting`). Each raises, or returns.
Need: TypeAlias = Callable[[Caller, Policy, datetime], None]


def admin(by: Caller, _: Policy, __: datetime) -> None:
    """`Caller.ensure_admin`."""
    by.ensure_admin()


def person(by: Caller, _: Policy, __: datetime) -> None:
    """`Caller.ensure_person`."""
    by.ensure_person()


def scope(wanted: Scope) -> Need:
    """`Caller.ensure_scope`."""
    return lambda by, _, __: by.ensure_scope(wanted)


def fresh(by: Caller, policy: Policy, now: datetime) -> None:
    """The sign-in is fresh enough to end other sessions; a CLI token was given its scope on purpose.

    Raises:
        ReauthenticationRequired: sign in again first (ASVS 5.0 7.5.2).
    """
    _ensure_proved(by, policy.step_up_age, now)


def power(by: Caller, policy: Policy, now: datetime) -> None:
    """The sign-in is fresh enough to give somebody power, or to take it; for a CLI token as for `fresh`.

    Raises:
        ReauthenticationRequired: sign in again first (ASVS 5.0 7.5.1, 7.5.3).
    """
    _ensure_proved(by, policy.power_age, now)


def _ensure_proved(by: Caller, age: timedelta | None, now: datetime) -> None:
    if by.session is not None and age is not None and not by.session.was_proved_within(age, now):
        raise ReauthenticationRequired(int(age.total_seconds()))
