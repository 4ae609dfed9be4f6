"""From a request to what an OAuth operation takes: unknown fields are ignored, and an empty one counts as missing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final, TypeVar

from msgspec import structs

from ostiary.contract.oauth import ProofInForm
from ostiary.contract.operation import Operation, Takes
from ostiary.core.oauth import assertion
from ostiary.core.oauth.client import OAuthClient
from ostiary.core.oauth.fields import LOGOUT, read_fields
from ostiary.errors import InvalidClient, InvalidRequest
from ostiary.http.callers import Identified
from ostiary.http.exchange import Exchange
from ostiary.http.guard import ensure_ids
from ostiary.http.oauth.bearer import identify_holder
from ostiary.http.oauth.parameters import (
    authorization_of,
    client_credentials,
    fields_of,
    is_form,
    object_of,
    optional_text,
)
from ostiary.http.reading import convert
from ostiary.http.routing import Parameters

A = TypeVar("A", bound=Takes)

_PROOF: Final = frozenset(ProofInForm.__struct_fields__)


async def read_standard(operation: Operation[..., A, Any], exchange: Exchange, _: Parameters, body: bytes) -> A:
    """At the endpoints of RFC 6749, 7009, 7662 and OIDC: the client proves itself before any field is judged.

    Raises:
        InvalidClient: it does not.
        InvalidRequest: not a form, or a field lacks or is there twice.
        Unauthenticated: as `identify_holder`, where an access token is what counts.
    """
    if operation.who == "access_token":
        await identify_holder(exchange)
        return operation.takes()
    names = {*operation.places, *_PROOF}
    form = fields_of(exchange.headers.get("content-type", ""), body, names)
    exchange.holder = await _holder(exchange, form)
    for field in structs.fields(operation.takes):
        if field.required and field.name not in form:
            raise InvalidRequest(field.name, "is required")
    return convert(dict(form), operation.takes, is_text=True)


async def _holder(exchange: Exchange, form: Mapping[str, str]) -> OAuthClient:
    """The client, by its secret, its id alone, or an assertion that it signed; never in two ways (RFC 6749 2.3)."""
    oauth, header = exchange.authority.oauth, authorization_of(exchange)
    if not ("client_assertion" in form or "client_assertion_type" in form):
        return await oauth.clients.authenticate(*client_credentials(header, form))
    if header is not None or "client_secret" in form:
        raise InvalidRequest("client_assertion", "send the client's credentials in one way only")
    if form.get("client_assertion_type") != assertion.TYPE or "client_assertion" not in form:
        raise InvalidClient
    path = exchange.scope["path"]
    return await oauth.assertions.authenticate(form["client_assertion"], client_id=form.get("client_id"), path=path)


async def read_loosely(operation: Operation[..., A, Any], exchange: Exchange, parameters: Parameters, body: bytes) -> A:
    """In the sessions namespace.

    Raises:
        Unauthenticated: as `identify_holder`.
        SessionNotFound: an id that cannot be one of ours.
        BadRequest: a body that cannot be read, or a member that is no text, nor true or false where that is wanted.
    """
    if operation.who == "access_token":
        holder = await identify_holder(exchange)
        exchange.identified = Identified(
            await exchange.authority.oauth.inspection.at_the_namespace(holder), by_cookie=False
        )
    ensure_ids(parameters)
    names = operation.places.keys() - parameters.keys()
    sent = _sent(exchange, body, names)
    flags = {field.name for field in structs.fields(operation.takes) if field.type is bool}
    given = {name: value for name in names if (value := _text(sent, name, is_flag=name in flags)) is not None}
    return convert({**given, **parameters}, operation.takes, is_text=True)


def _text(sent: Mapping[str, Any], name: str, *, is_flag: bool) -> str | None:
    """A member as a form would have it, which knows no other kind."""
    value = sent.get(name)
    return str(value).lower() if is_flag and isinstance(value, bool) else optional_text(sent, name)


def _sent(exchange: Exchange, body: bytes, names: Collection[str]) -> Mapping[str, Any]:
    if exchange.method != "POST":
        return read_fields(exchange.scope["query_string"], names)
    if not is_form(exchange.headers.get("content-type", "")):
        return object_of(body)
    exchange.form = read_fields(body, {*names, *LOGOUT})
    return exchange.form
