"""Who remembers sessions, and how far an ending has come."""

from __future__ import annotations

from typing import Annotated, Final

from litestar import Router, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from ostiary import errors
from ostiary.authority import Authority
from ostiary.authority.verifiers import MAXIMUM_WAIT
from ostiary.core.caller import Caller
from ostiary.server import requests, verifier_shapes
from ostiary.server.refusals import refusals

Wait = Annotated[
    float,
    QueryParameter(ge=0, le=MAXIMUM_WAIT, description="Seconds to wait until it is refused everywhere."),
]
_REFUSALS: Final = refusals(errors.SessionNotFound, errors.Conflict)


@get(
    "/auth/sessions/{session_id:str}/lag",
    operation_id="show_lag",
    summary="See how far an ending of yours has come",
    tags=["my sessions"],
    responses=_REFUSALS,
)
async def show_lag(
    session_id: requests.SessionIdInPath,
    authority: NamedDependency[Authority],
    caller: NamedDependency[Caller],
    wait: Wait = 0.0,
) -> verifier_shapes.Lag:
    """Whether a session that was revoked is refused everywhere, or which verifier may still accept it, and until when.

    Nodes refuse it from the revocation's answer on. This is about programs that remember answers.
    """
    return verifier_shapes.lag_of(session_id, await authority.verifiers.lag(session_id, by=caller, wait=wait))


@get(
    "/admin/sessions/{session_id:str}/lag",
    operation_id="show_any_lag",
    summary="See how far an ending has come",
    tags=["administration: sessions"],
    responses=_REFUSALS,
)
async def show_any_lag(
    session_id: requests.SessionIdInPath,
    authority: NamedDependency[Authority],
    caller: NamedDependency[Caller],
    wait: Wait = 0.0,
) -> verifier_shapes.Lag:
    """The same for anybody's session."""
    lag = await authority.verifiers.lag(session_id, by=caller, wait=wait, anybodys=True)
    return verifier_shapes.lag_of(session_id, lag)


@get(
    "/admin/verifiers",
    operation_id="list_verifiers",
    summary="List verifiers",
    tags=["administration: sessions"],
    responses=refusals(),
)
async def list_verifiers(
    authority: NamedDependency[Authority], caller: NamedDependency[Caller]
) -> verifier_shapes.VerifierList:
    """The programs that remember sessions, and how far each has come."""
    found = await authority.verifiers.list(by=caller)
    return verifier_shapes.VerifierList(verifiers=[verifier_shapes.verifier_of(one) for one in found])


router = Router("/", route_handlers=[show_lag, show_any_lag, list_verifiers])
