"""Ending many sessions at once, for administrators: plan, apply, undo."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypeAlias

from msgspec import Meta

from ostiary.contract.admin_sessions import MakePlan
from ostiary.contract.answer import Answer
from ostiary.contract.calling import W
from ostiary.contract.fields import PlanId
from ostiary.contract.named import OfPlan
from ostiary.contract.operation import Namespace, Nothing, Operation
from ostiary.contract.shapes import AdminSession, Count, Instant
from ostiary.core.duration import MAXIMUM_LENGTH as MAXIMUM_DURATION
from ostiary.core.plan import MAXIMUM_PINNED, Newer, State
from ostiary.errors import Conflict, PlanNotFound, PlanStale, ReauthenticationRequired, UserNotFound


class MadePlan(Answer, kw_only=True):
    """A plan: the sessions that it pins, and no others, are ended when it is applied."""

    plan_id: PlanId
    count: Annotated[Count, Meta(description="Sessions that are pinned.")]
    users: Annotated[Count, Meta(description="How many users they are of.")]
    sample: Annotated[Sequence[AdminSession], Meta(description="The newest of them.")]
    expires_at: Annotated[Instant, Meta(description="Apply it before.")]


class PlanProgress(Answer, kw_only=True):
    """How far a plan has come."""

    plan_id: PlanId
    state: State
    filters: dict[str, str]
    pinned: Count
    count: Annotated[Count, Meta(description="Sessions that it ended; the other pinned ones had ended before.")]
    done: Annotated[bool, Meta(description="False while there is more to do: ask for the same again.")]
    restored: Annotated[Count, Meta(description="Sessions that an undo brought back.")]
    created_at: Instant
    created_by: Annotated[str, Meta(description="A user, a CLI token, or `database:` and a login.")]
    created_by_username: Annotated[str | None, Meta(description="The username, where that is a user whom we know.")]
    applied_by: Annotated[str | None, Meta(description="Likewise; null while nobody did.")]
    expires_at: Instant
    undo_until: Annotated[Instant | None, Meta(description="Null when it is not applied, or was applied for good.")]
    can_undo: Annotated[bool, Meta(description="True if an undo may begin now.")]
    newer: Annotated[
        Count | None,
        Meta(description="Live sessions that match by now and are not pinned; null where nobody counted them."),
    ]


PlanList: TypeAlias = tuple[PlanProgress, ...]


class ListPlans(Nothing):
    """The plans of the last two days, newest first."""


class ShowPlan(OfPlan):
    """What a plan pins, and how far it has come."""


class ApplyPlan(OfPlan, kw_only=True):
    """End the pinned sessions with the reason `bulk`. Asking again goes on, and changes nothing once it is done."""

    tolerance: Annotated[
        int,
        Meta(ge=0, le=2**31 - 1, description="How many sessions may match that are not pinned. They are not ended."),
    ] = 0
    undo_for: Annotated[
        Annotated[str, Meta(min_length=1, max_length=MAXIMUM_DURATION)] | None,
        Meta(description="How long it can be undone: `0s` to `24h`, default `10m`.", examples=["10m"]),
    ] = None
    newer: Annotated[
        Newer | None,
        Meta(description="`leave` or `include` what matches and is not pinned; null: `tolerance` decides."),
    ] = None
    limit: (
        Annotated[
            int,
            Meta(ge=1, le=MAXIMUM_PINNED, description="Look at this many pinned sessions at most, then answer."),
        ]
        | None
    ) = None


class UndoPlan(OfPlan):
    """Bring back the sessions that the plan ended, but for those that somebody ended again since."""


class Plans(Namespace[W]):
    """Ending many sessions at once."""

    tag = "administration: plans"

    make = Operation(
        "POST",
        "/api/v1/admin/sessions/plan",
        MakePlan,
        MadePlan,
        summary="Pin sessions, to end them",
        errors=(UserNotFound,),
    )
    list = Operation(
        "GET",
        "/api/v1/admin/sessions/plan",
        ListPlans,
        PlanList,
        summary="Plans, and what can be undone",
    )
    show = Operation(
        "GET",
        "/api/v1/admin/sessions/plan/{plan_id}",
        ShowPlan,
        PlanProgress,
        summary="How far a plan has come",
        errors=(PlanNotFound,),
    )
    apply = Operation(
        "POST",
        "/api/v1/admin/sessions/plan/{plan_id}/apply",
        ApplyPlan,
        PlanProgress,
        summary="End exactly the pinned sessions",
        errors=(PlanNotFound, PlanStale, Conflict, ReauthenticationRequired),
        is_body_optional=True,
    )
    undo = Operation(
        "POST",
        "/api/v1/admin/sessions/plan/{plan_id}/undo",
        UndoPlan,
        PlanProgress,
        summary="Bring back what a plan ended",
        errors=(PlanNotFound, Conflict, ReauthenticationRequired),
    )
