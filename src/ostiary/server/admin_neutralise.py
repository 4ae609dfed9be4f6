"""A leaked credential: what hangs on it, and the end of all that, for administrators.

The credential comes in the body, never in a path or query: those are written into logs on the way.
"""

from __future__ import annotations

from litestar import Router, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from ostiary import errors
from ostiary.authority import Authority
from ostiary.core.caller import Caller
from ostiary.server.leak_shapes import LeakRequest, NeutralisedView, view_of
from ostiary.server.refusals import refusals


@post(
    "/neutralise",
    operation_id="preview_neutralise",
    summary="What hangs on a leaked credential?",
    status_code=200,
    responses=refusals(errors.SessionNotFound, errors.TokenNotFound, body=True),
)
async def preview(
    data: JSONBody[LeakRequest], authority: NamedDependency[Authority], caller: NamedDependency[Caller]
) -> NeutralisedView:
    """Everything that was made with it, and with what was made with it. Nothing is changed."""
    return view_of(await authority.neutralising.preview(data.credential, by=caller))


@post(
    "/neutralise/apply",
    operation_id="neutralise",
    summary="End what hangs on a leaked credential",
    status_code=200,
    responses=refusals(
        errors.SessionNotFound, errors.TokenNotFound, errors.Conflict, errors.ReauthenticationRequired, body=True
    ),
)
async def neutralise(
    data: JSONBody[LeakRequest], authority: NamedDependency[Authority], caller: NamedDependency[Caller]
) -> NeutralisedView:
    """All of it ends in one act, with the reason `admin`. A wrong secret is refused: then give the id alone."""
    return view_of(await authority.neutralising.apply(data.credential, by=caller))


router = Router("/admin", route_handlers=[preview, neutralise], tags=["administration: leaked credentials"])
