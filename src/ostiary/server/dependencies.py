"""What a handler may ask for by name: `authority`, `caller`, `client`, `cookie`, `given`, `present`, `identified`."""

from __future__ import annotations

from litestar.di import Provide

from ostiary.authority import Authority
from ostiary.core.caller import Caller
from ostiary.core.client import Client
from ostiary.errors import NoCredentials
from ostiary.server.bodies import ApiRequest
from ostiary.server.callers import Identified, Presented
from ostiary.server.context import context_of
from ostiary.server.cookies import SessionCookie, cookie_for
from ostiary.server.exchange import exchange_of
from ostiary.server.presenting import Presenter


def authority_of(request: ApiRequest) -> Authority:
    """The authority of this application."""
    return context_of(request).authority


def identified_of(request: ApiRequest) -> Identified | None:
    """The caller and how they came, or None where nobody needs to be signed in."""
    return exchange_of(request.scope).identified


def given_of(request: ApiRequest) -> Presented:
    """The credentials that came along, whether or not they work."""
    return exchange_of(request.scope).given


def caller_of(request: ApiRequest) -> Caller:
    """The verified caller.

    Raises:
        NoCredentials: the handler is public, and nobody is signed in.
    """
    identified = identified_of(request)
    if identified is None:
        raise NoCredentials
    return identified.caller


def client_of(request: ApiRequest) -> Client:
    """Where the request came from."""
    return exchange_of(request.scope).client


def cookie_of(request: ApiRequest) -> SessionCookie:
    """The session cookie that fits this request."""
    return cookie_for(exchange_of(request.scope).arrival, context_of(request).settings)


def present_of(request: ApiRequest) -> Presenter:
    """Shapes answers for this caller."""
    context, identified = context_of(request), identified_of(request)
    return Presenter(
        context.authority.policy,
        context.authority.clock,
        context.places,
        identified.caller if identified else None,
    )


DEPENDENCIES = {
    name: Provide(provider, sync_to_thread=False)
    for name, provider in {
        "authority": authority_of,
        "caller": caller_of,
        "client": client_of,
        "cookie": cookie_of,
        "given": given_of,
        "identified": identified_of,
        "present": present_of,
    }.items()
}
