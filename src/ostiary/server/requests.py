"""What the API accepts: every text bounded, no field ignored."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from litestar.openapi.spec import Example
from litestar.params import PathParameter, QueryParameter
from msgspec import Meta, Struct

from ostiary.core.account import MAXIMUM_PASSWORD, ROLES
from ostiary.core.caller import ORDINARY_SCOPES, SCOPES
from ostiary.core.client import MAXIMUM_LABEL, MAXIMUM_USER_AGENT
from ostiary.core.duration import MAXIMUM_LENGTH as MAXIMUM_DURATION
from ostiary.core.duration import parse_duration
from ostiary.core.plan import MAXIMUM_PINNED, Newer
from ostiary.core.selector import MAXIMUM_TEXT
from ostiary.core.session import Kind
from ostiary.errors import InvalidRequest
from ostiary.server.shapes import SESSION_ID, TOKEN_ID

NO_NUL: Final = r"^[^\u0000]*$"  # PostgreSQL keeps no NUL in a text

Transport: TypeAlias = Annotated[
    Literal["cookie", "bearer"],
    Meta(description="`cookie` sets the session cookie; `bearer` answers the token in the body."),
]
Username: TypeAlias = Annotated[str, Meta(min_length=1, max_length=256, pattern=NO_NUL, examples=["ada"])]
UsernameInPath: TypeAlias = Annotated[
    str, PathParameter(min_length=1, max_length=256, pattern=NO_NUL, examples=[Example(value="ada")])
]
UserFilter: TypeAlias = Annotated[
    str | None,
    QueryParameter(
        min_length=1,
        max_length=256,
        pattern=NO_NUL,
        description="Of this user only.",
        examples=[Example(value="ada")],
    ),
]
ApplicationFilter: TypeAlias = Annotated[
    str | None,
    QueryParameter(min_length=1, max_length=128, pattern=NO_NUL, description="Of this application only."),
]
TimeFilter: TypeAlias = Annotated[
    str | None, QueryParameter(max_length=40, description="RFC 3339.", examples=[Example(value="2026-05-19T09:02:00Z")])
]
# The guard looks at ids before any handler does: one that cannot be ours is answered as a missing one.
SessionIdInPath: TypeAlias = Annotated[str, PathParameter(examples=[Example(value=SESSION_ID)])]
TokenIdInPath: TypeAlias = Annotated[str, PathParameter(examples=[Example(value=TOKEN_ID)])]
NewUsername: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64, pattern=NO_NUL, examples=["ada"])]
Password: TypeAlias = Annotated[
    str, Meta(min_length=1, max_length=MAXIMUM_PASSWORD, examples=["correct horse battery staple"])
]
Email: TypeAlias = Annotated[str, Meta(max_length=254, pattern=NO_NUL, examples=["ada@example.org"])]
Label: TypeAlias = Annotated[
    str, Meta(max_length=MAXIMUM_LABEL, pattern=NO_NUL, description="A name for the device.", examples=["laptop"])
]
Text: TypeAlias = Annotated[str, Meta(min_length=1, max_length=128, pattern=NO_NUL)]
Duration: TypeAlias = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAXIMUM_DURATION,
        description="Hours, minutes and seconds as Go writes them: 4h30m, 1.5h, 90s.",
        examples=["4h30m"],
    ),
]
Filter: TypeAlias = Annotated[str, Meta(max_length=MAXIMUM_TEXT, pattern=NO_NUL)]
Seconds: TypeAlias = Annotated[int, Meta(ge=1, le=2**31)]
Scopes: TypeAlias = Annotated[
    list[Annotated[str, Meta(max_length=32)]],
    Meta(max_length=len(SCOPES) * 2, description=f"Of {', '.join(SCOPES)}.", examples=[["sessions:read"]]),
]
Roles: TypeAlias = Annotated[
    list[Annotated[str, Meta(max_length=32)]],
    Meta(max_length=len(ROLES) * 2, description=f"Of {', '.join(ROLES)}.", examples=[["member"]]),
]


class Body(Struct, kw_only=True, forbid_unknown_fields=True):
    """A JSON object. A field that it does not know is refused, not ignored."""


class SignInRequest(Body):
    """Who signs in, and how the session is to be held."""

    username: Username
    password: Password
    transport: Transport
    label: Label | None = None


class SetupRequest(Body):
    """The first administrator."""

    code: Annotated[str, Meta(max_length=128, description="From the one-time link.")]
    username: NewUsername
    password: Password
    email: Email | None = None
    transport: Transport = "cookie"


class ReauthenticateRequest(Body):
    """The caller's password, again."""

    password: Password


class PasswordRequest(Body):
    """A change of the caller's own password."""

    current: Password
    new: Password
    end_other_sessions: bool = True


class RevokeAllRequest(Body):
    """What else to end."""

    tokens: Annotated[bool, Meta(description="True ends the CLI tokens, too.")] = False
    application_id: Annotated[Text | None, Meta(description="Sessions of this application only.")] = None


class LabelRequest(Body):
    """A device's name."""

    label: Annotated[Label | None, Meta(description="Null takes the name away.")]


class CliTokenRequest(Body):
    """A CLI token to make."""

    name: Annotated[str, Meta(max_length=64, pattern=NO_NUL, examples=["ci"])] | None = None
    expires_in: Annotated[
        Duration | Seconds | None,
        Meta(description="A duration such as 720h, or whole seconds. Left out: as long as the caller's own token."),
    ] = None
    scopes: Annotated[
        Scopes | None,
        Meta(description=f"Left out: {', '.join(ORDINARY_SCOPES)}, as far as the caller has them."),
    ] = None


class MintRequest(Body):
    """A session to make for somebody."""

    expire_after: Duration
    application_id: Text | None = None
    label: Label | None = None
    reason: Annotated[Text | None, Meta(description="Why, for the audit trail.")] = None


class UserRequest(Body):
    """A user to add."""

    username: NewUsername
    password: Password
    email: Email | None = None
    roles: Roles = msgspec.field(default_factory=lambda: ["member"])


class PlanRequest(Body):
    """Which sessions to pin; all filters hold at once, and only live sessions are pinned."""

    user: Filter | None = None
    ip: Annotated[Filter | None, Meta(examples=["203.0.113.0/24"])] = None
    user_agent: Annotated[str, Meta(max_length=MAXIMUM_USER_AGENT, pattern=NO_NUL)] | None = None
    device: Filter | None = None
    application_id: Filter | None = None
    tenant: Filter | None = None
    status: Annotated[Filter | None, Meta(description="`active`, `stale`, or `live` for both, the default.")] = None
    created_before: Filter | None = None
    created_after: Filter | None = None
    last_used_before: Annotated[Filter | None, Meta(examples=["2026-01-15T12:00:00Z"])] = None
    reason: Filter | None = None
    q: Filter | None = None


class ApplyRequest(Body):
    """How to apply a plan."""

    tolerance: Annotated[
        int,
        Meta(ge=0, le=2**31 - 1, description="How many sessions may match that are not pinned. They are not ended."),
    ] = 0
    undo_for: Annotated[
        Annotated[str, Meta(min_length=1, max_length=MAXIMUM_DURATION)] | None,
        Meta(description="How long it can be undone: `0s` to `24h`, default `10m`.", examples=["10m"]),
    ] = None
    newer: Annotated[
        Newer | None,
        Meta(description="`leave` or `include` what matches and is not pinned; null: `tolerance` decides."),
    ] = None
    limit: (
        Annotated[
            int,
            Meta(ge=1, le=MAXIMUM_PINNED, description="Look at this many pinned sessions at most, then answer."),
        ]
        | None
    ) = None


class NewPasswordRequest(Body):
    """A user's new password."""

    new: Password


class RolesRequest(Body):
    """A user's new roles."""

    roles: Roles


def kind_of(transport: str) -> Kind:
    """The kind of session that is held so: browsers hold cookies, command lines bearers."""
    return "browser" if transport == "cookie" else "cli"


def optional_duration(field: str, value: str | int | None) -> timedelta | None:
    """`duration`, None for None."""
    return None if value is None else duration(field, value)


def duration(field: str, value: str | int) -> timedelta:
    """Read a duration or a number of seconds.

    Raises:
        InvalidRequest: not one, or not positive.
    """
    try:
        return timedelta(seconds=value) if isinstance(value, int) else parse_duration(value)
    except ValueError as why:
        raise InvalidRequest(field, str(why)) from None


def instant(field: str, value: str | None) -> datetime | None:
    """Read an RFC 3339 time; None for None. Without a zone it is UTC.

    Raises:
        InvalidRequest: not one.
    """
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(value)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidRequest(field, "is not a time; write it as 2026-05-19T09:02:00Z") from None


def span_or_none(field: str, value: str) -> timedelta:
    """`duration`, with `0`, `0s` and the like for none at all."""
    return timedelta(0) if value.rstrip("hms") == "0" else duration(field, value)
