"""What `/verify` promises, for the OpenAPI document. `Gateway` answers it before any router is asked."""

from __future__ import annotations

from typing import Annotated, Literal

from litestar import Response, Router, get
from litestar.datastructures import ResponseHeader
from litestar.params import QueryParameter

from ostiary.errors import NotFound
from ostiary.server.gateway import PATH, Verified
from ostiary.server.refusals import refusals


@get(
    PATH,
    operation_id="verify",
    summary="Who sent this request?",
    responses=refusals(),
    response_headers=[
        ResponseHeader(name=name, description=about, documentation_only=True)
        for name, about in (
            ("Ostiary-User", "Username, else user id; percent-encoded where it is not ASCII."),
            ("Ostiary-Session", "Session id; empty for a CLI token."),
            ("Ostiary-Roles", "With commas between."),
            ("Ostiary-Tenant", "Empty for a CLI token."),
        )
    ],
)
async def verify(
    app: Annotated[
        str | None, QueryParameter(max_length=64, description="The application whose rule decides, by its id.")
    ] = None,
    rd: Annotated[
        str | None,
        QueryParameter(
            description="Lead browsers to the sign-in page, and afterwards to this address; empty: to the one in "
            "X-Forwarded-Proto, -Host and -Uri."
        ),
    ] = None,
    status: Annotated[
        Literal["401"] | None,
        QueryParameter(description="With rd: answer 401 with the sign-in page in Ostiary-Sign-In instead of a 302."),
    ] = None,
) -> Response[Verified]:
    """For a proxy that asks before it lets a request through: nginx `auth_request`, Caddy `forward_auth`, Traefik.

    Send the request's own cookie or bearer. All four headers are always there, so that copying them overwrites whatever
    a client sent under their names.
    """
    raise NotFound  # never reached


router = Router("/", route_handlers=[verify], tags=["machines"])
