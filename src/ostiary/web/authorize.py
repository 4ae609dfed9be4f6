"""The authorization endpoint (RFC 6749 3.1): a person signs in, agrees if need be, and goes back with a code."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import Response

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
from ostiary.web import returning, words
from ostiary.web.access import PASSWORD
from ostiary.web.destinations import sign_in_path
from ostiary.web.rendering import back, page
from ostiary.web.returning import PACKED, PATH
from ostiary.web.routing import Nothing, get, post
from ostiary.web.visit import Visit


@get(PATH, Nothing, public=True)
async def authorize(visit: Visit, _: Nothing) -> Response:
    """Where a client sends its user."""
    try:
        asked = _asked(visit)
        destination = await visit.authority.oauth.authorization.destination(asked)
    except (ClientNotFound, InvalidRequest) as why:
        return _astray(visit, why)
    return await _answer(visit, asked, destination)


def password_again(visit: Visit, error: OstiaryError) -> Response:
    """The form that asks for the password, once more."""
    packed = visit.form.text(PACKED)
    too_many = "Too many failed attempts. Wait a moment before you try again."
    return _confirm(visit, packed, too_many if isinstance(error, TooManyRequests) else "That is not your password.")


@post(
    PATH, Nothing, public=True, steps_up=True, again={WrongCredentials: password_again, TooManyRequests: password_again}
)
async def decide(visit: Visit, _: Nothing) -> Response:
    """What the person answered on one of the two pages below."""
    form = visit.form
    try:
        asked = returning.unpack(form.text(PACKED))
        destination = await visit.authority.oauth.authorization.destination(asked)
    except (ClientNotFound, InvalidRequest) as why:
        return _astray(visit, why)
    if form.text("decision") == "no":
        return _refused(visit, asked, destination, AccessDenied())
    agreed, confirmed = form.text("decision") == "yes", form.has(PASSWORD)
    return await _answer(visit, asked, destination, agreed=agreed, confirmed=confirmed)


async def _answer(
    visit: Visit,
    asked: dict[str, str],
    destination: Destination,
    *,
    agreed: bool = False,
    confirmed: bool = False,
) -> Response:
    visit.form_targets = (returning.target(destination.redirect_uri),)
    try:
        wanted = destination.read(asked)
    except (OAuthError, InvalidRequest) as why:
        return _refused(visit, asked, destination, why)
    silent = "none" in wanted.prompt
    if visit.caller is None:
        if silent:
            return _refused(visit, asked, destination, LoginRequired())
        return back(visit, sign_in_path(returning.path_of(_fresh(asked))))
    try:
        code = await visit.authority.oauth.authorization.grant(
            wanted, by=visit.caller, agreed=agreed, confirmed=confirmed
        )
    except ReauthenticationRequired:
        if silent:
            return _refused(visit, asked, destination, LoginRequired())
        return _confirm(visit, returning.pack(asked))
    except ConsentRequired as why:
        if silent:
            return _refused(visit, asked, destination, why)
        # The password that was just given stays good for the answer on the next page.
        return _consent(visit, returning.pack(_fresh(asked) if confirmed else asked), wanted)
    except OAuthError as why:
        return _refused(visit, asked, destination, why)
    answer = {"code": code, "state": wanted.state, "iss": visit.authority.oauth.issuer}  # `iss`: RFC 9207
    return returning.send(visit, wanted.redirect_uri, answer)


def _refused(
    visit: Visit,
    asked: Mapping[str, str],
    destination: Destination,
    why: OstiaryError,
) -> Response:
    if visit.caller is None and destination.client.third_party and not isinstance(why, LoginRequired):
        # Anybody can write such a link. It must not lead a person who is not known to an address of a stranger's
        # choice (RFC 9700 4.11.2); to `prompt=none` it may, which no person sees (OIDC Core 3.1.2.6).
        return _astray(visit, why)
    answer = {
        "error": code_of(why),
        "error_description": why.message,
        "state": asked.get("state"),
        "iss": visit.authority.oauth.issuer,
    }
    return returning.send(visit, destination.redirect_uri, answer)


def _consent(visit: Visit, packed: str, wanted: AuthorizationRequest) -> Response:
    """What a third party would get, and for how long (ASVS 5.0 10.7.1)."""
    return page(
        visit,
        "consent.html",
        name=wanted.client.name,
        home=returning.target(wanted.redirect_uri),
        scopes=[words.APPLICATION_SCOPES[scope] for scope in wanted.scopes],
        lifetime=format_duration(visit.context.authority.policy.lifetime),
        packed=packed,
    )


def _confirm(visit: Visit, packed: str, error: str | None = None) -> Response:
    return page(
        visit,
        "step_up.html",
        401 if error else 200,
        act="go on to the application",
        fields=[(PACKED, packed)],
        error=error,
    )


def _astray(visit: Visit, why: OstiaryError) -> Response:
    """Nobody knows whom to send the person back to, so nobody is (RFC 6749 4.1.2.1)."""
    return page(
        visit,
        "failure.html",
        400,
        title="This application sent you here wrongly",
        text=f"Its request cannot be answered: {why.message}. Nothing was shared with it.",
        again="/",
        request_id=None,
    )


def _asked(visit: Visit) -> dict[str, str]:
    fields = read_fields(visit.exchange.scope["query_string"])
    return returning.unpack(fields[PACKED]) if PACKED in fields else fields


def _fresh(asked: Mapping[str, str]) -> dict[str, str]:
    """The same request after its user has signed in, as far as it asks for that."""
    prompt = " ".join(word for word in asked.get("prompt", "").split() if word != "login")
    return {name: value for name, value in {**asked, "prompt": prompt}.items() if value and name != "max_age"}
