"""A leaked credential: what hangs on it, and the end of all that, for administrators.

The credential comes in the body, never in a path or query: those are written into logs on the way.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from msgspec import Meta

from ostiary.contract.answer import Answer
from ostiary.contract.calling import W
from ostiary.contract.operation import Namespace, Operation, Takes
from ostiary.contract.shapes import SESSION_ID, USER_ID, Count, Instant
from ostiary.core.leak import MAXIMUM_TEXT, LeakKind, What
from ostiary.errors import Conflict, ReauthenticationRequired, SessionNotFound, TokenNotFound


class ThingView(Answer, kw_only=True):
    """A credential or session that was derived from the leaked one."""

    what: Annotated[What, Meta(description="`session_of_another` is told, but not ended.")]
    id: Annotated[str, Meta(description="Of access tokens, their session's.", examples=[SESSION_ID])]
    works: Annotated[bool, Meta(description="True if it would be accepted now.")]
    created_at: Instant | None
    last_used_at: Instant | None
    expires_at: Annotated[
        datetime | None, Meta(description="When it stops by itself; the last access token's, at most.")
    ]
    about: Annotated[str | None, Meta(description="A name, an agent, or the client that holds it.")]
    under: Annotated[str | None, Meta(description="The id of what it was made with.")]


class NeutralisedView(Answer, kw_only=True):
    """A leaked credential, and everything that hangs on it."""

    kind: LeakKind
    id: Annotated[str, Meta(examples=[SESSION_ID])]
    matches: Annotated[
        bool | None, Meta(description="Whether the secret is right; null for an id alone. If false, only the id is.")
    ]
    user_id: Annotated[str, Meta(examples=[USER_ID])]
    username: str | None
    sessions: Annotated[Count, Meta(description="That work; after the act, that it ended.")]
    tokens: Annotated[Count, Meta(description="CLI tokens that work; after the act, that it ended.")]
    applied: Annotated[bool, Meta(description="False for a preview.")]
    things: Sequence[ThingView]


class OfCredential(Takes):
    """Which credential."""

    credential: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=MAXIMUM_TEXT,
            description="Any credential of this server, a line that holds one, or the id of one.",
            examples=[SESSION_ID],
        ),
    ]


class PreviewNeutralise(OfCredential):
    """Everything that was made with it, and with what was made with it. Nothing is changed."""


class Neutralise(OfCredential):
    """All of it ends in one act, with the reason `admin`. A wrong secret is refused: then give the id alone."""


class Leaks(Namespace[W]):
    """Leaked credentials."""

    tag = "administration: leaked credentials"

    preview = Operation(
        "POST",
        "/api/v1/admin/neutralise",
        PreviewNeutralise,
        NeutralisedView,
        summary="What hangs on a leaked credential?",
        errors=(SessionNotFound, TokenNotFound),
        repeatable=True,
    )
    neutralise = Operation(
        "POST",
        "/api/v1/admin/neutralise/apply",
        Neutralise,
        NeutralisedView,
        summary="End what hangs on a leaked credential",
        errors=(SessionNotFound, TokenNotFound, Conflict, ReauthenticationRequired),
    )
