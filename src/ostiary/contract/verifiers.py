"""Who remembers sessions, and how far an ending has come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypeAlias

from msgspec import Meta

from ostiary.contract.answer import Answer
from ostiary.contract.calling import W
from ostiary.contract.fields import SessionId
from ostiary.contract.named import OfSession
from ostiary.contract.operation import Namespace, Nothing, Operation
from ostiary.contract.shapes import Count, Instant
from ostiary.core.verifier import MAXIMUM_WAIT
from ostiary.errors import Conflict, SessionNotFound

Wait: TypeAlias = Annotated[
    float, Meta(ge=0, le=MAXIMUM_WAIT, description="Seconds to wait until it is refused everywhere.")
]


class Verifier(Answer, kw_only=True):
    """A program that remembers sessions."""

    id: Annotated[str, Meta(description="Of its chain of requests: two programs with one `reader` are two.")]
    reader: Annotated[str, Meta(description="The id that it chose.")]
    name: str | None
    owner: Annotated[str, Meta(description="The CLI token or OAuth client that it asks with.")]
    address: str | None
    since: Instant
    seen_at: Annotated[Instant, Meta(description="Up to a few seconds behind while nothing ends.")]
    applied_at: Annotated[Instant | None, Meta(description="It knows of everything that ended before this.")]
    trust_until: Annotated[Instant, Meta(description="Without further news it refuses by itself from then on.")]
    max_staleness: Annotated[float, Meta(description="Seconds that it trusts what it remembers.")]


class VerifierList(Answer, kw_only=True):
    """Those that were heard of in the last minute, oldest first."""

    verifiers: Sequence[Verifier]


class LateVerifier(Answer, kw_only=True):
    """One that may still accept the session."""

    name: Annotated[str, Meta(description="What people call it, or the id that it chose.")]
    trust_until: Annotated[Instant, Meta(description="It refuses from then on, whatever happens.")]


class Lag(Answer, kw_only=True):
    """How far the ending of a session has come."""

    session_id: SessionId
    is_everywhere: Annotated[bool, Meta(description="True if nobody can accept it any more.")]
    lag_ms: Annotated[float, Meta(description="Milliseconds until the last one refused, or until now.")]
    verifiers: Annotated[Count, Meta(description="How many there are.")]
    late: Sequence[LateVerifier]


class ShowLag(OfSession, kw_only=True):
    """Whether a session that was revoked is refused everywhere, or which verifier may still accept it, and until when.

    Nodes refuse it from the revocation's answer on. This is about programs that remember answers.
    """

    wait: Wait = 0.0


class ShowAnyLag(OfSession, kw_only=True):
    """The same for anybody's session."""

    wait: Wait = 0.0


class ListVerifiers(Nothing):
    """The programs that remember sessions, and how far each has come."""


class AdminVerifiers(Namespace[W]):
    """Who remembers anybody's sessions, and how far an ending has come."""

    tag = "administration: sessions"

    lag = Operation(
        "GET",
        "/api/v1/admin/sessions/{session_id}/lag",
        ShowAnyLag,
        Lag,
        summary="See how far an ending has come",
        errors=(SessionNotFound, Conflict),
    )
    list = Operation(
        "GET",
        "/api/v1/admin/verifiers",
        ListVerifiers,
        VerifierList,
        summary="List verifiers",
    )
