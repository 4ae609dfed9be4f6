"""Whether this process lives, whether it can do its work, and what it counted."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import Response

from ostiary.contract.machines import Health, IsAlive, IsReady, Machines, ReadMetrics
from ostiary.errors import ConfigurationError, StoreUnavailable
from ostiary.http.exchange import Exchange
from ostiary.http.operations import serves


@serves(Machines.alive)
async def is_alive(_: IsAlive, __: Exchange) -> Health:
    """It asks nothing of the store."""
    return Health()


@serves(Machines.ready)
async def is_ready(_: IsReady, exchange: Exchange) -> Health:
    """A schema that is not migrated is an outage to whoever routes requests here, not our mistake.

    It says the cause, for whoever looks; what names hosts, roles or databases is in the log only.
    """
    try:
        await exchange.authority.ensure_ready()
    except (ConfigurationError, StoreUnavailable) as error:
        cause = error.cause if isinstance(error, StoreUnavailable) else "its schema is not the one of this version"
        unavailable = StoreUnavailable(cause=cause, sentence=getattr(error, "sentence", None))
        unavailable.message = f"The store cannot be used: {cause}" if cause else unavailable.message
        raise unavailable from error
    return Health()


@serves(Machines.metrics)
async def metrics(_: ReadMetrics, exchange: Exchange) -> Response:
    """There is nothing personal in it."""
    exchange.caller.ensure_service("metrics:read")
    return Response(exchange.context.metrics.exposition(), media_type=CONTENT_TYPE_LATEST)
