"""The OpenAPI document, and the page that shows it to people."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import msgspec
from litestar import Litestar, Response, Router, get
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, License, SecurityScheme, Server, Tag

from ostiary import __version__
from ostiary.server import (
    admin_privacy,
    admin_shapes,
    client_shapes,
    docs_page,
    gateway,
    health,
    leak_shapes,
    refusals,
    requests,
    routes,
    shapes,
    verifications,
    verifier_shapes,
)
from ostiary.server.bodies import ApiRequest
from ostiary.server.cookies import SECURE_NAME
from ostiary.server.dependencies import DEPENDENCIES

DESCRIPTION: Final = """\
Who is signed in, from where and on which device, and how to end it now.

Send a credential in one of two places only: the session cookie, or `Authorization: Bearer` with a session token
(`sess_….secret`), a CLI token (`ost_….secret`) or an OAuth access token. A request that carries the cookie and changes
something must come from this origin: browsers say so by themselves, a script adds `Sec-Fetch-Site: none`. A bearer
needs nothing.

Errors are `application/problem+json` (RFC 9457) with a stable `code`. Times are RFC 3339 in UTC.
"""

CONFIG: Final = OpenAPIConfig(
    title="Ostiary",
    version=__version__,
    description=DESCRIPTION,
    license=License(name="Apache-2.0", identifier="Apache-2.0"),
    servers=[Server(url="/")],
    render_plugins=[JsonRenderPlugin()],  # never served: Litestar's own pages load their parts from elsewhere
    use_handler_docstrings=True,
    security=[{"cookie": []}, {"bearer": []}],
    tags=[
        Tag(name="signing in", description="Sign in and out, and what a person does to their own account."),
        Tag(name="my sessions", description="The caller's own sessions."),
        Tag(name="my CLI tokens", description="The caller's own long-lived bearers."),
        Tag(name="administration: sessions", description="Anybody's sessions. Needs the role admin."),
        Tag(name="administration: users", description="The directory of accounts. Needs the role admin."),
        Tag(name="administration: audit trail", description="What happened. Needs the role admin."),
        Tag(name="administration: OAuth", description="Clients and signing keys. Needs the role admin."),
        Tag(
            name="services", description="For programs that take part: OAuth clients, and CLI tokens of administrators."
        ),
        Tag(name="machines", description="For proxies, orchestrators and monitoring."),
    ],
    components=Components(
        security_schemes={
            "cookie": SecurityScheme(
                type="apiKey",
                name=SECURE_NAME,
                security_scheme_in="cookie",
                description="Set by signing in with the transport `cookie`.",
            ),
            "bearer": SecurityScheme(
                type="http", scheme="bearer", description="A session token, a CLI token, or an OAuth access token."
            ),
            "basic": SecurityScheme(
                type="http", scheme="basic", description="An OAuth client's id and secret; for services only."
            ),
        }
    ),
)


@cache
def document() -> dict[str, Any]:
    """The document, made of the routes at the first question: a server that nobody asks starts faster."""
    described = Litestar(
        [routes.API, *routes.MACHINES],
        dependencies=DEPENDENCIES,
        request_class=ApiRequest,
        openapi_config=CONFIG,
        logging_config=None,
    )
    found = described.openapi_schema.to_schema()
    # Litestar loses the bounds of what is inside a union or a list, and that no other fields are taken. msgspec, which
    # reads and writes these shapes, knows them exactly.
    found["components"]["schemas"] = _schemas(set(found["components"]["schemas"]))
    return found


def _schemas(names: set[str]) -> dict[str, Any]:
    known = {
        kind.__name__: kind
        for module in (
            shapes,
            admin_privacy,
            admin_shapes,
            client_shapes,
            leak_shapes,
            verifier_shapes,
            requests,
            refusals,
            gateway,
            health,
            verifications,
        )
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct)
    }
    _, components = msgspec.json.schema_components(
        [known[name] for name in sorted(names)], ref_template="#/components/schemas/{name}"
    )
    return dict(sorted(components.items()))


@get("/openapi.json", include_in_schema=False)
async def openapi_json() -> Response[bytes]:
    """The document itself."""
    return Response(_encoded(), media_type="application/json")


@get("/docs", include_in_schema=False)
async def docs() -> Response[bytes]:
    """The same for people: one page, without a script and without anything from elsewhere."""
    return Response(_page(), media_type="text/html", headers=docs_page.HEADERS)


@cache
def _encoded() -> bytes:
    return msgspec.json.encode(document())


@cache
def _page() -> bytes:
    return docs_page.render(document()).encode()


router = Router("/api", route_handlers=[openapi_json, docs])
