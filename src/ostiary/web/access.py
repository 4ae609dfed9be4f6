"""What a request for a page must pass before its handler runs: own origin, own form, somebody signed in."""

from __future__ import annotations

from typing import Any, Final, TypeAlias, cast

from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler

from ostiary.core.client import Client
from ostiary.core.token import is_id, parse
from ostiary.errors import (
    ClientNotFound,
    NoCredentials,
    OstiaryError,
    PlanNotFound,
    SessionInvalid,
    SessionNotFound,
    TokenNotFound,
    Unauthenticated,
)
from ostiary.server.callers import Identified, Presented, identify, presented
from ostiary.server.context import context_of
from ostiary.server.cookies import accepted_names, cookie_for
from ostiary.server.exchange import exchange_of
from ostiary.server.heads import ensure_readable
from ostiary.server.origins import SAFE_METHODS, ensure_own_origin
from ostiary.web import form_tokens, forms, passing_cookies
from ostiary.web.visit import Visit, keep

Connection: TypeAlias = ASGIConnection[Any, Any, Any, Any]

# What a handler may say of itself, in its `opt`.
PUBLIC: Final = "public"  # works without anybody signed in
UNATTENDED: Final = "unattended"  # a script asks, no person: it must not count as use, or an open page would never idle
LEAVES: Final = "leaves"  # signs out: where nobody is signed in, there is nothing that a form could do
STEPS_UP: Final = "steps_up"  # may come with the password, when the authority asked for it

PASSWORD: Final = "confirm_password"  # the field of the form that asks again

_IDS: Final[dict[str, type[OstiaryError]]] = {
    "session_id": SessionNotFound,
    "token_id": TokenNotFound,
    "client_id": ClientNotFound,
    "plan_id": PlanNotFound,
}


async def guard(connection: Connection, handler: BaseRouteHandler) -> None:
    """Let a request through to its handler, with its visit.

    Raises:
        NotAllowed: it changes something, and was not made by a page of ours.
        Unauthenticated: nobody is signed in, and the page needs somebody.
        SessionNotFound, TokenNotFound: an id in the path that cannot be one of ours.
        WrongCredentials, TooManyRequests: the password that came along to confirm an act.
    """
    method = str(connection.scope["method"])  # type: ignore[typeddict-item]  # there are no websockets
    if method == "OPTIONS":
        return
    ensure_readable(connection.scope["query_string"])
    visit = await arrive(connection, None if handler.opt.get(UNATTENDED) else exchange_of(connection.scope).client)
    keep(connection.scope, visit)
    if method not in SAFE_METHODS:
        await _ensure_ours(connection, visit, handler)
    if visit.caller is None and not handler.opt.get(PUBLIC):
        raise visit.refusal or NoCredentials
    for name, error in _IDS.items():
        if name in connection.path_params and not is_id(connection.path_params[name]):
            raise error
    if handler.opt.get(STEPS_UP) and visit.caller is not None and visit.form.has(PASSWORD):
        authority = context_of(connection).authority
        visit.hold(await authority.sign_in.reauthenticate(visit.form.text(PASSWORD), by=visit.caller))
        exchange_of(connection.scope).identified = Identified(visit.caller, by_cookie=True)


async def arrive(connection: Connection, client: Client | None) -> Visit:
    """Who is here. Pages know the session cookie only: what is sent as a bearer is another door's.

    Raises:
        StoreUnavailable: nothing is known.
    """
    context, exchange = context_of(connection), exchange_of(connection.scope)
    cookie = cookie_for(exchange.arrival, context.settings)
    visit = Visit(cookie, notice=passing_cookies.held(connection.scope, "notice", cookie))
    visit.form_secret = passing_cookies.held(connection.scope, "form", cookie)
    tokens: tuple[str, ...] = ()
    try:
        given = presented(connection.scope["headers"], accepted_names(context.settings))
        tokens = visit.credentials = tuple(text for text in given.cookies if parse(text))
        identified = await identify(context.authority, Presented(None, given.cookies), client)
        if identified.caller.session is None:
            raise SessionInvalid
        visit.caller = identified.caller
        exchange.identified = identified
    except Unauthenticated as why:
        visit.refusal = why
    own = [text for text in tokens if visit.caller is not None and text.startswith(f"{visit.caller.session_id}.")]
    # A form that was written for a session that has ended meanwhile is still ours: it leads to the sign-in page.
    visit.secrets = tuple(dict.fromkeys([*own, *([visit.form_secret] if visit.form_secret else []), *tokens]))
    return visit


async def _ensure_ours(connection: Connection, visit: Visit, handler: BaseRouteHandler) -> None:
    exchange, settings = exchange_of(connection.scope), context_of(connection).settings
    ensure_own_origin(connection.headers, exchange.arrival, settings.public_url, must_say=True)
    visit.form = await forms.read(cast("forms.PageRequest", connection))
    if visit.caller is None and not visit.credentials:
        # Signed out in another tab, and with that what the form was written under is gone.
        if not handler.opt.get(PUBLIC):
            raise NoCredentials
        if handler.opt.get(LEAVES):
            return
    form_tokens.ensure_ours(visit.form.text(form_tokens.FIELD), visit.secrets)
