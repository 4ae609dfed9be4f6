"""`session`: one's own sessions."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Final

import click

from ostiary.cli.answers import Object, counted, texts
from ostiary.cli.ask import confirm
from ostiary.cli.calls import Calls
from ostiary.cli.extent import extent_options, read_extent, tell_standing
from ostiary.cli.invocation import Invocation
from ostiary.cli.matching import is_whole, match
from ostiary.cli.options import Noun, yes_option
from ostiary.cli.output.column import Column, columns
from ostiary.cli.several import SIGNED_OUT, Several, own_id, warn_of_stale
from ostiary.cli.span import span
from ostiary.cli.step_up import keep_renewed
from ostiary.cli.waiting import REVOKED, show_revoked, wait_for, wait_options
from ostiary.core.duration import parse_duration

AGENT_WIDTH: Final = 26  # terminal columns of the user agent in the table; ids are never cut
STALE_AFTER_DAYS: Final = 30

COLUMNS: Final = columns(
    "id",
    "is_current",
    "status",
    "created_at",
    "last_used_at",
    "ip",
    Column("user_agent", "user agent", limit=AGENT_WIDTH),
)
TREE: Final = Column("branch", "id", is_id=True)  # with what it hangs under in front of it, by its depth
BELOW: Final = Column("below", "below")
ENDING: Final = columns("ended_at", "reason")
COUNTED: Final = columns("count", "tokens", "ok")


@click.group(cls=Noun)
def session() -> None:
    """Your own sessions: see every one, end any of them."""


@session.command("list")
@click.option(
    "--warn-stale-days",
    type=int,
    default=STALE_AFTER_DAYS,
    show_default=True,
    metavar="N",
    help="Mark sessions unused for more than N days as stale; 0 disables.",
)
@click.option("--ended", is_flag=True, help="Show ended sessions, too, with when and why.")
@click.option("--tree", is_flag=True, help="Show devices, each with what hangs under it.")
@click.pass_obj
def list_(invocation: Invocation, warn_stale_days: int, ended: bool, tree: bool) -> None:
    """List your sessions, most recently used first.

    CURRENT marks the one that this command uses. Times are UTC. The user agent is cut to 26 columns in the table; other
    formats carry all of it. Revoking needs the id or its beginning.

    \b
    Examples:
      ostiary session list --tree
      ostiary session list --ended --warn-stale-days 7
      ostiary session list --format json | jq '.[] | {id, ip, last_used: .last_used_at, ua: .user_agent}'
    """
    # What the server does by itself is not asked for: without a query it answers soonest.
    stale_after_days = None if warn_stale_days == STALE_AFTER_DAYS else warn_stale_days
    include = "ended" if ended else None
    view = "tree" if tree else None
    found = invocation.calls().ask_list("list_sessions", stale_after_days=stale_after_days, include=include, view=view)
    columns = (TREE, *COLUMNS[1:], BELOW) if tree else COLUMNS
    invocation.show([_in_tree(one, found) for one in found] if tree else found, columns + ENDING if ended else columns)
    warn_of_stale(invocation, found, warn_stale_days, "session", "ostiary session revoke")


@session.command()
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@extent_options
@wait_options
@yes_option
@click.pass_obj
def revoke(
    invocation: Invocation,
    ids: tuple[str, ...],
    below: bool,
    device: bool,
    standing: bool,
    yes: bool,
    wait: bool,
    wait_timeout: str,
) -> None:
    """End sessions of yours, now and everywhere, with what is bound to them.

    Of several, each is tried, the one that this command uses last, and each is told with its id. The exit code is 3 if
    only unknown ones failed, else that of the first other failure.

    The beginning of an id will do when only one session has it. Ending one that has ended is no error, and its first
    reason stays. CLI tokens are not touched: see 'ostiary token revoke'.

    The server refuses it from now on. --wait waits for the programs that remember sessions, too; when one may still
    accept it at the end, it is named with the time its trust runs out, and the exit code is 1.

    \b
    Examples:
      ostiary session revoke sess_k3v7 --wait
      ostiary session revoke --yes sess_k3v7mzpq2w4x6y7a2b3c4d5e6f
    """
    patience = span("--wait-timeout", wait_timeout, parse_duration)
    how_far = read_extent(below, device, standing)
    calls = invocation.calls()
    several = Several(invocation, ids)
    chosen = several.find(_finder(calls))
    confirm(f"Revoke {_named(chosen)}?", yes=yes)
    own = own_id(invocation)
    several.do([one for one in chosen if one != own], lambda one: _revoke(invocation, calls, one, how_far))
    # Waited for while somebody can ask: the own session ends after that.
    lags = wait_for(calls, "show_lag", texts(several.answers, "id"), patience) if wait else []
    several.do([one for one in chosen if one == own], lambda one: _revoke(invocation, calls, one, how_far))
    if wait and any(answer.get("is_current") is True for answer in several.answers):
        invocation.note("nobody can ask with the session that just ended, so --wait does not tell about it.")
    show_revoked(invocation, several, lags)


def _finder(calls: Calls) -> Callable[[str], str]:
    """Makes whole ids of their beginnings; the list is asked for once, if at all."""
    known = cache(lambda: texts(calls.ask_list("list_sessions", include="ended"), "id"))
    return lambda one: one if is_whole(one, "sess") else match(one, known(), "sess", "session")


def _named(ids: list[str]) -> str:
    return f"session {ids[0]}" if len(ids) == 1 else f"{len(ids)} sessions ({', '.join(ids)})"


def _in_tree(one: Object, all_of_them: list[Object]) -> Object:
    by_id, depth, above = {other["id"]: other for other in all_of_them}, 0, one.get("parent_id")
    while above in by_id:
        depth, above = depth + 1, by_id[above].get("parent_id")
    return {**one, "branch": f"{'  ' * depth}{one['id']}"}


def _revoke(invocation: Invocation, calls: Calls, session_id: str, how_far: Object) -> Object:
    answer = calls.ask("revoke_session", session_id=session_id, **how_far)
    if invocation.form == "table":
        invocation.done(f"Session {session_id} revoked.", answer, REVOKED)
    if answer.get("is_current") is True:
        invocation.note(SIGNED_OUT)
    tell_standing(invocation, answer, f"ostiary session revoke {session_id} --standing")
    return answer


@session.command("revoke-others")
@yes_option
@click.pass_obj
def revoke_others(invocation: Invocation, yes: bool) -> None:
    """End all of your sessions but the one that this command uses.

    CLI tokens are not touched.

    \b
    Examples:
      ostiary session revoke-others
      ostiary session revoke-others --yes --format json
    """
    calls = invocation.calls()
    confirm("Revoke all of your other sessions?", yes=yes)
    answer = calls.ask("revoke_other_sessions")
    keep_renewed(invocation, answer)
    invocation.done(f"{counted(answer, 'count', 'other session')} revoked.", answer, COUNTED)
    _remind_of_tokens(invocation, answer)


@session.command("revoke-all")
@click.option("--tokens", is_flag=True, help="Revoke your CLI tokens, too.")
@yes_option
@click.pass_obj
def revoke_all(invocation: Invocation, tokens: bool, yes: bool) -> None:
    """End all of your sessions, the one that this command uses as well.

    With --tokens nothing that could act as you is left.

    \b
    Examples:
      ostiary session revoke-all
      ostiary session revoke-all --tokens --yes
    """
    calls = invocation.calls()
    what = "all of your sessions and CLI tokens" if tokens else "all of your sessions, this one too"
    confirm(f"Revoke {what}?", yes=yes)
    answer = calls.ask("revoke_all_sessions", tokens=tokens)
    also = f" and {counted(answer, 'tokens', 'CLI token')}" if tokens else ""
    invocation.done(f"{counted(answer, 'count', 'session')}{also} revoked.", answer, COUNTED)
    invocation.note("that included your current session — re-run 'ostiary login' to continue.")
    _remind_of_tokens(invocation, answer)


def _remind_of_tokens(invocation: Invocation, answer: Object) -> None:
    if answer.get("live_tokens"):
        invocation.note(f"CLI tokens of yours that still work: {answer['live_tokens']}; see 'ostiary token list'.")
