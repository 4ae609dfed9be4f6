"""What the API answers about people, sessions and CLI tokens. The field order is the contract's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, TypeAlias

from msgspec import Meta

from ostiary.contract.answer import LEFT_OUT, Answer, LeftOut
from ostiary.core.client import DeviceKind
from ostiary.core.credential import TokenStatus
from ostiary.core.session import Hold, Kind, Limit, Reason, Status, Via

SESSION_ID = "sess_k3v7mzpq2w4x6y7a2b3c4d5e6f"
TOKEN_ID = "ost_a2b3c4d5e6f7k3v7mzpq2w4x6y"
USER_ID = "user_mzpq2w4x6y7a2b3c4d5e6fk3v7"
SECRET = "…43-characters-that-are-shown-only-once…"

Instant: TypeAlias = Annotated[datetime, Meta(tz=True, examples=["2026-01-15T12:00:00Z"])]  # RFC 3339, in UTC
SessionId: TypeAlias = Annotated[str, Meta(description="Public and stable; never a secret.", examples=[SESSION_ID])]
TokenId: TypeAlias = Annotated[str, Meta(description="Public; never a secret.", examples=[TOKEN_ID])]
Count: TypeAlias = Annotated[int, Meta(ge=0, examples=[2])]
Devices: TypeAlias = Annotated[
    int, Meta(ge=0, examples=[1], description="How many of them were sign-ins on a device; the others hung under one.")
]
# There will be more words: they are no promise of the document, which has every text here.
if TYPE_CHECKING:
    Why: TypeAlias = Reason | Limit
else:
    Why = str


class User(Answer, kw_only=True):
    """Whom a credential belongs to."""

    id: Annotated[str, Meta(description="Opaque and stable.", examples=[USER_ID])]
    username: Annotated[
        str | None, Meta(description="Null when another application keeps the directory.", examples=["ada"])
    ]
    email: Annotated[str | None, Meta(examples=["ada@example.org"])]
    roles: Annotated[Sequence[str], Meta(examples=[["member"]])]


class ClientView(Answer, kw_only=True):
    """What a client says it is: a hint for a person's eye."""

    browser: Annotated[str | None, Meta(examples=["Firefox"])]
    os: Annotated[str | None, Meta(examples=["Linux"])]
    device: Annotated[str | None, Meta(examples=["iPhone"])]
    kind: DeviceKind


class Place(Answer):
    """Where an address is, by the operator's places file."""

    city: Annotated[str | None, Meta(examples=["Berlin"])]
    country: Annotated[str | None, Meta(examples=["Germany"])]


class Session(Answer, kw_only=True):
    """One sign-in of one user from one client."""

    id: SessionId
    created_at: Instant
    last_used_at: Annotated[Instant, Meta(description="At most a minute behind the truth while in use.")]
    expires_at: Annotated[
        Instant,
        Meta(description="The end of its lifetime if it is kept in use; the idle timeout can end it earlier."),
    ]
    user_agent: Annotated[str | None, Meta(description="As the client sent it; never to be trusted.")]
    ip: Annotated[str | None, Meta(examples=["203.0.113.7"])]
    is_current: Annotated[bool, Meta(description="True for the session that asks.")]
    status: Annotated[
        Status,
        Meta(
            description="`stale`: works, but was not used for more than `stale_after_days`; "
            "`suspended`: refused, but the plan that did it can still be undone."
        ),
    ]
    client: ClientView
    place: Annotated[Place | None, Meta(description="Null without a places file.")]
    label: Annotated[str | None, Meta(description="The device's name, as a person gave it.")]
    application_id: str | None
    tenant: str
    amr: Annotated[Sequence[str], Meta(description="How the person signed in (RFC 8176).", examples=[["pwd"]])]
    issued_by: Annotated[str | None, Meta(description="Who minted it, when it was not the user's own sign-in.")]
    kind: Kind
    via: Annotated[Via, Meta(description="How it began.")]
    device_id: Annotated[
        SessionId, Meta(description="The sign-in on a device that it belongs to: its own id for such a one.")
    ]
    parent_id: Annotated[
        SessionId | None, Meta(description="What let it in, and so what it hangs under; null for a device.")
    ]
    hold: Annotated[
        Hold | None,
        Meta(
            description="`bound`: ends with its parent; `standing`: was allowed to act while its person is away; "
            "null for a device."
        ),
    ]
    ended_at: Annotated[Instant | LeftOut | None, Meta(description="Only with `include=ended`: when it ended.")] = (
        LEFT_OUT
    )
    reason: Annotated[
        Why | LeftOut | None,
        Meta(description="Only with `include=ended`: why it ended; `idle` or `lifetime` when a limit passed."),
    ] = LEFT_OUT
    below: Annotated[Count | LeftOut, Meta(description="Only with `view=tree`: how many hang under it.")] = LEFT_OUT
    suspended_until: Annotated[
        Instant | LeftOut | None,
        Meta(description="Only with `include=ended`: of a suspended one, until when its plan can be undone."),
    ] = LEFT_OUT


class AdminSession(Session, kw_only=True):
    """A session as an administrator sees it."""

    username: Annotated[
        str | None, Meta(description="Null when the account is gone or lives elsewhere.", examples=["ada"])
    ]
    user_id: Annotated[str, Meta(examples=[USER_ID])]
    auth_time: Annotated[
        Instant | None, Meta(description="When the person last proved who they are; null where nobody did.")
    ]
    revoked_at: Instant | None


class CliToken(Answer, kw_only=True):
    """A long-lived named bearer."""

    id: TokenId
    name: Annotated[str, Meta(examples=["ci"])]
    created_at: Instant
    last_used_at: Instant | None
    expires_at: Instant | None
    revoked_at: Instant | None
    scopes: Annotated[Sequence[str], Meta(examples=[["sessions:read"]])]
    status: TokenStatus
    made_by: Annotated[
        str | None,
        Meta(description="The user or CLI token that made it; for one of a minted session, who minted that."),
    ]
    made_in: Annotated[str | None, Meta(description="The session that it was made in.", examples=[SESSION_ID])]


NewToken: TypeAlias = Annotated[
    str | LeftOut,
    Meta(
        description="The new secret of the session that asked, shown once, where a bearer asked; the old one is "
        "refused from now on. A cookie is set anew.",
        examples=[f"{SESSION_ID}.{SECRET}"],
    ),
]


class SignedIn(Answer, kw_only=True):
    """A session was started or renewed."""

    user: User
    session: Session
    token: Annotated[
        str | LeftOut,
        Meta(
            description="What the client holds, shown once; only with the transport `bearer`.",
            examples=[f"{SESSION_ID}.{SECRET}"],
        ),
    ] = LEFT_OUT


class Grant(Answer, kw_only=True):
    """What the access token of an OAuth client was granted."""

    client_id: str | None
    audience: Annotated[Sequence[str], Meta(description="Whom it is for, beside this server.")]
    scopes: Annotated[Sequence[str], Meta(examples=[["openid", "profile"]])]


class OwnSession(Session, kw_only=True):
    """The session that asks, with what an application wants to know of it."""

    auth_time: Annotated[
        Instant | None, Meta(description="When the person last proved who they are; null where nobody did.")
    ]
    ends_at: Annotated[Instant, Meta(description="When a limit ends it, if nobody uses it any more.")]


class WhoAmI(Answer, kw_only=True):
    """The caller: one of `session` and `token` is null.

    An OAuth client hears of its user what its scopes let it know: `profile` the username and the roles but `admin`,
    `email` the address of mail, `sessions:read` from where the session is used.
    """

    user: User
    session: OwnSession | None
    token: CliToken | None
    grant: Annotated[Grant | LeftOut, Meta(description="Only of an access token.")] = LEFT_OUT


class Done(Answer, kw_only=True):
    """It is done."""

    ok: bool = True


class Revoked(Answer, kw_only=True):
    """The session has ended: now, or earlier, in which case its first reason stays."""

    ok: bool = True
    id: SessionId
    is_current: Annotated[bool, Meta(description="True if it was the session that asked.")]
    live_tokens: Annotated[
        Count,
        Meta(description="CLI tokens of the user that still work, as they have a lifecycle of their own."),
    ]
    live_standing: Annotated[
        Count,
        Meta(
            description="Sessions that were let in there, act while their user is away and still work: `standing` ends "
            "them, too, also afterwards."
        ),
    ] = 0

    @property
    def success(self) -> bool:
        """True: the session works nowhere any more."""
        return self.ok

    @property
    def message(self) -> str:
        """For a person."""
        return "Session revoked successfully"


class RevokedOthers(Answer, kw_only=True):
    """The user's other sessions have ended."""

    ok: bool = True
    count: Count
    devices: Devices
    live_tokens: Count
    token: NewToken = LEFT_OUT


class RevokedAll(Answer, kw_only=True):
    """All sessions of the user have ended, the one that asked too."""

    ok: bool = True
    count: Count
    devices: Devices
    tokens: Annotated[Count, Meta(description="CLI tokens that ended with them.")]
    live_tokens: Count


class PasswordChanged(Answer, kw_only=True):
    """The password is another one."""

    ok: bool = True
    count: Annotated[Count, Meta(description="Other sessions that ended.")]
    devices: Devices
    live_tokens: Count
    token: NewToken = LEFT_OUT


class CliTokenCreated(Answer, kw_only=True):
    """A CLI token with its secret, which is shown once."""

    id: TokenId
    name: str
    token: Annotated[str, Meta(description="The bearer; only its hash is kept.", examples=[f"{TOKEN_ID}.{SECRET}"])]
    created_at: Instant
    expires_at: Instant | None
    scopes: Sequence[str]


class CliTokenValid(Answer, kw_only=True):
    """The CLI token that asked works."""

    valid: bool = True
    user_email: str | None
    username: str | None
    token_id: TokenId
    expires_at: Instant | None
    scopes: Sequence[str]


class CliTokenRevoked(Answer, kw_only=True):
    """The CLI token has ended: now or earlier."""

    ok: bool = True
    id: TokenId
