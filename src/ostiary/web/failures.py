"""Whatever goes wrong on the way to a page becomes a page: what happened, what it means, where to go."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

from litestar import Response
from litestar.connection import ASGIConnection
from litestar.types import Scope

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
from ostiary.server.context import context_of
from ostiary.server.cookies import cookie_for
from ostiary.server.exchange import exchange_of
from ostiary.web import words
from ostiary.web.access import Connection, arrive
from ostiary.web.destinations import HOME, own_path, sign_in_path
from ostiary.web.form_tokens import FormRefused, FormUnbound
from ostiary.web.forms import PageRequest
from ostiary.web.notices import write
from ostiary.web.rendering import back, page
from ostiary.web.visit import Visit, is_kept, keep, visit_of

Answer: TypeAlias = Callable[[Any, Exception], Response[Any]]

PAGE: Final = "page"  # in the `opt` of every handler of a page


@dataclass(frozen=True, slots=True)
class Failure:
    """A page's words."""

    title: str
    text: str


STORE_AWAY: Final = Failure(
    "We can't reach the store right now",
    "Nothing was changed that we know of, and you are still signed in. Try again in a moment.",
)
SESSIONS_AWAY: Final = Failure(
    "Couldn't load your sessions",
    "The store doesn't answer, so we don't know which sessions are live. Nobody was signed out because of it.",
)
UNSURE: Final = Failure(
    "We couldn't confirm that",
    "The store stopped answering. What you asked for may or may not have happened: look at the list once it is back. "
    "Whatever it still shows is still live.",
)
FAULT: Final = Failure("Something went wrong on our side", "It was written to the log. Trying again may help.")
NOTHING: Final = Failure("There is nothing here", "The address may be mistyped, or what it led to is gone.")
_BY_KIND: Final[tuple[tuple[type[OstiaryError], Failure], ...]] = (
    (FormUnbound, Failure("This form came back without its cookie", words.NO_COOKIE)),
    (
        FormRefused,
        Failure(
            "This page was open for too long",
            "It is from before you last signed in or confirmed your password. Nothing was changed. Go back, try again.",
        ),
    ),
    (
        SetupCodeNotFound,
        Failure(
            "This set-up link doesn't work any more",
            "It works once, and for a day. While there is no account yet, starting the server again prints a new link.",
        ),
    ),
    (SessionNotFound, Failure("There is no such session", "It may have been removed meanwhile, or was never yours.")),
    (PlanNotFound, Failure("There is no such plan", "It was forgotten, as plans are after two days, or never was.")),
    (ClientNotFound, Failure("There is no such application", "You have not allowed it, or not any more.")),
    (TokenNotFound, Failure("There is no such CLI token", "It may have been removed meanwhile, or was never yours.")),
)


class Failures:
    """Answers errors with pages where a person waits for one; everything else stays the API's."""

    def __init__(self, problem: Answer) -> None:
        """`problem` is how the API answers: it logs, counts, and knows the status."""
        self._problem = problem

    async def before(self, error: Exception, scope: Scope) -> None:
        """Find out who is here, where the guard did not come to it: an error page too has its sign-out."""
        if not wants_page(scope) or is_kept(scope):
            return
        connection: Connection = ASGIConnection(scope)
        visit = Visit(cookie_for(exchange_of(scope).arrival, context_of(connection).settings))
        if not isinstance(error, StoreUnavailable):
            with contextlib.suppress(OstiaryError):
                visit = await arrive(connection, None)
        keep(scope, visit)

    def __call__(self, request: PageRequest, error: Exception) -> Response[Any]:
        """Answer."""
        if not wants_page(request.scope) or not is_kept(request.scope):
            return self._problem(request, error)
        if isinstance(error, Unauthenticated) and visit_of(request).caller is None:
            return to_sign_in(request)
        problem = self._problem(request, error)
        status = problem.status_code or 500
        failure = _words(request, error, status)
        shown = page(
            request,
            "failure.html",
            status,
            title=failure.title,
            text=failure.text,
            again=request.url.path if request.method == "GET" else HOME,
            request_id=exchange_of(request.scope).request_id if status >= 500 else None,
        )
        for name in ("retry-after", "allow"):
            if name in problem.headers:
                shown.headers[name] = problem.headers[name]
        return shown


def wants_page(scope: Any) -> bool:
    """True if a person waits for the answer: at a page of ours, or where there is nothing and the client reads HTML."""
    handler = scope.get("route_handler")
    if handler is not None:
        return bool(handler.opt.get(PAGE))
    accepted = next((value for name, value in scope["headers"] if name == b"accept"), b"")
    return b"text/html" in accepted and not scope["path"].startswith("/api/")


def to_sign_in(request: PageRequest) -> Response[Any]:
    """Nobody is signed in: to the page that says why, and back here afterwards."""
    if request.method != "GET" and not visit_of(request).credentials:
        visit_of(request).tell(write("signed_out"))
    if request.headers.get("hx-request") == "true":
        shown = urlsplit(request.headers.get("hx-current-url", ""))
        then = own_path(f"{shown.path}?{shown.query}" if shown.query else shown.path)
        return Response(
            b"",
            status_code=401,
            media_type="text/plain",
            headers={"hx-redirect": sign_in_path(then)},
            cookies=visit_of(request).cookies,
        )
    here = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
    then = own_path(here) if request.method == "GET" else HOME
    return back(request, sign_in_path(then))


def _words(request: PageRequest, error: Exception, status: int) -> Failure:
    if isinstance(error, StoreUnavailable):
        if request.method != "GET":
            return UNSURE
        return SESSIONS_AWAY if request.url.path.startswith(HOME) else STORE_AWAY
    for kind, failure in _BY_KIND:
        if isinstance(error, kind):
            return failure
    if isinstance(error, InvalidRequest):
        return Failure("That can't be saved as it is", f"{_sentence(str(error.fields.get('why', error.message)))}")
    if isinstance(error, NotAllowed):
        return Failure("You can't do this here", _sentence(error.message))
    if status == 404:
        return NOTHING
    if status >= 500:
        return FAULT
    return Failure("This request can't be read", _sentence(str(getattr(error, "detail", "") or error)))


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith((".", "!", "?")) else ".")
