"""What a request for a page must pass before its handler runs: own origin, own form, somebody signed in."""

from __future__ import annotations

from typing import Final

from ostiary.core.client import Client
from ostiary.core.token import parse
from ostiary.errors import NoCredentials, NotFound, SessionInvalid, Unauthenticated
from ostiary.http.callers import Identified, Presented, identify, presented
from ostiary.http.cookies import accepted_names
from ostiary.http.exchange import Exchange
from ostiary.http.guard import ensure_ids
from ostiary.http.heads import ensure_readable
from ostiary.http.origins import SAFE_METHODS, ensure_own_origin
from ostiary.http.routing import Parameters
from ostiary.web import form_tokens, forms, passing_cookies
from ostiary.web.routing import Page
from ostiary.web.visit import Visit, keep

PASSWORD: Final = "confirm_password"  # the field of the form that asks again


async def admit(exchange: Exchange, page: Page, parameters: Parameters, body: bytes) -> Visit:
    """Let a request through to the handler of its page, with its visit.

    Raises:
        NotAllowed: it changes something, and was not made by a page of ours.
        Unauthenticated: nobody is signed in, and the page needs somebody.
        NotFound: a page of the console, and the caller is no administrator: for them there is nothing here, as the
            contract of the pages says.
        SessionNotFound, TokenNotFound: an id in the path that cannot be one of ours.
        WrongCredentials, TooManyRequests: the password that came along to confirm an act.
    """
    ensure_readable(exchange.scope["query_string"])
    visit = await arrive(exchange, None if page.is_unattended else exchange.client)
    keep(visit)
    if exchange.method not in SAFE_METHODS:
        _ensure_ours(visit, page, body)
    if visit.caller is None and not page.is_public:
        raise visit.refusal or NoCredentials
    if page.is_console and visit.caller is not None and not visit.caller.is_admin:
        raise NotFound
    ensure_ids(parameters)
    if page.steps_up and visit.caller is not None and visit.form.has(PASSWORD):
        visit.hold(await visit.authority.sign_in.reauthenticate(visit.form.text(PASSWORD), by=visit.caller))
        exchange.identified = Identified(visit.caller, by_cookie=True)
    return visit


async def arrive(exchange: Exchange, client: Client | None) -> Visit:
    """Who is here. Pages know the session cookie only: what is sent as a bearer is another door's.

    Raises:
        StoreUnavailable: nothing is known.
    """
    cookie, headers = exchange.cookie, exchange.scope["headers"]
    visit = Visit(exchange, cookie, notice=passing_cookies.held(exchange.scope, "notice", cookie))
    visit.form_secret = passing_cookies.held(exchange.scope, "form", cookie)
    tokens: tuple[str, ...] = ()
    try:
        given = presented(headers, accepted_names(exchange.context.settings))
        tokens = visit.credentials = tuple(text for text in given.cookies if parse(text))
        identified = await identify(exchange.authority, Presented(None, given.cookies), client)
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


def _ensure_ours(visit: Visit, page: Page, body: bytes) -> None:
    exchange = visit.exchange
    ensure_own_origin(exchange.headers, exchange.arrival, exchange.context.settings.public_url, must_say=True)
    visit.form = forms.read(exchange.headers.get("content-type"), body)
    if visit.caller is None and not visit.credentials:
        # Signed out in another tab, and with that what the form was written under is gone.
        if not page.is_public:
            raise NoCredentials
        if page.leaves:
            return
    form_tokens.ensure_ours(visit.form.text(form_tokens.FIELD), visit.secrets)
