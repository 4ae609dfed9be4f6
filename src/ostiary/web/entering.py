"""Signing in, and the first administrator's set-up."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta
from starlette.responses import Response

from ostiary.authority import Beginning
from ostiary.core.browser import Browser
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
from ostiary.http.callers import MixedCredentials
from ostiary.http.cookies import sent_mark
from ostiary.web import phrases, returning, words
from ostiary.web.destinations import HOME
from ostiary.web.form_tokens import FormRefused, FormUnbound
from ostiary.web.language import gettext, ngettext, sentence
from ostiary.web.notices import write
from ostiary.web.rendering import back, page
from ostiary.web.routing import Nothing, PageTakes, get, post
from ostiary.web.visit import Visit


class SignInTakes(PageTakes):
    """Where a sign-in leads, and whether somebody who is signed in is asked, too."""

    next: str | None = None
    again: bool = False


class SetupTakes(PageTakes):
    """The code of the one-time link."""

    code: Annotated[str, Meta(max_length=128)] = ""


@get("/", Nothing, public=True)
async def home(visit: Visit, _: Nothing) -> Response:
    """To the sessions; nobody signed in is led on from there."""
    return back(visit, HOME if visit.caller else "/sign-in")


@get("/sign-in", SignInTakes, public=True)
async def sign_in_page(visit: Visit, asked: SignInTakes) -> Response:
    """The form, with the reason when the session of this browser has ended.

    With `asked.again` also for somebody who is signed in: an application wants a fresher sign-in than theirs.
    """
    destination = returning.destination(visit, asked.next)
    if visit.caller is not None and not asked.again:
        return back(visit, destination)
    await returning.allow(visit, destination)
    return _sign_in_form(visit, destination, farewell=_farewell(visit.refusal))


def sign_in_again(visit: Visit, error: OstiaryError) -> Response:
    """The form once more, with what was wrong; never with the password."""
    return _sign_in_form(visit, returning.destination(visit, visit.form.text("next")), error=error)


def _sign_in_form(
    visit: Visit, then: str, *, farewell: str | None = None, error: OstiaryError | None = None
) -> Response:
    answer = page(
        visit,
        "sign_in.html",
        error.status if error else 200,
        next=then,
        farewell=farewell,
        error=_why_not(error) if error else None,
        username=(visit.form.text("username") or _hinted(then))[:256],
        is_plain=visit.cookie.is_refused,
        may_stay=visit.authority.policy.may_stay,
        stays=visit.form.has("stay"),
    )
    if isinstance(error, TooManyRequests):
        answer.headers["retry-after"] = str(error.fields["retry_after"])
    return answer


@post(
    "/sign-in",
    Nothing,
    public=True,
    again=dict.fromkeys(
        (FormRefused, InvalidRequest, LimitReached, SessionInvalid, TooManyRequests, WrongCredentials), sign_in_again
    ),
)
async def sign_in(visit: Visit, _: Nothing) -> Response:
    """Start a session. It takes the place of what this browser held."""
    visit.cookie.ensure_may_be_set()
    form = visit.form
    destination = returning.destination(visit, form.text("next"))
    await returning.allow(visit, destination)
    _user, started = await visit.authority.sign_in.with_password(
        form.text("username"),
        form.text("password"),
        client=visit.client,
        browser=Browser(visit.credentials, sent_mark(visit.exchange.scope["headers"], visit.cookie), form.has("stay")),
    )
    visit.hold(started)
    return back(visit, destination)


@get("/setup", SetupTakes, public=True)
async def setup_page(visit: Visit, asked: SetupTakes) -> Response:
    """The form, while the link works. Looking does not use it up."""
    if not await visit.authority.setup.is_open(asked.code):
        raise SetupCodeNotFound
    return _setup_form(visit, asked.code)


def setup_again(visit: Visit, error: OstiaryError) -> Response:
    """The form once more, with what was wrong."""
    return _setup_form(visit, visit.form.text("code")[:128], error)


def _setup_form(visit: Visit, code: str, error: OstiaryError | None = None) -> Response:
    return page(
        visit,
        "setup.html",
        error.status if error else 200,
        code=code,
        error=_why_not(error) if error else None,
        field=error.fields.get("field") if error else None,
        username=visit.form.text("username")[:256],
        email=visit.form.text("email")[:256],
        is_plain=visit.cookie.is_refused,
    )


@post("/setup", Nothing, public=True, again={FormRefused: setup_again, InvalidRequest: setup_again})
async def set_up(visit: Visit, _: Nothing) -> Response:
    """Make the first administrator, and sign them in."""
    visit.cookie.ensure_may_be_set()
    form = visit.form
    user = await visit.authority.setup.complete(
        form.text("code"), form.text("username"), form.text("password"), client=visit.client, email=form.text("email")
    )
    await visit.authority.sign_out.of(visit.credentials, at=visit.client)
    began = Beginning.of_new(user.id)
    visit.hold(
        await visit.authority.sessions.start(user.id, client=visit.client, kind="browser", amr=("pwd",), began=began)
    )
    return back(visit, HOME, write("welcome"))


def _hinted(then: str) -> str:
    """Who the application that waits thinks is signing in (OIDC Core 3.1.2.1, `login_hint`)."""
    return returning.request_in(then).get("login_hint", "")


def _farewell(refusal: OstiaryError | None) -> str | None:
    if isinstance(refusal, MixedCredentials):
        return gettext(words.TWO_PEOPLE)
    return phrases.farewell(refusal) if refusal else None


def _why_not(error: OstiaryError) -> str:
    if isinstance(error, TooManyRequests):
        return ngettext(
            "Too many failed attempts. Wait %(num)s minute before you guess again; "
            "the right password works at any time.",
            "Too many failed attempts. Wait %(num)s minutes before you guess again; "
            "the right password works at any time.",
            -(-int(str(error.fields["retry_after"])) // 60),
        )
    if isinstance(error, LimitReached):
        return gettext("You are signed in on as many devices as you may. End a session on one of them first.")
    if isinstance(error, FormUnbound):
        return gettext(words.NO_COOKIE)
    if isinstance(error, NotAllowed):
        return gettext("This page was open for too long. Try again.")
    return sentence(error.shown)
