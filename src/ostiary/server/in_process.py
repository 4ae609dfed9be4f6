"""Operations without HTTP: the same handlers, for a process that holds the authority itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ostiary.authority import Authority
from ostiary.contract.operation import Operation
from ostiary.core.caller import Caller
from ostiary.server.addresses import Arrival
from ostiary.server.api import operation_of
from ostiary.server.asgi import Scope
from ostiary.server.callers import Identified
from ostiary.server.context import Context
from ostiary.server.exchange import Exchange
from ostiary.server.feed_readers import Readers
from ostiary.server.guard import ensure_ids
from ostiary.server.metrics import Metrics
from ostiary.server.operations import perform
from ostiary.server.places import Places
from ostiary.server.reading import convert
from ostiary.server.session_parts import SessionParts


async def ask(authority: Authority, caller: Caller, operation_id: str, takes: Mapping[str, Any]) -> Any:
    """What the API would answer `caller`, as it is read back from JSON.

    Args:
        takes: what the operation takes, by name, wherever it would travel.

    Raises:
        InvalidRequest: a field is wrong, unknown or missing; names it.
        OstiaryError: as the operation.
    """
    operation = operation_of(operation_id)
    ensure_ids({name: str(value) for name, value in takes.items() if operation.places.get(name) == "path"})
    asked = convert(dict(takes), operation.takes, is_text=not operation.has_body)
    answer = await perform(operation, asked, _exchange(authority, caller, operation))
    return msgspec.json.decode(msgspec.json.encode(answer))


def _exchange(authority: Authority, caller: Caller, operation: Operation[..., Any, Any]) -> Exchange:
    """One that came from nowhere, by a way that nobody can listen on: what it makes is as for https."""
    metrics = Metrics()
    places = Places(None)
    parts = SessionParts(authority.policy, authority.clock, places)
    context = Context(authority.settings, authority, metrics, places, Readers(metrics), parts)
    scope: Scope = {"type": "http", "method": operation.method, "headers": [], "query_string": b""}
    arrival = Arrival(None, "https", "")
    who = Identified(caller, by_cookie=False)
    return Exchange(context, scope, "", arrival, authority.seen(None, None), identified=who)
