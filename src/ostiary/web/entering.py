"""Signing in, and the first administrator's set-up."""

from __future__ import annotations

from typing import Any

from litestar import Response, Router, get, post

from ostiary.authority import Beginning
from ostiary.errors import (
    InvalidRequest,
    LimitReached,
    NotAllowed,
    OstiaryError,
    SessionInvalid,
    SetupCodeNotFound,
    TooManyRequests,
    WrongCredentials,
)
from ostiary.server.callers import MixedCredentials
from ostiary.web import returning, words
from ostiary.web.access import PUBLIC
from ostiary.web.destinations import HOME
from ostiary.web.form_tokens import FormRefused, FormUnbound
from ostiary.web.forms import PageRequest
from ostiary.web.given import Again, Code, Next, OurAuthority, Visitor
from ostiary.web.notices import write
from ostiary.web.rendering import back, page
from ostiary.web.times import counted
from ostiary.web.visit import visit_of


@get("/")
async def home(request: PageRequest) -> Response[bytes]:
    """To the sessions; nobody signed in is led on from there."""
    return back(request, HOME if visit_of(request).caller else "/sign-in")


@get("/sign-in")
async def sign_in_page(request: PageRequest, then: Next = None, again: Again = False) -> Response[Any]:
    """The form, with the reason when the session of this browser has ended.

    With `again` also for somebody who is signed in: an application wants a fresher sign-in than theirs.
    """
    visit = visit_of(request)
    destination = returning.destination(request, then)
    if visit.caller is not None and not again:
        return back(request, destination)
    await returning.allow(request, destination)
    return _sign_in_form(request, destination, farewell=_farewell(visit.refusal))


def sign_in_again(request: PageRequest, error: OstiaryError) -> Response[bytes]:
    """The form once more, with what was wrong; never with the password."""
    return _sign_in_form(request, returning.destination(request, visit_of(request).form.text("next")), error=error)


def _sign_in_form(
    request: PageRequest, then: str, *, farewell: str | None = None, error: OstiaryError | None = None
) -> Response[bytes]:
    visit = visit_of(request)
    answer = page(
        request,
        "sign_in.html",
        error.status if error else 200,
        next=then,
        farewell=farewell,
        error=_why_not(error) if error else None,
        username=visit.form.text("username")[:256],
        is_plain=visit.cookie.is_refused,
    )
    if isinstance(error, TooManyRequests):
        answer.headers["retry-after"] = str(error.fields["retry_after"])
    return answer


@post(
    "/sign-in",
    exception_handlers=dict.fromkeys(
        (FormRefused, InvalidRequest, LimitReached, SessionInvalid, TooManyRequests, WrongCredentials), sign_in_again
    ),
)
async def sign_in(request: PageRequest, authority: OurAuthority, client: Visitor) -> Response[bytes]:
    """Start a session. Those that this browser held before end, as the browser forgets them."""
    visit = visit_of(request)
    visit.cookie.ensure_may_be_set()
    form = visit.form
    destination = returning.destination(request, form.text("next"))
    await returning.allow(request, destination)
    _, started = await authority.sign_in.with_password(form.text("username"), form.text("password"), client=client)
    await authority.sign_out.of(visit.credentials, at=client)
    visit.hold(started)
    return back(request, destination)


@get("/setup")
async def setup_page(request: PageRequest, authority: OurAuthority, code: Code = "") -> Response[bytes]:
    """The form, while the link works. Looking does not use it up."""
    if not await authority.setup.is_open(code):
        raise SetupCodeNotFound
    return _setup_form(request, code)


def setup_again(request: PageRequest, error: OstiaryError) -> Response[bytes]:
    """The form once more, with what was wrong."""
    return _setup_form(request, visit_of(request).form.text("code")[:128], error)


def _setup_form(request: PageRequest, code: str, error: OstiaryError | None = None) -> Response[bytes]:
    visit = visit_of(request)
    return page(
        request,
        "setup.html",
        error.status if error else 200,
        code=code,
        error=_why_not(error) if error else None,
        field=error.fields.get("field") if error else None,
        username=visit.form.text("username")[:256],
        email=visit.form.text("email")[:256],
        is_plain=visit.cookie.is_refused,
    )


@post("/setup", exception_handlers={FormRefused: setup_again, InvalidRequest: setup_again})
async def set_up(request: PageRequest, authority: OurAuthority, client: Visitor) -> Response[bytes]:
    """Make the first administrator, and sign them in."""
    visit = visit_of(request)
    visit.cookie.ensure_may_be_set()
    form = visit.form
    user = await authority.setup.complete(
        form.text("code"), form.text("username"), form.text("password"), client=client, email=form.text("email")
    )
    await authority.sign_out.of(visit.credentials, at=client)
    began = Beginning.of_new(user.id)
    visit.hold(await authority.sessions.start(user.id, client=client, kind="browser", amr=("pwd",), began=began))
    return back(request, HOME, write("welcome"))


def _farewell(refusal: OstiaryError | None) -> str | None:
    if isinstance(refusal, MixedCredentials):
        return words.TWO_PEOPLE
    return words.farewell(refusal) if refusal else None


def _why_not(error: OstiaryError) -> str:
    if isinstance(error, TooManyRequests):
        minutes = -(-int(str(error.fields["retry_after"])) // 60)
        return (
            f"Too many failed attempts. Wait {counted(minutes, 'minute')} before you guess again; "
            "the right password works at any time."
        )
    if isinstance(error, LimitReached):
        return "You are signed in on as many devices as you may. End a session on one of them first."
    if isinstance(error, WrongCredentials):
        return "The username or the password is wrong."
    if isinstance(error, InvalidRequest):
        why = str(error.fields.get("why", error.message))
        return f"{why[:1].upper()}{why[1:]}."
    if isinstance(error, FormUnbound):
        return words.NO_COOKIE
    if isinstance(error, NotAllowed):
        return "This page was open for too long. Try again."
    return f"{error.message[:1].upper()}{error.message[1:]}."


router = Router(
    "/",
    route_handlers=[home, sign_in_page, sign_in, setup_page, set_up],
    opt={PUBLIC: True},
)
