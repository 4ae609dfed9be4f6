"""Ending many sessions at once, for administrators: plan, apply, undo."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.openapi.spec import Example
from litestar.params import JSONBody, PathParameter

from ostiary import errors
from ostiary.authority import Authority
from ostiary.core.caller import Caller
from ostiary.core.plan import UNDO_FOR
from ostiary.core.selector import parse
from ostiary.server import admin_shapes, requests
from ostiary.server.presenting import Presenter
from ostiary.server.refusals import refusals

PlanIdInPath: TypeAlias = Annotated[str, PathParameter(examples=[Example(value="plan_k3v7mzpq2w4x6y7a2b3c4d5e6f")])]


@post(
    "/plan",
    operation_id="make_plan",
    summary="Pin sessions, to end them",
    status_code=200,
    responses=refusals(errors.UserNotFound, body=True),
)
async def make_plan(
    authority: NamedDependency[Authority],
    caller: NamedDependency[Caller],
    present: NamedDependency[Presenter],
    data: JSONBody[requests.PlanRequest],
) -> admin_shapes.MadePlan:
    """Pin the live sessions that match now: exactly these are ended when the plan is applied. Nothing is ended yet."""
    made = await authority.plans.make(parse(msgspec.structs.asdict(data)), by=caller)
    return admin_shapes.MadePlan(
        plan_id=made.plan.id,
        count=made.plan.count,
        users=made.plan.users,
        sample=[present.admin_session(one, made.usernames.get(one.user_id)) for one in made.sample],
        expires_at=made.plan.expires_at,
    )


@get("/plan", operation_id="list_plans", summary="Plans, and what can be undone", responses=refusals())
async def list_plans(
    authority: NamedDependency[Authority], caller: NamedDependency[Caller]
) -> list[admin_shapes.PlanProgress]:
    """The plans of the last two days, newest first."""
    found = await authority.plans.list(by=caller)
    return [admin_shapes.progress_of(plan, authority.clock()) for plan in found]


@get(
    "/plan/{plan_id:str}",
    operation_id="show_plan",
    summary="How far a plan has come",
    responses=refusals(errors.PlanNotFound),
)
async def show_plan(
    plan_id: PlanIdInPath, authority: NamedDependency[Authority], caller: NamedDependency[Caller]
) -> admin_shapes.PlanProgress:
    """What a plan pins, and how far it has come."""
    return admin_shapes.progress_of(await authority.plans.find(plan_id, by=caller), authority.clock())


@post(
    "/plan/{plan_id:str}/apply",
    operation_id="apply_plan",
    summary="End exactly the pinned sessions",
    status_code=200,
    responses=refusals(
        errors.PlanNotFound, errors.PlanStale, errors.Conflict, errors.ReauthenticationRequired, body=True
    ),
)
async def apply_plan(
    plan_id: PlanIdInPath,
    authority: NamedDependency[Authority],
    caller: NamedDependency[Caller],
    data: JSONBody[requests.ApplyRequest | None] = None,
) -> admin_shapes.PlanProgress:
    """End the pinned sessions with the reason `bulk`. Asking again goes on, and changes nothing once it is done."""
    wanted = data or requests.ApplyRequest()
    undo_for = UNDO_FOR if wanted.undo_for is None else requests.span_or_none("undo_for", wanted.undo_for)
    plan = await authority.plans.apply(
        plan_id, by=caller, tolerance=wanted.tolerance, undo_for=undo_for, limit=wanted.limit, newer=wanted.newer
    )
    return admin_shapes.progress_of(plan, authority.clock())


@post(
    "/plan/{plan_id:str}/undo",
    operation_id="undo_plan",
    summary="Bring back what a plan ended",
    status_code=200,
    responses=refusals(errors.PlanNotFound, errors.Conflict, errors.ReauthenticationRequired),
)
async def undo_plan(
    plan_id: PlanIdInPath, authority: NamedDependency[Authority], caller: NamedDependency[Caller]
) -> admin_shapes.PlanProgress:
    """Bring back the sessions that the plan ended, but for those that somebody ended again since."""
    return admin_shapes.progress_of(await authority.plans.undo(plan_id, by=caller), authority.clock())


router = Router(
    "/admin/sessions",
    route_handlers=[make_plan, list_plans, show_plan, apply_plan, undo_plan],
    tags=["administration: plans"],
)
