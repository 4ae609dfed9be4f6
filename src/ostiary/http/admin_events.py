"""The audit trail, for administrators."""

from __future__ import annotations

from ostiary.contract import events as contract
from ostiary.contract.events import AdminEvents, Event
from ostiary.core.event import EVENT_KINDS, EventKind, Wanted
from ostiary.errors import InvalidRequest
from ostiary.http.cursors import before_event, read_event
from ostiary.http.exchange import Exchange
from ostiary.http.operations import serves
from ostiary.http.spans import instant


@serves(AdminEvents.list)
async def list_events(asked: contract.ListEvents, exchange: Exchange) -> contract.EventPage:
    """The newest first, or from a position on."""
    audit, caller, begin = exchange.authority.audit, exchange.caller, read_event(asked.cursor)
    wanted = Wanted(
        session_id=asked.session_id,
        kinds=_kinds(asked.kind),
        since=instant("since", asked.since),
        until=instant("until", asked.until),
    )
    if asked.order == "oldest":
        start = begin if begin is not None else asked.after or 0
        page = await audit.follow(by=caller, username=asked.user, wanted=wanted, after=start, limit=asked.limit)
    elif asked.after is not None:
        raise InvalidRequest("after", "belongs to order=oldest")
    else:
        page = await audit.list(by=caller, username=asked.user, wanted=wanted, before=begin, limit=asked.limit)
    return contract.EventPage(
        events=[Event.of(event) for event in page.events],
        next_cursor=before_event(page.beyond),
        settled=page.settled,
    )


@serves(AdminEvents.receipt)
async def receipt_of_ending(asked: contract.ReceiptOfEnding, exchange: Exchange) -> contract.Receipt:
    """As a JWS that the published keys verify."""
    return contract.Receipt(receipt=await exchange.authority.receipts.of(asked.event_id, by=exchange.caller))


def _kinds(text: str | None) -> tuple[EventKind, ...]:
    if text is None:
        return ()
    named = [part.strip() for part in text.split(",")]
    known = tuple(kind for kind in EVENT_KINDS if kind in named)
    if unknown := sorted(set(named) - set(known)):
        raise InvalidRequest("kind", f'there is no kind of event "{unknown[0][:64]}"')
    return known
