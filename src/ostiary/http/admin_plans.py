"""Ending many sessions at once, for administrators: plan, apply, undo."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import structs

from ostiary.contract import plans as contract
from ostiary.contract.admin_sessions import MakePlan
from ostiary.contract.plans import PlanProgress, Plans
from ostiary.core.plan import UNDO_FOR, Plan
from ostiary.core.selector import parse
from ostiary.http.exchange import Exchange
from ostiary.http.operations import serves
from ostiary.http.spans import span_or_none


@serves(Plans.make)
async def make_plan(asked: MakePlan, exchange: Exchange) -> contract.MadePlan:
    """Nothing is ended yet."""
    made = await exchange.authority.plans.make(parse(structs.asdict(asked)), by=exchange.caller)
    present = exchange.present
    sample = [present.admin_session(one, made.usernames.get(one.user_id)) for one in made.sample]
    return contract.MadePlan.of(made.plan, plan_id=made.plan.id, sample=sample)


@serves(Plans.list)
async def list_plans(_: contract.ListPlans, exchange: Exchange) -> contract.PlanList:
    """The newest first."""
    made = await exchange.authority.plans.list(by=exchange.caller)
    names = await exchange.authority.accounts.names({plan.created_by for plan in made})
    return tuple([_progress(plan, exchange, names) for plan in made])


@serves(Plans.show)
async def show_plan(asked: contract.ShowPlan, exchange: Exchange) -> PlanProgress:
    """As far as it has come."""
    plan = await exchange.authority.plans.find(asked.plan_id, by=exchange.caller)
    return await _counted(plan, exchange)


@serves(Plans.apply)
async def apply_plan(asked: contract.ApplyPlan, exchange: Exchange) -> PlanProgress:
    """Asking again goes on."""
    undo_for = UNDO_FOR if asked.undo_for is None else span_or_none("undo_for", asked.undo_for)
    plan = await exchange.authority.plans.apply(
        asked.plan_id,
        by=exchange.caller,
        tolerance=asked.tolerance,
        undo_for=undo_for,
        limit=asked.limit,
        newer=asked.newer,
    )
    return await _counted(plan, exchange) if plan.state == "applied" else await _told(plan, exchange)


@serves(Plans.undo)
async def undo_plan(asked: contract.UndoPlan, exchange: Exchange) -> PlanProgress:
    """Not those that somebody ended again since."""
    return await _told(await exchange.authority.plans.undo(asked.plan_id, by=exchange.caller), exchange)


async def _counted(plan: Plan, exchange: Exchange) -> PlanProgress:
    return await _told(plan, exchange, await exchange.authority.plans.count_newer(plan, by=exchange.caller))


async def _told(plan: Plan, exchange: Exchange, newer: int | None = None) -> PlanProgress:
    return _progress(plan, exchange, await exchange.authority.accounts.names({plan.created_by}), newer)


def _progress(plan: Plan, exchange: Exchange, names: Mapping[str, str], newer: int | None = None) -> PlanProgress:
    return PlanProgress.of(
        plan,
        plan_id=plan.id,
        pinned=plan.count,
        count=plan.ended,
        done=plan.state in ("applied", "undone"),
        applied_by=plan.started_by,
        created_by_username=names.get(plan.created_by),
        newer=newer,
        can_undo=plan.can_be_undone(exchange.authority.clock()),
    )
