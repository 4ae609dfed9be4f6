"""Whatever goes wrong on the way to a page becomes a page: what happened, what it means, where to go."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from starlette.responses import Response

from ostiary.errors import (
    ClientNotFound,
    InvalidRequest,
    NotAllowed,
    OstiaryError,
    PlanNotFound,
    SessionNotFound,
    SetupCodeNotFound,
    StoreUnavailable,
    TokenNotFound,
    Unauthenticated,
)
from ostiary.errors.translatable import translatable
from ostiary.http import failures
from ostiary.http.exchange import Exchange
from ostiary.http.failures import noted
from ostiary.http.problems import BadRequest
from ostiary.web import words
from ostiary.web.access import arrive
from ostiary.web.destinations import HOME, own_path, sign_in_path
from ostiary.web.form_tokens import FormRefused, FormUnbound
from ostiary.web.language import gettext, preferred, sentence, speak
from ostiary.web.notices import write
from ostiary.web.rendering import back, page
from ostiary.web.visit import Visit, keep, visit_of


@dataclass(frozen=True, slots=True)
class Failure:
    """A page's words, in English until it is shown."""

    title: str
    text: str


STORE_AWAY: Final = Failure(
    translatable("We can't reach the store right now"),
    translatable("Nothing was changed that we know of, and you are still signed in. Try again in a moment."),
)
SESSIONS_AWAY: Final = Failure(
    translatable("Couldn't load your sessions"),
    translatable(
        "The store doesn't answer, so we don't know which sessions are live. Nobody was signed out because of it."
    ),
)
UNSURE: Final = Failure(
    translatable("We couldn't confirm that"),
    translatable(
        "The store stopped answering. What you asked for may or may not have happened: look at the list once it is "
        "back. Whatever it still shows is still live."
    ),
)
FAULT: Final = Failure(
    translatable("Something went wrong on our side"), translatable("It was written to the log. Trying again may help.")
)
NOTHING: Final = Failure(
    translatable("There is nothing here"), translatable("The address may be mistyped, or what it led to is gone.")
)
_OF_YOURS: Final = translatable("It may have been removed meanwhile, or was never yours.")
_BY_KIND: Final[tuple[tuple[type[OstiaryError], Failure], ...]] = (
    (FormUnbound, Failure(translatable("This form came back without its cookie"), words.NO_COOKIE)),
    (
        FormRefused,
        Failure(
            translatable("This page was open for too long"),
            translatable(
                "It is from before you last signed in or confirmed your password. Nothing was changed. Go back, try "
                "again."
            ),
        ),
    ),
    (
        SetupCodeNotFound,
        Failure(
            translatable("This set-up link doesn't work any more"),
            translatable(
                "It works once, and for a day. While there is no account yet, starting the server again prints a new "
                "link."
            ),
        ),
    ),
    (SessionNotFound, Failure(translatable("There is no such session"), _OF_YOURS)),
    (
        PlanNotFound,
        Failure(
            translatable("There is no such plan"),
            translatable("It was forgotten, as plans are after two days, or never was."),
        ),
    ),
    (
        ClientNotFound,
        Failure(
            translatable("There is no such application"), translatable("You have not allowed it, or not any more.")
        ),
    ),
    (TokenNotFound, Failure(translatable("There is no such CLI token"), _OF_YOURS)),
)
# What cannot be done as it was asked for; the text says why.
_UNREADABLE: Final = translatable("This request can't be read")
_UNFIT: Final = translatable("That can't be saved as it is")
_NOT_HERE: Final = translatable("You can't do this here")


async def failed(exchange: Exchange, error: Exception) -> Response:
    """Where a person waits for an answer: a page, with the sign-out that every page has."""
    speak(preferred(exchange.headers.get("accept-language")))
    visit = visit_of(exchange) or await _find_out(exchange, error)
    if isinstance(error, Unauthenticated) and visit.caller is None:
        exchange.code = error.code
        return to_sign_in(visit)
    known = noted(exchange, error)
    failure = _words(visit, known)
    shown = page(
        visit,
        "failure.html",
        known.status,
        title=gettext(failure.title),
        text=sentence(failure.text),
        again=visit.path if exchange.method == "GET" else HOME,
        request_id=exchange.request_id if known.status >= 500 else None,
    )
    problem = failures.problem(exchange, known)
    for name in ("retry-after", "allow"):
        if name in problem.headers:
            shown.headers[name] = problem.headers[name]
    return shown


async def nothing(exchange: Exchange, error: Exception) -> Response:
    """Where no route is: a page for who reads HTML, the API's answer for everybody else."""
    is_read = "text/html" in exchange.headers.get("accept", "") and not exchange.scope["path"].startswith("/api/")
    return await (failed if is_read else failures.failed)(exchange, error)


async def _find_out(exchange: Exchange, error: Exception) -> Visit:
    """Who is here, where nobody came to it yet."""
    visit = Visit(exchange, exchange.cookie)
    if not isinstance(error, StoreUnavailable):
        with contextlib.suppress(OstiaryError):
            visit = await arrive(exchange, None)
    keep(visit)
    return visit


def to_sign_in(visit: Visit) -> Response:
    """Nobody is signed in: to the page that says why, and back here afterwards."""
    method, headers = visit.exchange.method, visit.exchange.headers
    if method != "GET" and not visit.credentials:
        visit.tell(write("signed_out"))
    if headers.get("hx-request") == "true":
        shown = urlsplit(headers.get("hx-current-url", ""))
        then = own_path(f"{shown.path}?{shown.query}" if shown.query else shown.path)
        return visit.respond(
            Response(status_code=401, headers={"hx-redirect": sign_in_path(then)}, media_type="text/plain")
        )
    query = visit.exchange.scope["query_string"].decode("latin-1")
    then = own_path(f"{visit.path}?{query}" if query else visit.path) if method == "GET" else HOME
    return back(visit, sign_in_path(then))


def _words(visit: Visit, error: OstiaryError) -> Failure:
    if isinstance(error, StoreUnavailable):
        if visit.exchange.method != "GET":
            return UNSURE
        return SESSIONS_AWAY if visit.path.startswith(HOME) else STORE_AWAY
    for kind, failure in _BY_KIND:
        if isinstance(error, kind):
            return failure
    if isinstance(error, BadRequest):
        return Failure(_UNREADABLE, error.shown)
    if isinstance(error, InvalidRequest):
        return Failure(_UNFIT, error.shown)
    if isinstance(error, NotAllowed):
        return Failure(_NOT_HERE, error.shown)
    if error.status == 404:
        return NOTHING
    return FAULT if error.status >= 500 else Failure(_UNREADABLE, error.shown)
