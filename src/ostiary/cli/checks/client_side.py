"""This machine as a client: the configuration file, the credential, the server that it calls."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from ostiary.cli.answers import member, text
from ostiary.cli.checks import Finding
from ostiary.cli.failures import SIGN_IN, Failure
from ostiary.cli.invocation import Invocation
from ostiary.cli.server_calls import ServerCalls
from ostiary.cli.transport import Answer

CLOCK_TOLERANCE: Final = timedelta(seconds=10)  # a Date header is whole seconds; more makes "stale" and "expires" wrong


def client_side(invocation: Invocation) -> Iterator[Finding]:
    """The findings, in the order in which one thing needs the other."""
    try:
        before = _mode(invocation.config_path)
        profile = invocation.profile
        yield _file(invocation.config_path, before)
        yield Finding("profile", "ok", f"{profile.name}{'' if profile.server else ' (nothing remembered)'}")
        url, source = invocation.server_source()
        yield Finding("server", "ok", f"{invocation.address.url} (from {source})" if url else "")
    except Failure as failure:
        yield Finding("configuration", "broken", failure.message)
        return
    yield from _protection(invocation)
    yield from _server(invocation)


def _mode(path: str) -> int | None:
    try:
        return stat.S_IMODE(os.stat(path).st_mode)
    except OSError:
        return None


def _file(path: str, before: int | None) -> Finding:
    if before is None:
        return Finding("configuration", "info", f"{path} (not there yet)")
    now = _mode(path)
    if os.name == "posix" and now is not None and now & 0o077:
        return Finding("configuration", "unsafe", f"{path} can be read by others ({now:o})", f"chmod 600 {path}")
    if os.name == "posix" and before & 0o077:
        return Finding("configuration", "info", f"{path} could be read by others ({before:o}); tightened just now")
    return Finding("configuration", "ok", path)


def _protection(invocation: Invocation) -> Iterator[Finding]:
    if not invocation.address.is_protected:
        yield Finding(
            "transport", "unsafe", "plain http to another machine: secrets can be read on the way", "use https"
        )


def _server(invocation: Invocation) -> Iterator[Finding]:
    calls = invocation.calls_as_nobody()
    try:
        answer = calls.raw("GET", "/readyz")
    except Failure as failure:
        yield Finding("reachable", "broken", failure.message, "start it, or give --server")
        return
    if answer.status == 200:
        yield Finding("reachable", "ok", "ready: its database answers and is migrated")
    elif answer.status == 503:
        yield Finding(
            "reachable",
            "broken",
            "it runs, but is not ready: its database does not answer or is not migrated",
            "see its log",
        )
    else:
        yield Finding(
            "reachable", "broken", f"it answered {answer.status} where an Ostiary server says 200", "check --server"
        )
        return
    yield from _clock(answer)
    yield _credential(invocation)


def _clock(answer: Answer) -> Iterator[Finding]:
    from email.utils import parsedate_to_datetime

    try:
        theirs = parsedate_to_datetime(answer.headers.get("date", "")).timestamp()
    except (ValueError, TypeError):
        return
    apart = timedelta(seconds=round(abs(time.time() - theirs)))
    if apart > CLOCK_TOLERANCE:
        found = f"{apart.total_seconds():.0f} s apart from the server's"
        yield Finding("clock", "unsafe", found, "set both by NTP: times shown here and limits there disagree")
    else:
        yield Finding("clock", "ok", "agrees with the server's")


def _credential(invocation: Invocation) -> Finding:
    source = "OSTIARY_TOKEN" if os.environ.get("OSTIARY_TOKEN") else f"profile {invocation.profile_name}"
    bearer = invocation.bearer()
    if bearer is None:
        return Finding("credential", "info", f"none for this server in {source}", SIGN_IN)
    try:
        invocation.ensure_protected()
        answer = ServerCalls(invocation.address, bearer, trace=invocation.trace()).ask("who_am_i")
    except Failure as failure:
        return Finding("credential", "broken", f"{failure.message} (from {source})", failure.hint or "")
    kind = "session" if member(answer, "session") else "CLI token"
    return Finding("credential", "ok", f"{kind} of {text(member(answer, 'user'), 'username')} (from {source})")
