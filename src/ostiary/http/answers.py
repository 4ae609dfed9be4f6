"""Answers that set or clear the cookie."""

from __future__ import annotations

from typing import TypeVar

from ostiary.authority import RevokedMany, Started
from ostiary.authority.results import Revoked
from ostiary.contract import shapes
from ostiary.core.account import User
from ostiary.http.cookies import CLEAR_SITE_DATA, marking
from ostiary.http.exchange import Exchange
from ostiary.http.operations import Reply

T = TypeVar("T")
Spared = TypeVar("Spared", shapes.RevokedOthers, shapes.PasswordChanged)


def signed_in(exchange: Exchange, user: User, started: Started, *, by_cookie: bool) -> Reply[shapes.SignedIn]:
    """A session that was started or renewed: its token in the cookie, or in the body where it is none's."""
    content = exchange.present.signed_in(user, started, with_token=not by_cookie)
    if not by_cookie:
        return Reply(content)
    marks = [marking(started.mark, exchange.cookie)] if started.mark is not None else []
    return Reply(content, {"set-cookie": exchange.holding(started)}, marks)


def spared(content: Spared, exchange: Exchange, done: RevokedMany) -> Reply[Spared]:
    """The caller's own session goes on under a new secret, held as the old one was."""
    if done.renewed is None:
        return Reply(content)
    if exchange.who.by_cookie:
        return Reply(content, {"set-cookie": exchange.holding(done.renewed)})
    content.token = done.renewed.token
    return Reply(content)


def revoked(session_id: str, done: Revoked) -> shapes.Revoked:
    """What an ending of one session came to."""
    return shapes.Revoked(
        id=session_id, is_current=done.is_own, live_tokens=done.live_tokens, live_standing=done.live_standing
    )


def signed_out(content: T, exchange: Exchange) -> Reply[T]:
    """The caller's own session has ended: nothing of it stays in the browser. A bearer has nothing to clear."""
    if exchange.identified is not None and not exchange.identified.by_cookie:
        return Reply(content)
    return Reply(content, {"set-cookie": exchange.cookie.cleared, "clear-site-data": CLEAR_SITE_DATA})
