"""A user's own sessions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from ostiary.contract import sessions as contract
from ostiary.contract import shapes
from ostiary.contract.answer import LEFT_OUT
from ostiary.contract.sessions import SessionList, Sessions
from ostiary.core.tree import Extent, in_tree
from ostiary.http.answers import revoked, signed_out, spared
from ostiary.http.exchange import Exchange
from ostiary.http.operations import Reply, serves


@serves(Sessions.list)
async def list_sessions(asked: contract.ListSessions, exchange: Exchange) -> SessionList:
    """Live ones; with those that ended, if asked for."""
    caller = exchange.caller
    if asked.include is None and asked.view is None and asked.application_id is None and caller.sees_places:
        live = await exchange.authority.sessions.list_live(by=caller)
        parts = exchange.context.session_parts.of(live, caller.session_id, asked.stale_after_days)
        return cast("SessionList", parts)
    ended, present = asked.include == "ended", exchange.present
    found = await exchange.authority.sessions.list(by=caller, ended=ended, application_id=asked.application_id)
    below: Mapping[str, int] = {}
    if asked.view == "tree":
        found, below = in_tree(found)
    views = [present.session(one, stale_after_days=asked.stale_after_days, with_ending=ended) for one in found]
    for view in views:
        view.below = below.get(view.id, LEFT_OUT)
    return SessionList(sessions=views)


@serves(Sessions.current)
async def current_session(_: contract.CurrentSession, exchange: Exchange) -> shapes.Session:
    """The one that asks."""
    return exchange.present.session(exchange.caller.ensure_person())


@serves(Sessions.revoke)
async def revoke_session(asked: contract.RevokeSession, exchange: Exchange) -> Reply[shapes.Revoked]:
    """One's own is a sign-out."""
    return await _revoke(asked.session_id, exchange, asked.extent, standing=asked.standing)


@serves(Sessions.delete)
async def delete_session(asked: contract.DeleteSession, exchange: Exchange) -> Reply[shapes.Revoked]:
    """Likewise."""
    return await _revoke(asked.session_id, exchange, "session", standing=False)


async def _revoke(session_id: str, exchange: Exchange, extent: Extent, *, standing: bool) -> Reply[shapes.Revoked]:
    identified = exchange.who
    done = await exchange.authority.sessions.revoke(session_id, by=identified.caller, extent=extent, standing=standing)
    if done.is_own and identified.by_cookie:
        await exchange.authority.sign_out.of(exchange.given.cookies, at=exchange.client)
    content = revoked(session_id, done)
    return signed_out(content, exchange) if done.is_own else Reply(content)


@serves(Sessions.label)
async def label_session(asked: contract.LabelSession, exchange: Exchange) -> shapes.Session:
    """The name is in the answer also for who may not see places."""
    labelled = await exchange.authority.sessions.label(asked.session_id, asked.label, by=exchange.caller)
    view = exchange.present.session(labelled)
    view.label = labelled.label
    return view


@serves(Sessions.revoke_others)
async def revoke_others(_: contract.RevokeOthers, exchange: Exchange) -> Reply[shapes.RevokedOthers]:
    """The caller's own gets a new secret."""
    ended = await exchange.authority.sessions.revoke_others(by=exchange.caller)
    return spared(shapes.RevokedOthers.of(ended), exchange, ended)


@serves(Sessions.revoke_all)
async def revoke_all(asked: contract.RevokeAll, exchange: Exchange) -> Reply[shapes.RevokedAll]:
    """The caller's own, too."""
    ended = await exchange.authority.sessions.revoke_all(
        by=exchange.caller, tokens=asked.tokens, application_id=asked.application_id
    )
    return signed_out(shapes.RevokedAll.of(ended), exchange)
