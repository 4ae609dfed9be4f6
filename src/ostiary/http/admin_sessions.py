"""Anybody's sessions, for administrators."""

from __future__ import annotations

from msgspec import structs

from ostiary.contract import admin_sessions as contract
from ostiary.contract import shapes
from ostiary.contract.admin_sessions import AdminSessions
from ostiary.core.selector import FILTERS, parse
from ostiary.http.answers import revoked
from ostiary.http.cursors import after_session, read_session
from ostiary.http.exchange import Exchange
from ostiary.http.operations import serves
from ostiary.http.spans import duration


@serves(AdminSessions.search)
async def search_sessions(asked: contract.SearchSessions, exchange: Exchange) -> contract.SessionPage:
    """What each filter may be is decided by the core's selector."""
    where = parse({name: value for name, value in structs.asdict(asked).items() if name in FILTERS})
    page = await exchange.authority.administration.search(
        where, by=exchange.caller, sort=asked.sort, after=read_session(asked.cursor), limit=asked.limit
    )
    present = exchange.present
    return contract.SessionPage(
        sessions=[present.admin_session(session, page.usernames.get(session.user_id)) for session in page.sessions],
        next_cursor=after_session(page.after),
        count=page.count,
    )


@serves(AdminSessions.revoke)
async def revoke_any_session(asked: contract.RevokeAnySession, exchange: Exchange) -> shapes.Revoked:
    """With the reason `admin`."""
    done = await exchange.authority.administration.revoke(
        asked.session_id, by=exchange.caller, extent=asked.extent, standing=asked.standing
    )
    return revoked(asked.session_id, done)


@serves(AdminSessions.start)
async def mint_session(asked: contract.MintSession, exchange: Exchange) -> contract.Minted:
    """The cookie is shown this once."""
    started = await exchange.authority.administration.mint(
        asked.username,
        by=exchange.caller,
        expire_after=duration("expire_after", asked.expire_after),
        label=asked.label,
        application_id=asked.application_id,
        reason=asked.reason,
    )
    return contract.Minted(
        username=asked.username,
        session=exchange.present.session(started.session),
        cookie=exchange.cookie.holding(started.token),
    )
