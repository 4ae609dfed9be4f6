"""`--wait`: until a session that was revoked is refused by every program that remembers sessions, too."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import click

from ostiary.cli.answers import Object
from ostiary.cli.calls import Calls
from ostiary.cli.failures import FAILED
from ostiary.cli.invocation import Invocation
from ostiary.cli.options import options
from ostiary.cli.output.column import columns
from ostiary.cli.output.text import safe
from ostiary.cli.several import Several

LONGEST_POLL: Final = 10.0  # seconds that one request waits for news; the server and proxies between allow more
REVOKED: Final = columns("id", "is_current", "ok")
LAG: Final = columns("is_everywhere", "lag_ms:lag (ms)", "verifiers")


wait_options: Final = options(
    click.option(
        "--wait", is_flag=True, help="Wait until every program that remembers sessions refuses it, and say how long."
    ),
    click.option("--wait-timeout", default="30s", show_default=True, metavar="SPAN", help="How long to wait at most."),
)


def wait_for(calls: Calls, operation: str, session_ids: Sequence[str], timeout: timedelta) -> list[Object]:
    """What the server says of each, once it is refused everywhere or the time is over.

    Args:
        operation: `show_lag` for the caller's own sessions, `show_any_lag` for anybody's.
    """
    until = time.monotonic() + timeout.total_seconds()
    found = []
    for session_id in session_ids:
        while True:
            left = max(0.0, until - time.monotonic())
            lag = calls.ask(operation, session_id=session_id, wait=round(min(left, LONGEST_POLL), 3))
            if lag.get("is_everywhere") is True or time.monotonic() >= until:
                break
        found.append(lag)
    return found


def show_revoked(invocation: Invocation, several: Several, lags: Sequence[Object]) -> None:
    """Show what was revoked and, where it was waited for, how far that has come. Exits with 1 if not far enough.

    What failed is said by its own exit code.

    Formats for programs have it in the same objects: `is_everywhere`, `lag_ms`, `verifiers`, `late`.
    """
    if invocation.form != "table":
        by_id = {lag.get("session_id"): lag for lag in lags}
        results: list[Object] = [
            {**answer, **_without_id(by_id.get(answer.get("id"), {}))} for answer in several.results
        ]
        if results:
            invocation.show_all(results, (*REVOKED, *LAG) if lags else REVOKED)
    _tell(invocation, several, lags)
    several.leave()


def _without_id(lag: Object) -> Object:
    return {name: value for name, value in lag.items() if name != "session_id"}


def _tell(invocation: Invocation, several: Several, lags: Sequence[Object]) -> None:
    late: dict[str, str] = {}
    for lag in lags:
        late |= {str(one["name"]): str(one["trust_until"]) for one in lag.get("late") or []}
    if late:
        for name, until in late.items():
            invocation.warn(f"{name} has not refused it yet; its trust runs out at {until}")
        click.get_current_context().exit(several.exit_code or FAILED)
    if lags:
        invocation.say(safe(_words(max(lags, key=lambda lag: float(lag.get("lag_ms") or 0)))))


def _words(lag: Mapping[str, Any]) -> str:
    number = lag.get("verifiers")
    counted = "1 verifier" if number == 1 else f"{number} verifiers"
    return f"refused everywhere in {float(lag.get('lag_ms') or 0):.0f} ms ({counted})"
