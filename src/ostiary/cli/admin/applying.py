"""A plan of `admin session`, carried out and told of: which it is, whose, and how far it has come."""

from __future__ import annotations

from typing import Any, Final

from ostiary.cli.answers import Object, counted, text, texts
from ostiary.cli.calls import Calls
from ostiary.cli.failures import Failure
from ostiary.cli.invocation import Invocation
from ostiary.cli.matching import is_whole, match
from ostiary.cli.output.column import Column, columns, minute

STEP: Final = 5000  # sessions in one request: some seconds at most, so that the progress is seen to move

PROGRESS: Final = columns(
    "plan_id:plan", "state", "pinned:sessions", "count:ended", "restored", Column("undo_until", "undo until", minute)
)


def whole_id(calls: Calls, given: str) -> str:
    """The id of the one plan that begins like that.

    Raises:
        Failure: none does, or several.
    """
    if is_whole(given, "plan"):
        return given
    return match(given, texts(calls.ask_list("list_plans"), "plan_id"), "plan", "plan")


def described(filters: object) -> str:
    """A plan's filters in one line: `user=ada, ip=203.0.113.0/24`, as `--where` takes each.

    `status=live` is left out, as it is true of every plan.
    """
    given = filters.items() if isinstance(filters, dict) else ()
    return ", ".join(f"{name}={value}" for name, value in given if value != "live") or "all live sessions"


def made_by(plan: Object) -> str:
    """Who made it: their username where it is known."""
    return text(plan, "created_by_username") or text(plan, "created_by")


def about(plan: Object) -> str:
    """What it is about, and whose it is, for a question."""
    return f"{described(plan.get('filters'))}; planned by {made_by(plan)}"


def came_since(plan: Object) -> str:
    """What `--newer include` ends as well, for a question."""
    newer = plan.get("newer")
    return f", and the {newer} that came since" if newer else ", and what came since"


def apply_in_steps(invocation: Invocation, calls: Calls, plan_id: str, terms: dict[str, Any]) -> None:
    """Apply it until all is done; what came of it is told, and until when it can be undone.

    Raises:
        Failure: the server refused it; of a plan that does not fit any more it names the commands that go on.
    """
    while True:
        try:
            answer = calls.ask("apply_plan", plan_id=plan_id, limit=STEP, **terms)
        except Failure as why:
            raise _with_commands(why, plan_id, terms) from None
        pinned = answer.get("pinned")
        if isinstance(pinned, int) and pinned > STEP:
            invocation.say(f"{answer.get('count')} of {pinned} ended")
        if answer.get("done") is not False:
            break
    invocation.done(f"{counted(answer, 'count', 'session')} revoked{_newer(answer)}.", answer, PROGRESS)
    if not answer.get("undo_until"):
        return
    until = minute(answer["undo_until"])
    if answer.get("can_undo") is False:
        invocation.note(f"it can no longer be undone: the time for it ran out at {until} UTC.")
    else:
        invocation.note(f"until {until} UTC this can be undone: ostiary admin session undo {plan_id}")


def _newer(answer: Object) -> str:
    newer = answer.get("newer")
    return f"; {newer} newer {'stays' if newer == 1 else 'stay'}" if newer else ""


def _with_commands(why: Failure, plan_id: str, terms: dict[str, Any]) -> Failure:
    added = why.problem.get("added")
    if why.code != "plan_stale" or not isinstance(added, int):
        return why
    command = f"ostiary admin session apply {plan_id} --undo-for {terms['undo_for']} --newer"
    which = "1 session that matches" if added == 1 else f"{added} sessions that match"
    return Failure(
        f"{which} came since {plan_id} was made; nothing was ended",
        why.exit_code,
        hint=f"to leave what is newer: {command} leave; to end it, too: {command} include",
        code=why.code,
        problem=why.problem,
    )
