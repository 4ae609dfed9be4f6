"""Ending many sessions at once: a search becomes a plan, whose page shows it and applies it, and takes it back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from litestar import Response, get, post

from ostiary.authority import Authority
from ostiary.core.caller import Caller
from ostiary.core.plan import SAMPLE, Newer, Plan
from ostiary.core.selector import FILTERS, parse
from ostiary.errors import Conflict, OstiaryError, PlanStale
from ostiary.web import words
from ostiary.web.access import STEPS_UP
from ostiary.web.console.rows import found
from ostiary.web.forms import PageRequest
from ostiary.web.given import OurAuthority, PlanIdInPath, Signed
from ostiary.web.rendering import back, page
from ostiary.web.visit import visit_of

ACTS: Final = {STEPS_UP: True}
STEP: Final = 5000  # sessions that one request ends at most: a second or two, and then the page shows how far it came
UNDO: Final = {"10": "within 10 minutes", "60": "within an hour", "1440": "within a day", "0": "never: ended for good"}


@dataclass(frozen=True, slots=True)
class Listed:
    """A plan in the list of them: what it is about, whose, and whether it can be undone now."""

    plan: Plan
    filters: list[tuple[str, str]]
    by: str
    can_undo: bool


@post("/plans")
async def make(request: PageRequest, authority: OurAuthority, caller: Signed) -> Response[Any]:
    """Pin what a search found. Nothing ends by that."""
    form = visit_of(request).form
    where = parse({name: form.text(name) for name in FILTERS if form.has(name)})
    made = await authority.plans.make(where, by=caller)
    return back(request, _path(made.plan))


@get("/plans")
async def plans_page(request: PageRequest, authority: OurAuthority, caller: Signed) -> Response[bytes]:
    """What was planned lately, how far it came, and what can still be undone."""
    now = authority.clock()
    made = await authority.plans.list(by=caller)
    names = await authority.accounts.names({plan.created_by for plan in made})
    shown = [
        Listed(plan, _words_of(plan), names.get(plan.created_by, plan.created_by), plan.can_be_undone(now))
        for plan in made
    ]
    return page(request, "console/plans.html", plans=shown, states=words.PLANS)


@get("/plans/{plan_id:str}")
async def plan_page(
    plan_id: PlanIdInPath, request: PageRequest, authority: OurAuthority, caller: Signed
) -> Response[bytes]:
    """What it is about, how far it came, and what can be done about it."""
    return await _show(request, authority, caller, await authority.plans.find(plan_id, by=caller))


@post("/plans/{plan_id:str}/apply", opt=ACTS)
async def apply(plan_id: PlanIdInPath, request: PageRequest, authority: OurAuthority, caller: Signed) -> Response[Any]:
    """End what is pinned, or some of it where that is much: the page goes on by itself."""
    form = visit_of(request).form
    minutes = form.text("undo")
    undo_for = timedelta(minutes=int(minutes)) if minutes in UNDO else timedelta(minutes=10)
    newer: Newer = "include" if form.text("newer") == "include" else "leave"
    try:
        plan = await authority.plans.apply(plan_id, by=caller, undo_for=undo_for, limit=STEP, newer=newer)
    except (PlanStale, Conflict) as why:
        return await _show(request, authority, caller, await authority.plans.find(plan_id, by=caller), why)
    return back(request, _path(plan))


@get(["/plans/{plan_id:str}/apply", "/plans/{plan_id:str}/undo"])
async def acted(
    plan_id: PlanIdInPath, request: PageRequest, authority: OurAuthority, caller: Signed
) -> Response[bytes]:
    """Whoever loads again what an act answered sees the plan."""
    return back(request, _path(await authority.plans.find(plan_id, by=caller)))


@post("/plans/{plan_id:str}/undo", opt=ACTS)
async def undo(plan_id: PlanIdInPath, request: PageRequest, authority: OurAuthority, caller: Signed) -> Response[Any]:
    """Bring back what it ended."""
    try:
        plan = await authority.plans.undo(plan_id, by=caller)
    except Conflict as why:
        return await _show(request, authority, caller, await authority.plans.find(plan_id, by=caller), why)
    return back(request, _path(plan))


async def _show(
    request: PageRequest, authority: Authority, caller: Caller, plan: Plan, why: OstiaryError | None = None
) -> Response[bytes]:
    sample = await authority.plans.sample(plan.id, SAMPLE, by=caller)
    now = authority.clock()
    can_begin = plan.state == "planned" and now < plan.expires_at
    return page(
        request,
        "console/plan.html",
        status=why.status if why else 200,
        plan=plan,
        filters=_words_of(plan),
        sample=found(request, sample.sessions, sample.usernames),
        undo=UNDO,
        can_begin=can_begin,
        can_undo=plan.can_be_undone(now) or plan.state == "undoing",
        newer=await authority.plans.count_newer(plan, by=caller) if can_begin and plan.count else 0,
        error=f"{why.message[:1].upper()}{why.message[1:]}." if why else None,
    )


def _words_of(plan: Plan) -> list[tuple[str, str]]:
    return [(words.FILTERS[name], text) for name, text in plan.filters.items()]


def _path(plan: Plan) -> str:
    return f"/admin/plans/{plan.id}"


HANDLERS: Final = [make, plans_page, plan_page, apply, acted, undo]
