"""Operations without HTTP: the same handlers, for a process that holds the authority itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ostiary.authority import Authority
from ostiary.contract.operation import Operation
from ostiary.core.caller import Caller
from ostiary.http.addresses import Arrival
from ostiary.http.api import operation_of
from ostiary.http.asgi import Scope
from ostiary.http.callers import Identified
from ostiary.http.context import Context
from ostiary.http.exchange import Exchange
from ostiary.http.feed_readers import Readers
from ostiary.http.guard import ensure_ids
from ostiary.http.metrics import Metrics
from ostiary.http.operations import perform
from ostiary.http.places import Places
from ostiary.http.reading import convert
from ostiary.http.session_parts import SessionParts


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
