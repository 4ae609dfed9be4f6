"""The filters of sessions, as parameters of a query. What each may be is decided by the core's selector."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from litestar.openapi.spec import Example
from litestar.params import QueryParameter

from ostiary.core.client import MAXIMUM_LABEL, MAXIMUM_USER_AGENT
from ostiary.core.selector import MAXIMUM_TEXT, Wanted
from ostiary.core.session import Reason
from ostiary.server.requests import NO_NUL

_TIME = "2026-01-15T12:00:00Z"

User: TypeAlias = Annotated[
    str | None,
    QueryParameter(
        min_length=1,
        max_length=MAXIMUM_TEXT,
        pattern=NO_NUL,
        description="Of this user only: a name in any case, or a user id.",
        examples=[Example(value="ada")],
    ),
]
Ip: TypeAlias = Annotated[
    str | None,
    QueryParameter(
        max_length=64, description="From this address or network.", examples=[Example(value="203.0.113.0/24")]
    ),
]
UserAgent: TypeAlias = Annotated[
    str | None,
    QueryParameter(
        min_length=1,
        max_length=MAXIMUM_USER_AGENT,
        description="By this browser or tool, in any case; or exactly this agent, when it has a slash.",
        examples=[Example(value="Firefox")],
    ),
]
Device: TypeAlias = Annotated[
    str | None,
    QueryParameter(
        min_length=1,
        max_length=MAXIMUM_LABEL,
        description="On this kind of device (desktop, phone, tablet, cli, service, unknown) or system, in any case.",
        examples=[Example(value="phone"), Example(value="Windows")],
    ),
]
ApplicationId: TypeAlias = Annotated[
    str | None, QueryParameter(min_length=1, max_length=MAXIMUM_TEXT, description="Of this application.")
]
Tenant: TypeAlias = Annotated[
    str | None, QueryParameter(min_length=1, max_length=MAXIMUM_TEXT, description="Of this tenant.")
]
InStatus: TypeAlias = Annotated[
    Wanted | None, QueryParameter(description="In this state only; `live` is active or stale.")
]
CreatedBefore: TypeAlias = Annotated[
    str | None,
    QueryParameter(max_length=64, description="Started before this time.", examples=[Example(value=_TIME)]),
]
CreatedAfter: TypeAlias = Annotated[
    str | None,
    QueryParameter(max_length=64, description="Started at this time or later.", examples=[Example(value=_TIME)]),
]
LastUsedBefore: TypeAlias = Annotated[
    str | None,
    QueryParameter(max_length=64, description="Not used since this time.", examples=[Example(value=_TIME)]),
]
ForReason: TypeAlias = Annotated[Reason | None, QueryParameter(description="Ended by somebody for this reason.")]
Q: TypeAlias = Annotated[
    str | None,
    QueryParameter(
        min_length=1,
        max_length=MAXIMUM_LABEL,
        description="The beginning of a session id, a username or a label; or an address or network.",
        examples=[Example(value="ad")],
    ),
]
