"""A session: one sign-in of one user from one client, and the rule that says whether it may still be used."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple, Protocol, TypeAlias, get_args

from ostiary.core.policy import Policy
from ostiary.errors import OstiaryError, SessionExpired, SessionRevoked

Kind: TypeAlias = Literal["browser", "cli", "oauth", "service"]
Reason: TypeAlias = Literal[
    "logout",
    "user",
    "user_others",
    "user_all",
    "admin",
    "bulk",
    "password_change",
    "account_disabled",
    "refresh_reuse",
    "limit",
    "policy",
    "replaced",
    "upstream",
    "client",
    "code_replay",
    "parent",
]
Limit: TypeAlias = Literal["idle", "lifetime"]
Life: TypeAlias = Literal["live", "suspended", "ended"]
Status: TypeAlias = Literal["active", "stale", "suspended", "expired", "revoked"]
Hold: TypeAlias = Literal["bound", "standing"]  # how it hangs: ends with its parent, or acts while its person is away
Via: TypeAlias = Literal["sign_in", "code", "client_credentials", "mint"]  # how it began

REASONS: Final[tuple[Reason, ...]] = get_args(Reason)
STATUSES: Final[tuple[Status, ...]] = get_args(Status)
DEFAULT_TENANT: Final = "default"
STALE_AFTER_DAYS: Final = 30  # the documented default of `--warn-stale-days` and `stale_after_days`


@dataclass(frozen=True, slots=True)
class Revocation:
    """Since when a session is refused, and why: for good, or, with `suspended_until`, until its plan is undone.

    The first ending stays; later ones change nothing. A suspension is no ending yet: the first one after it holds.

    Attributes:
        at: when.
        reason: one of `REASONS`.
        by: who: a user id, a CLI token id, or `database:<login>` for the break-glass door.
        suspended_until: until then the plan that did it can be undone; None for an ending.
    """

    at: datetime
    reason: Reason
    by: str
    suspended_until: datetime | None = None

    def is_final(self, now: datetime) -> bool:
        """True if nothing brings the session back any more."""
        return self.suspended_until is None or now >= self.suspended_until


@dataclass(frozen=True, slots=True)
class Session:
    """One row of the store, without its secret's hash.

    Attributes:
        id: public and stable, `sess_…`.
        user_id: opaque to us.
        auth_time: when the person last proved who they are; a fresh one comes with re-authentication.
        last_used_at: at most a minute behind the truth while in use.
        expires_at: the end of its lifetime when it started; what holds now is `lifetime_ends_at`.
        ip, user_agent: of its client, at its last recorded use; bounded, never trusted.
        amr: how the person signed in (RFC 8176), `("pwd",)` for a password.
        issued_by: who minted it, when it was not the user's own sign-in.
        client_id: the OAuth client that holds it; None for every other kind.
        parent_id: what it hangs under; None for a root: a sign-in on a device.
        root_id: the root of its tree; None for a root.
        path: what it ends with, from the outermost down to its parent; empty where nothing else ends it.
        device_since: when the outermost of these started: its lifetime is reckoned from then. None without.
        stays: whether its person asked to stay signed in; False where its cookie dies with the browser, so that it ends
            soon after its last use; None where no cookie of ours holds it.
        resource: whom its tokens are for (RFC 8707); None for this server and its clients.
        revoked: how it was ended or suspended, or None.
    """

    id: str
    user_id: str
    kind: Kind
    created_at: datetime
    auth_time: datetime
    last_used_at: datetime
    expires_at: datetime
    ip: str | None = None
    user_agent: str | None = None
    label: str | None = None
    application_id: str | None = None
    tenant: str = DEFAULT_TENANT
    amr: tuple[str, ...] = ()
    issued_by: str | None = None
    client_id: str | None = None
    parent_id: str | None = None
    root_id: str | None = None
    path: tuple[str, ...] = ()
    device_since: datetime | None = None
    stays: bool | None = None
    resource: str | None = None
    revoked: Revocation | None = None

    def life(self, policy: Policy, now: datetime) -> Life:
        """Where it stands at `now`: `live`, `suspended` (refused; its plan may be undone) or `ended` for good.

        `storage.live` is the same as SQL; a test holds the two together.
        """
        if self.revoked is not None:
            return "ended" if self.revoked.is_final(now) else "suspended"
        return "ended" if now >= self.ends_at(policy) else "live"

    def ends_at(self, policy: Policy) -> datetime:
        """When a limit ends it, if nobody uses it any more."""
        return self.deadline(policy)[0]

    def deadline(self, policy: Policy) -> tuple[datetime, Limit]:
        """`ends_at`, and by which limit."""
        return limit_of(self, policy)

    def ensure_live(self, policy: Policy, now: datetime) -> None:
        """Return if the session may be used at `now`.

        Raises:
            SessionRevoked: somebody ended or suspended it; checked first, as it says more.
            SessionExpired: a limit of `policy` has passed (ASVS 5.0 7.3.1, 7.3.2).
        """
        refusal = self.refusal(policy, now)
        if refusal is not None:
            raise refusal

    def refusal(self, policy: Policy, now: datetime) -> OstiaryError | None:
        """Why it may not be used at `now`, or None: `ensure_live` for those who want the answer as a value."""
        life = self.life(policy, now)
        if life == "live":
            return None
        if self.revoked is None:
            return SessionExpired(*self.deadline(policy))
        until = self.revoked.suspended_until if life == "suspended" else None
        return SessionRevoked(self.revoked.at, self.revoked.reason, until)

    def status(self, policy: Policy, now: datetime, stale_after_days: int = STALE_AFTER_DAYS) -> Status:
        """What to show. `stale`: live, but unused for strictly more than `stale_after_days` (0 or less: never)."""
        life = self.life(policy, now)
        if life == "live":
            return live_status(self.last_used_at, now, stale_after_days)
        if life == "suspended":
            return "suspended"
        return "expired" if self.revoked is None else "revoked"

    def ended(self, policy: Policy, now: datetime) -> tuple[datetime, Reason | Limit] | None:
        """Since when it is refused, and why (a reason, or the limit that passed), or None while it lives."""
        if self.life(policy, now) == "live":
            return None
        return self.deadline(policy) if self.revoked is None else (self.revoked.at, self.revoked.reason)

    @property
    def device_id(self) -> str:
        """The device that it is a session on: the root's id."""
        return self.root_id or self.id

    @property
    def hold(self) -> Hold | None:
        """How it hangs; None for a root.

        A client's grant that hangs under nothing, as of before there were trees, stands by itself.
        """
        if self.path:
            return "bound"
        return "standing" if self.parent_id is not None or self.kind == "oauth" else None

    @property
    def via(self) -> Via:
        """How it began."""
        if self.client_id is not None:
            return "client_credentials" if self.kind == "service" else "code"
        return "sign_in" if self.issued_by is None else "mint"

    @property
    def proved_at(self) -> datetime | None:
        """When the person last proved who they are; None where an administrator made the session and nobody did."""
        return self.auth_time if self.issued_by is None else None

    def was_proved_within(self, age: timedelta, now: datetime) -> bool:
        """True if the person proved who they are at most `age` ago (ASVS 5.0 7.5.2)."""
        return self.proved_at is not None and now - self.proved_at <= age


class HasLifetime(Protocol):
    """What the end of a lifetime is reckoned from."""

    @property
    def created_at(self) -> datetime:
        """When it started."""

    @property
    def expires_at(self) -> datetime:
        """The end of its lifetime, as it was when it started."""

    @property
    def device_since(self) -> datetime | None:
        """When what it ends with started."""


def lifetime_ends_at(session: HasLifetime, policy: Policy) -> datetime:
    """The end of its lifetime, however much it is used.

    A lifetime that was shortened since the start holds at once, for what is bound, too; one that was lengthened does
    not. Of two clocks that disagree about which of both began first, the earlier one holds.
    """
    began = min(session.created_at, session.device_since or session.created_at)
    return min(session.expires_at, began + policy.lifetime)


class HasLimits(HasLifetime, Protocol):
    """What all limits are reckoned from."""

    @property
    def last_used_at(self) -> datetime:
        """At most a minute behind the truth while in use."""

    @property
    def stays(self) -> bool | None:
        """As of `Session`."""


def limit_of(session: HasLimits, policy: Policy) -> tuple[datetime, Limit]:
    """When a limit ends it, if nobody uses it any more, and which one."""
    ends_at, idle = lifetime_ends_at(session, policy), policy.idle_limit(stays=session.stays)
    if idle is not None:
        idle_at = session.last_used_at + idle
        if idle_at < ends_at:
            return idle_at, "idle"
    return ends_at, "lifetime"


class Bound(NamedTuple):
    """A session that has ended with what it is bound to, as it was before: as much of it as is asked for."""

    id: str
    user_id: str
    issued_by: str | None
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    device_since: datetime | None
    stays: bool | None

    def ended(self, policy: Policy, now: datetime) -> tuple[datetime, Limit] | None:
        """Since when a limit has kept it refused, and which one, or None."""
        limit = limit_of(self, policy)
        return limit if now >= limit[0] else None

    @property
    def hold(self) -> Hold:
        """As of `Session`."""
        return "bound"


def live_status(last_used_at: datetime, now: datetime, stale_after_days: int = STALE_AFTER_DAYS) -> Status:
    """`Session.status` of one that is known to live."""
    if stale_after_days > 0 and now - last_used_at > timedelta(days=stale_after_days):
        return "stale"
    return "active"


def new_deadline(policy: Policy, now: datetime, wanted: timedelta | None = None) -> datetime:
    """The end of a new session's lifetime: what was asked for, but never beyond the policy's."""
    return now + (min(wanted, policy.lifetime) if wanted is not None else policy.lifetime)
