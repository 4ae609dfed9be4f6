"""What the API answers about verifiers and the lag."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from ostiary.core.verifier import Lag as CoreLag
from ostiary.core.verifier import Verifier as CoreVerifier
from ostiary.server.shapes import Count, Instant, SessionId


class Verifier(Struct, kw_only=True):
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


class VerifierList(Struct, kw_only=True):
    """Those that were heard of in the last minute, oldest first."""

    verifiers: list[Verifier]


class LateVerifier(Struct, kw_only=True):
    """One that may still accept the session."""

    name: Annotated[str, Meta(description="What people call it, or the id that it chose.")]
    trust_until: Annotated[Instant, Meta(description="It refuses from then on, whatever happens.")]


class Lag(Struct, kw_only=True):
    """How far the ending of a session has come."""

    session_id: SessionId
    is_everywhere: Annotated[bool, Meta(description="True if nobody can accept it any more.")]
    lag_ms: Annotated[float, Meta(description="Milliseconds until the last one refused, or until now.")]
    verifiers: Annotated[Count, Meta(description="How many there are.")]
    late: list[LateVerifier]


def verifier_of(one: CoreVerifier) -> Verifier:
    """A verifier as it is written down."""
    return Verifier(**{name: getattr(one, name) for name in Verifier.__struct_fields__})


def lag_of(session_id: str, lag: CoreLag) -> Lag:
    """A lag in the words of the API."""
    return Lag(
        session_id=session_id,
        is_everywhere=lag.is_everywhere,
        lag_ms=round(lag.seconds * 1000, 1),
        verifiers=lag.verifiers,
        late=[
            LateVerifier(name=one.name or one.reader, trust_until=one.trusts_until(lag.ended_by)) for one in lag.late
        ],
    )
