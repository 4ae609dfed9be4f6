"""The authorization endpoint (RFC 6749 3.1): a person signs in, agrees if need be, and goes back with a code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from starlette.responses import Response

from ostiary.authority.oauth.authorization import Destination
from ostiary.core.oauth.fields import AUTHORIZATION, code_of, read_fields
from ostiary.core.oauth.request import AuthorizationRequest, response_mode_of
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
from ostiary.errors.translatable import translatable
from ostiary.http.exchange import Exchange
from ostiary.http.routing import Parameters, Route
from ostiary.web import formats, phrases, returning, words
from ostiary.web.access import PASSWORD
from ostiary.web.destinations import sign_in_path
from ostiary.web.failures import failed
from ostiary.web.forms import MEDIA_TYPE
from ostiary.web.language import gettext
from ostiary.web.rendering import back, page
from ostiary.web.returning import DECISION, PACKED, PATH
from ostiary.web.routing import Nothing, get, post
from ostiary.web.visit import Visit


@get(PATH, Nothing, public=True)
async def authorize(visit: Visit, _: Nothing) -> Response:
    """Where a client sends its user."""
    try:
        asked = await visit.authority.oauth.pushing.expand(_asked(visit))
        destination = await visit.authority.oauth.authorization.destination(asked)
    except (ClientNotFound, InvalidRequest) as why:
        return _astray(visit, why)
    return await _answer(visit, asked, destination)


def routes() -> Iterable[Route]:
    """The same by POST (OIDC Core 3.1.2.1). It comes from the client's site, so it is no page of ours."""
    yield Route("POST", PATH, _by_post, failed)


async def _by_post(exchange: Exchange, _: Parameters, body: bytes) -> Response:
    """It goes on by GET: with a POST from another site the browser does not send the cookie, which is `SameSite`."""
    if exchange.headers.get("content-type", "").partition(";")[0].strip().lower() != MEDIA_TYPE:
        raise InvalidRequest("content-type", translatable("send %(media_type)s", media_type=MEDIA_TYPE))
    asked = read_fields(body, AUTHORIZATION)
    return Response(status_code=303, headers={"location": returning.path_of(asked)})


def password_again(visit: Visit, error: OstiaryError) -> Response:
    """The form that asks for the password, once more."""
    why = words.TOO_MANY if isinstance(error, TooManyRequests) else words.NOT_YOUR_PASSWORD
    return _confirm(visit, visit.form.text(PACKED), None, gettext(why))


@post(
    DECISION,
    Nothing,
    public=True,
    steps_up=True,
    again={WrongCredentials: password_again, TooManyRequests: password_again},
)
async def decide(visit: Visit, _: Nothing) -> Response:
    """What the person answered on one of the pages below."""
    form = visit.form
    try:
        asked = returning.unpack(form.text(PACKED), AUTHORIZATION)
        destination = await visit.authority.oauth.authorization.destination(asked)
    except (ClientNotFound, InvalidRequest) as why:
        return _astray(visit, why)
    decision = form.text("decision")
    if decision == "no":
        return _refused(visit, asked, destination, AccessDenied())
    agreed, confirmed = decision == "yes", form.has(PASSWORD)
    return await _answer(visit, asked, destination, agreed=agreed, confirmed=confirmed, chosen=decision == "account")


async def _answer(
    visit: Visit,
    asked: dict[str, str],
    destination: Destination,
    *,
    agreed: bool = False,
    confirmed: bool = False,
    chosen: bool = False,
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
    if "select_account" in wanted.prompt and not (chosen or agreed or confirmed):
        return _choose(visit, asked, wanted)
    try:
        code = await visit.authority.oauth.authorization.grant(
            wanted, by=visit.caller, agreed=agreed, confirmed=confirmed
        )
    except ReauthenticationRequired:
        if silent:
            return _refused(visit, asked, destination, LoginRequired())
        return _confirm(visit, returning.pack(_without(asked, "select_account")), wanted.client.name)
    except LoginRequired as why:
        if silent:
            return _refused(visit, asked, destination, why)
        return back(visit, _other_account(asked))
    except ConsentRequired as why:
        if silent:
            return _refused(visit, asked, destination, why)
        # The password that was just given stays good for the answer on the next page.
        return _consent(visit, _fresh(asked) if confirmed else asked, wanted)
    except OAuthError as why:
        return _refused(visit, asked, destination, why)
    answer = {"code": code, "state": wanted.state, "iss": visit.authority.oauth.issuer}  # `iss`: RFC 9207
    return returning.send(visit, wanted.redirect_uri, answer, wanted.response_mode)


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
    visit.form_targets = (returning.target(destination.redirect_uri),)
    return returning.send(visit, destination.redirect_uri, answer, response_mode_of(asked))


def _choose(visit: Visit, asked: Mapping[str, str], wanted: AuthorizationRequest) -> Response:
    """Which account is meant (OIDC Core 3.1.2.1, `select_account`)."""
    return page(
        visit,
        "choose_account.html",
        name=wanted.client.name,
        packed=returning.pack(_without(asked, "select_account")),
        other=_other_account(asked),
    )


def _consent(visit: Visit, asked: Mapping[str, str], wanted: AuthorizationRequest) -> Response:
    """What a third party would get, and for how long (ASVS 5.0 10.7.1)."""
    return page(
        visit,
        "consent.html",
        name=wanted.client.name,
        home=returning.target(wanted.redirect_uri),
        third_party=wanted.client.third_party,
        resource=wanted.resource,
        scopes=[_in_words(scope, wanted) for scope in wanted.scopes],
        lifetime=formats.span(visit.context.authority.policy.lifetime),
        packed=returning.pack(asked),
        other=_other_account(asked),
    )


def _in_words(scope: str, wanted: AuthorizationRequest) -> str:
    at_resource = {one.name: one.words for one in wanted.resource.scopes} if wanted.resource is not None else {}
    return at_resource.get(scope) or gettext(words.APPLICATION_SCOPES[scope])


def _confirm(visit: Visit, packed: str, name: str | None, error: str | None = None) -> Response:
    return page(
        visit,
        "confirm_sign_in.html",
        401 if error else 200,
        packed=packed,
        name=name,
        error=error,
    )


def _astray(visit: Visit, why: OstiaryError) -> Response:
    """Nobody knows whom to send the person back to, so nobody is (RFC 6749 4.1.2.1)."""
    return page(
        visit,
        "failure.html",
        400,
        title=gettext("This application sent you here wrongly"),
        text=gettext(
            "Its request cannot be answered: %(why)s. Nothing was shared with it.", why=phrases.with_field(why)
        ),
        again="/",
        request_id=None,
    )


def _asked(visit: Visit) -> dict[str, str]:
    fields = read_fields(visit.exchange.scope["query_string"], {*AUTHORIZATION, PACKED})
    return returning.unpack(fields[PACKED], AUTHORIZATION) if PACKED in fields else fields


def _fresh(asked: Mapping[str, str]) -> dict[str, str]:
    """The same request after its user has signed in, as far as it asks for that."""
    return _without({name: value for name, value in asked.items() if name != "max_age"}, "login", "select_account")


def _without(asked: Mapping[str, str], *prompts: str) -> dict[str, str]:
    prompt = " ".join(word for word in asked.get("prompt", "").split() if word not in prompts)
    return {name: value for name, value in {**asked, "prompt": prompt}.items() if value}


def _other_account(asked: Mapping[str, str]) -> str:
    """Where somebody else signs in, and goes on with the request."""
    return f"{sign_in_path(returning.path_of(_fresh(asked)))}&again=1"
