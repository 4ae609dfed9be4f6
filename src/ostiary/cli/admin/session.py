"""`admin session`: find anybody's sessions, and end exactly those that were found."""

from __future__ import annotations

from typing import Any, Final

import click

from ostiary.cli.admin.applying import PROGRESS, about, apply_in_steps, came_since, described, made_by, whole_id
from ostiary.cli.answers import Object, counted, text
from ostiary.cli.ask import confirm
from ostiary.cli.calls import Calls
from ostiary.cli.failures import usage
from ostiary.cli.invocation import Invocation
from ostiary.cli.options import Noun, options, yes_option
from ostiary.cli.output import render
from ostiary.cli.output.column import Column, columns
from ostiary.cli.span import ago, moment
from ostiary.core.selector import FILTERS, SORTS

PAGE: Final = 1000
TIMES: Final = ("created_before", "created_after", "last_used_before")  # filters that take a time, or how long ago
DEFAULT_LIMIT: Final = 100

SESSIONS: Final = columns(
    "id", "username", "status", "created_at", "last_used_at", "ip", Column("user_agent", "user agent", limit=26)
)
PINNED: Final = columns("plan_id:plan", "count:sessions", "users", "expires_at:apply before")

PLANS: Final = columns(*PROGRESS, Column("filters", "filters", described), "created_at:made", "made_by:by")

_where = options(
    click.option(
        "--where",
        "filters",
        multiple=True,
        metavar="FILTER=VALUE",
        help=f"Only those: {', '.join(FILTERS)}; may be repeated, and all hold at once.",
    ),
    click.option("--older-than", metavar="DURATION", help="Only those not used for this long, such as 30d."),
)
_all = click.option("--all", "everybody", is_flag=True, help="Everybody's sessions, when no filter is given.")
_terms = options(
    click.option(
        "--undo-for",
        default="10m",
        show_default=True,
        metavar="DURATION",
        help="How long it can be undone; 0s: not at all.",
    ),
    click.option(
        "--tolerance",
        type=click.IntRange(0),
        default=0,
        show_default=True,
        metavar="N",
        help="Go on although up to N sessions that match came since; they are not ended.",
    ),
    click.option(
        "--newer",
        type=click.Choice(("leave", "include")),
        help="Go on however many that match came since: leave them, or end them, too.",
    ),
)


@click.group(cls=Noun)
def session() -> None:
    """Anybody's sessions: find them, and end exactly those that were found."""


@session.command("list")
@_where
@click.option(
    "--sort",
    type=click.Choice(SORTS),
    default="-created_at",
    show_default=True,
    help="In this order; with a - newest first.",
)
@click.option(
    "--limit", type=click.IntRange(1), default=DEFAULT_LIMIT, show_default=True, metavar="N", help="At most N."
)
@click.pass_obj
def list_(invocation: Invocation, filters: tuple[str, ...], older_than: str | None, sort: str, limit: int) -> None:
    """List anybody's sessions, ended ones too until they are purged. How many there are is said exactly.

    \b
    Examples:
      ostiary admin session list --where ip=203.0.113.0/24 --where status=live
      ostiary admin session list --where user=ada --older-than 30d --format json
    """
    query: dict[str, object] = {**_filters(filters, older_than), "sort": sort}
    found, count = list[Object](), None
    for page in invocation.calls().pages("search_sessions", "sessions", **query, limit=min(PAGE, limit)):
        found, count = found + page["sessions"], page.get("count")
        if len(found) >= limit:
            break
    invocation.show(found[:limit], SESSIONS)
    invocation.say(f"{count} in all")


@session.command()
@_where
@_all
@click.pass_obj
def plan(invocation: Invocation, filters: tuple[str, ...], older_than: str | None, everybody: bool) -> None:
    """Pin the live sessions that match, and show how many and which. Nothing is ended.

    'ostiary admin session apply' ends exactly these, within 15 minutes. Your own session is never among them.

    \b
    Examples:
      ostiary admin session plan --where ip=203.0.113.0/24
      ostiary admin session plan --where device=phone --older-than 30d
    """
    _show_plan(invocation, _plan(invocation.calls(), filters, older_than, everybody))


@session.command()
@_where
@_all
@click.option("--dry-run", is_flag=True, help="Only show what would be ended, as 'admin session plan'.")
@_terms
@yes_option
@click.pass_obj
def revoke(
    invocation: Invocation,
    /,
    filters: tuple[str, ...],
    older_than: str | None,
    everybody: bool,
    dry_run: bool,
    yes: bool,
    **terms: Any,
) -> None:
    """End the live sessions that match: shows exactly how many and a sample, and asks.

    They are refused at once, everywhere. 'ostiary admin session undo' brings them back within the time of --undo-for.
    When it is interrupted, 'ostiary admin session apply' goes on with the same plan.

    \b
    Examples:
      ostiary admin session revoke --where user=ada --where ip=203.0.113.0/24 --dry-run
      ostiary admin session revoke --older-than 30d --undo-for 1h
    """
    calls = invocation.calls()
    made = _plan(calls, filters, older_than, everybody)
    if dry_run:
        _show_plan(invocation, made)
        return
    invocation.say(render(made.get("sample") or [], SESSIONS, "table").rstrip("\n"))
    if not made.get("count"):
        invocation.say("No live session matches.")
        return
    words = f"{counted(made, 'count', 'session')} of {counted(made, 'users', 'user')}"
    came = ", and what came since" if terms.get("newer") == "include" else ""
    confirm(f"Revoke {words}{came}?", yes=yes)
    apply_in_steps(invocation, calls, text(made, "plan_id"), terms)


@session.command()
@click.argument("plan_id", metavar="PLAN")
@_terms
@yes_option
@click.pass_obj
def apply(invocation: Invocation, /, plan_id: str, yes: bool, **terms: Any) -> None:
    """End exactly the sessions that PLAN pins. Again goes on where it stopped, and ends nothing twice.

    The beginning of a plan's id will do when only one plan has it.

    \b
    Examples:
      ostiary admin session apply plan_k3v7mzpq2w4x6y7a2b3c4d5e6f
      ostiary admin session apply plan_k3v7mzpq2w4x6y7a2b3c4d5e6f --newer include
    """
    calls = invocation.calls()
    found = calls.ask("show_plan", plan_id=whole_id(calls, plan_id))
    if found.get("state") == "planned":
        came = came_since(found) if terms.get("newer") == "include" else ""
        confirm(f"Revoke {counted(found, 'pinned', 'session')}{came} ({about(found)})?", yes=yes)
    apply_in_steps(invocation, calls, text(found, "plan_id"), terms)


@session.command()
@click.pass_obj
def plans(invocation: Invocation) -> None:
    """List the plans of the last two days, newest first, and until when each can be undone.

    \b
    Examples:
      ostiary admin session plans
      ostiary admin session plans --format json
    """
    found = invocation.calls().ask_list("list_plans")
    invocation.show([{**one, "made_by": made_by(one)} for one in found], PLANS)


@session.command()
@click.argument("plan_id", metavar="PLAN")
@yes_option
@click.pass_obj
def undo(invocation: Invocation, plan_id: str, yes: bool) -> None:
    """Bring back the sessions that PLAN ended, but for those that somebody ended again since.

    The beginning of a plan's id will do when only one plan has it. Of one that was undone before, nothing is done.

    \b
    Examples:
      ostiary admin session undo plan_k3v7mzpq2w4x6y7a2b3c4d5e6f
    """
    calls = invocation.calls()
    found = calls.ask("show_plan", plan_id=whole_id(calls, plan_id))
    plan_id = text(found, "plan_id")
    if found.get("state") == "undone":
        said = f"{plan_id} was undone before: 0 sessions restored now, {found.get('restored')} then."
        invocation.done(said, found, PROGRESS)
        return
    confirm(f"Bring back {counted(found, 'count', 'session')} that {plan_id} ended ({about(found)})?", yes=yes)
    answer = calls.ask("undo_plan", plan_id=plan_id)
    invocation.done(f"{counted(answer, 'restored', 'session')} restored.", answer, PROGRESS)


def _plan(calls: Calls, filters: tuple[str, ...], older_than: str | None, everybody: bool) -> Object:
    wanted = _filters(filters, older_than)
    if not wanted and not everybody:
        raise usage("say which sessions: --where, --older-than, or --all for everybody's")
    if wanted and everybody:
        raise usage("--all does not go with --where and --older-than")
    return calls.ask("make_plan", **wanted)


def _filters(given: tuple[str, ...], older_than: str | None) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in given:
        name, equals, value = one.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or not name:
            raise usage(f'--where: "{one}" is not of the form FILTER=VALUE, such as user=ada')
        if name in found:
            raise usage(f"--where: {name} was given more than once")
        found[name] = (moment(f"--where {name}", value) or value) if name in TIMES else value
    if older_than is not None:
        if "last_used_before" in found:
            raise usage("--older-than does not go with --where last_used_before=")
        try:
            found["last_used_before"] = ago(older_than)
        except (ValueError, OverflowError) as why:
            raise usage(f'--older-than: "{older_than}" {why}') from None
    return found


def _show_plan(invocation: Invocation, made: Object) -> None:
    if invocation.form == "table":
        invocation.say(render(made.get("sample") or [], SESSIONS, "table").rstrip("\n"))
    invocation.show_one(made, PINNED)
    if invocation.form == "table":
        invocation.say(f"to end exactly these: ostiary admin session apply {text(made, 'plan_id')}")
