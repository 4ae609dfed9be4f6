"""The authorization endpoint (RFC 6749 3.1): a person signs in, agrees if need be, and goes back with a code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litestar import Response, Router, get, post
from litestar.di import NamedDependency

from ostiary.authority import Authority
from ostiary.authority.oauth.authorization import Destination
from ostiary.core.duration import format_duration
from ostiary.core.oauth.fields import code_of, read_fields
from ostiary.core.oauth.request import AuthorizationRequest
from ostiary.errors import (
    AccessDenied,
    ClientNotFound,
    ConsentRequired,
    InvalidRequest,
    LoginRequired,
    OAuthError,
    OstiaryError,
    ReauthenticationRequired,
    TooManyRequests,
    WrongCredentials,
)
from ostiary.server.context import context_of
from ostiary.web import returning, words
from ostiary.web.access import PASSWORD, PUBLIC, STEPS_UP
from ostiary.web.destinations import sign_in_path
from ostiary.web.forms import PageRequest
from ostiary.web.rendering import back, page
from ostiary.web.returning import PACKED, PATH
from ostiary.web.visit import visit_of


@get(PATH)
async def authorize(request: PageRequest, authority: NamedDependency[Authority]) -> Response[Any]:
    """Where a client sends its user."""
    try:
        asked = _asked(request)
        destination = await authority.oauth.authorization.destination(asked)
    except (ClientNotFound, InvalidRequest) as why:
        return _astray(request, why)
    return await _answer(request, authority, asked, destination)


def password_again(request: PageRequest, error: OstiaryError) -> Response[Any]:
    """The form that asks for the password, once more."""
    packed = visit_of(request).form.text(PACKED)
    too_many = "Too many failed attempts. Wait a moment before you try again."
    return _confirm(request, packed, too_many if isinstance(error, TooManyRequests) else "That is not your password.")


@post(
    PATH,
    opt={STEPS_UP: True},
    exception_handlers={WrongCredentials: password_again, TooManyRequests: password_again},
)
async def decide(request: PageRequest, authority: NamedDependency[Authority]) -> Response[Any]:
    """What the person answered on one of the two pages below."""
    form = visit_of(request).form
    try:
        asked = returning.unpack(form.text(PACKED))
        destination = await authority.oauth.authorization.destination(asked)
    except (ClientNotFound, InvalidRequest) as why:
        return _astray(request, why)
    if form.text("decision") == "no":
        return _refused(request, authority, asked, destination, AccessDenied())
    agreed, confirmed = form.text("decision") == "yes", form.has(PASSWORD)
    return await _answer(request, authority, asked, destination, agreed=agreed, confirmed=confirmed)


async def _answer(
    request: PageRequest,
    authority: Authority,
    asked: dict[str, str],
    destination: Destination,
    *,
    agreed: bool = False,
    confirmed: bool = False,
) -> Response[Any]:
    visit = visit_of(request)
    visit.form_targets = (returning.target(destination.redirect_uri),)
    try:
        wanted = destination.read(asked)
    except (OAuthError, InvalidRequest) as why:
        return _refused(request, authority, asked, destination, why)
    silent = "none" in wanted.prompt
    if visit.caller is None:
        if silent:
            return _refused(request, authority, asked, destination, LoginRequired())
        return back(request, sign_in_path(returning.path_of(_fresh(asked))))
    try:
        code = await authority.oauth.authorization.grant(wanted, by=visit.caller, agreed=agreed, confirmed=confirmed)
    except ReauthenticationRequired:
        if silent:
            return _refused(request, authority, asked, destination, LoginRequired())
        return _confirm(request, returning.pack(asked))
    except ConsentRequired as why:
        if silent:
            return _refused(request, authority, asked, destination, why)
        # The password that was just given stays good for the answer on the next page.
        return _consent(request, returning.pack(_fresh(asked) if confirmed else asked), wanted)
    except OAuthError as why:
        return _refused(request, authority, asked, destination, why)
    answer = {"code": code, "state": wanted.state, "iss": authority.oauth.issuer}  # `iss`: RFC 9207
    return returning.send(request, wanted.redirect_uri, answer)


def _refused(
    request: PageRequest,
    authority: Authority,
    asked: Mapping[str, str],
    destination: Destination,
    why: OstiaryError,
) -> Response[Any]:
    if visit_of(request).caller is None and destination.client.third_party and not isinstance(why, LoginRequired):
        # Anybody can write such a link. It must not lead a person who is not known to an address of a stranger's
        # choice (RFC 9700 4.11.2); to `prompt=none` it may, which no person sees (OIDC Core 3.1.2.6).
        return _astray(request, why)
    answer = {
        "error": code_of(why),
        "error_description": why.message,
        "state": asked.get("state"),
        "iss": authority.oauth.issuer,
    }
    return returning.send(request, destination.redirect_uri, answer)


def _consent(request: PageRequest, packed: str, wanted: AuthorizationRequest) -> Response[bytes]:
    """What a third party would get, and for how long (ASVS 5.0 10.7.1)."""
    return page(
        request,
        "consent.html",
        name=wanted.client.name,
        home=returning.target(wanted.redirect_uri),
        scopes=[words.APPLICATION_SCOPES[scope] for scope in wanted.scopes],
        lifetime=format_duration(context_of(request).authority.policy.lifetime),
        packed=packed,
    )


def _confirm(request: PageRequest, packed: str, error: str | None = None) -> Response[bytes]:
    return page(
        request,
        "step_up.html",
        401 if error else 200,
        act="go on to the application",
        fields=[(PACKED, packed)],
        error=error,
    )


def _astray(request: PageRequest, why: OstiaryError) -> Response[bytes]:
    """Nobody knows whom to send the person back to, so nobody is (RFC 6749 4.1.2.1)."""
    return page(
        request,
        "failure.html",
        400,
        title="This application sent you here wrongly",
        text=f"Its request cannot be answered: {why.message}. Nothing was shared with it.",
        again="/",
        request_id=None,
    )


def _asked(request: PageRequest) -> dict[str, str]:
    fields = read_fields(request.scope["query_string"])
    return returning.unpack(fields[PACKED]) if PACKED in fields else fields


def _fresh(asked: Mapping[str, str]) -> dict[str, str]:
    """The same request after its user has signed in, as far as it asks for that."""
    prompt = " ".join(word for word in asked.get("prompt", "").split() if word != "login")
    return {name: value for name, value in {**asked, "prompt": prompt}.items() if value and name != "max_age"}


router = Router("/", route_handlers=[authorize, decide], opt={PUBLIC: True})
