"""Ending many sessions at once: a search becomes a plan, whose page shows it and applies it, and takes it back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode

from starlette.responses import Response

from ostiary.core.plan import SAMPLE, Newer, Plan
from ostiary.core.selector import FILTERS, parse
from ostiary.errors import Conflict, OstiaryError, PlanStale
from ostiary.errors.translatable import translatable
from ostiary.web import words
from ostiary.web.console.rows import session_rows
from ostiary.web.given import OfPlan
from ostiary.web.language import gettext, sentence
from ostiary.web.rendering import back, page
from ostiary.web.routing import Nothing, get, post
from ostiary.web.visit import Visit

STEP: Final = 5000  # sessions that one request ends at most: a second or two, and then the page shows how far it came
UNDO: Final = {
    "10": translatable("within 10 minutes"),
    "60": translatable("within an hour"),
    "1440": translatable("within a day"),
    "0": translatable("never: ended for good"),
}


@dataclass(frozen=True, slots=True)
class Listed:
    """A plan in the list of them: what it is about, whose, and whether it can be undone now."""

    plan: Plan
    filters: list[tuple[str, str]]
    by: str
    can_undo: bool


@post("/admin/plans", Nothing)
async def make(visit: Visit, _: Nothing) -> Response:
    """Pin what a search found. Nothing ends by that."""
    form = visit.form
    where = parse({name: form.text(name) for name in FILTERS if form.has(name)})
    made = await visit.authority.plans.make(where, by=visit.signed)
    return back(visit, _path(made.plan))


@get("/admin/plans", Nothing)
async def plans_page(visit: Visit, _: Nothing) -> Response:
    """What was planned lately, how far it came, and what can still be undone."""
    now = visit.authority.clock()
    made = await visit.authority.plans.list(by=visit.signed)
    names = await visit.authority.accounts.names({plan.created_by for plan in made})
    shown = [
        Listed(plan, _words_of(plan), names.get(plan.created_by, plan.created_by), plan.can_be_undone(now))
        for plan in made
    ]
    return page(visit, "console/plans.html", plans=shown, states=words.in_words(words.PLANS))


@get("/admin/plans/{plan_id}", OfPlan)
async def plan_page(visit: Visit, asked: OfPlan) -> Response:
    """What it is about, how far it came, and what can be done about it."""
    return await _show(visit, await visit.authority.plans.find(asked.plan_id, by=visit.signed))


@post("/admin/plans/{plan_id}/apply", OfPlan, steps_up=True)
async def apply(visit: Visit, asked: OfPlan) -> Response:
    """End what is pinned, or some of it where that is much: the page goes on by itself."""
    form = visit.form
    minutes = form.text("undo")
    undo_for = timedelta(minutes=int(minutes)) if minutes in UNDO else timedelta(minutes=10)
    newer: Newer = "include" if form.text("newer") == "include" else "leave"
    try:
        plan = await visit.authority.plans.apply(
            asked.plan_id, by=visit.signed, undo_for=undo_for, limit=STEP, newer=newer
        )
    except (PlanStale, Conflict) as why:
        return await _show(visit, await visit.authority.plans.find(asked.plan_id, by=visit.signed), why)
    return back(visit, _path(plan))


@get(["/admin/plans/{plan_id}/apply", "/admin/plans/{plan_id}/undo"], OfPlan)
async def acted(visit: Visit, asked: OfPlan) -> Response:
    """Whoever loads again what an act answered sees the plan."""
    return back(visit, _path(await visit.authority.plans.find(asked.plan_id, by=visit.signed)))


@post("/admin/plans/{plan_id}/undo", OfPlan, steps_up=True)
async def undo(visit: Visit, asked: OfPlan) -> Response:
    """Bring back what it ended."""
    try:
        plan = await visit.authority.plans.undo(asked.plan_id, by=visit.signed)
    except Conflict as why:
        return await _show(visit, await visit.authority.plans.find(asked.plan_id, by=visit.signed), why)
    return back(visit, _path(plan))


async def _show(visit: Visit, plan: Plan, why: OstiaryError | None = None) -> Response:
    sample = await visit.authority.plans.sample(plan.id, SAMPLE, by=visit.signed)
    now = visit.authority.clock()
    can_begin = plan.state == "planned" and now < plan.expires_at
    is_counted = (can_begin and plan.count > 0) or plan.state == "applied"
    return page(
        visit,
        "console/plan.html",
        status=why.status if why else 200,
        plan=plan,
        filters=_words_of(plan),
        sample=session_rows(visit, sample.sessions, sample.usernames),
        undo=words.in_words(UNDO),
        can_begin=can_begin,
        can_undo=plan.can_be_undone(now) or plan.state == "undoing",
        search=f"/admin/sessions?{urlencode(plan.filters)}",
        newer=await visit.authority.plans.count_newer(plan, by=visit.signed) if is_counted else 0,
        error=sentence(why.shown) if why else None,
    )


def _words_of(plan: Plan) -> list[tuple[str, str]]:
    return [(gettext(words.FILTERS[name]), text) for name, text in plan.filters.items()]


def _path(plan: Plan) -> str:
    return f"/admin/plans/{plan.id}"
