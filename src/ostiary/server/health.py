"""Whether this process lives, whether it can do its work, and what it counted."""

from __future__ import annotations

from typing import Literal

from litestar import Request, Response, Router, get
from litestar.di import NamedDependency
from msgspec import Struct
from prometheus_client import CONTENT_TYPE_LATEST

from ostiary.authority import Authority
from ostiary.core.caller import Caller
from ostiary.errors import ConfigurationError, StoreUnavailable
from ostiary.server.access import guard
from ostiary.server.bodies import ApiRequest
from ostiary.server.context import context_of
from ostiary.server.failures import answer
from ostiary.server.refusals import refusals


class Health(Struct):
    """It is well."""

    status: Literal["ok"] = "ok"


@get(
    "/healthz",
    operation_id="is_alive",
    summary="Does the process live?",
    responses=refusals(public=True),
    security=[{}],
)
async def is_alive() -> Health:
    """Asks nothing of the store: a process is not to be restarted because the store is away."""
    return Health()


def not_ready(request: Request, error: ConfigurationError | StoreUnavailable) -> Response[bytes]:  # type: ignore[type-arg]
    """A schema that is not migrated is an outage to whoever routes requests here, not our mistake.

    It says the cause, for whoever looks; what names hosts, roles or databases is in the log only.
    """
    cause = error.cause if isinstance(error, StoreUnavailable) else "its schema is not the one of this version"
    unavailable = StoreUnavailable(cause=cause, sentence=getattr(error, "sentence", None))
    unavailable.message = f"The store cannot be used: {cause}" if cause else unavailable.message
    unavailable.__cause__ = error
    return answer(request, unavailable)


@get(
    "/readyz",
    operation_id="is_ready",
    summary="Can it work?",
    responses=refusals(public=True),
    security=[{}],
    exception_handlers={ConfigurationError: not_ready, StoreUnavailable: not_ready},
)
async def is_ready(authority: NamedDependency[Authority]) -> Health:
    """Sessions can be verified, and can be ended, and the store has the schema of this version; else 503 and why."""
    await authority.ensure_ready()
    return Health()


@get(
    "/metrics",
    operation_id="metrics",
    summary="Counters for Prometheus",
    media_type="text/plain",
    responses=refusals(),
    guards=[guard],
    security=[{"bearer": []}],
)
async def metrics(request: ApiRequest, caller: NamedDependency[Caller]) -> Response[str]:
    """In Prometheus' text format, for a CLI token with the scope `metrics:read`. There is nothing personal in it.

    With the setting `metrics_address`, also on that address, where no credential is asked for.
    """
    caller.ensure_service("metrics:read")
    return Response(context_of(request).metrics.exposition().decode(), media_type=CONTENT_TYPE_LATEST)


router = Router("/", route_handlers=[is_alive, is_ready, metrics], tags=["machines"])
