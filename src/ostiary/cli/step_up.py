"""Some acts need a fresh sign-in: ask for the password again, keep the renewed credential."""

from __future__ import annotations

import os
from dataclasses import replace

from ostiary.cli.answers import Object, text
from ostiary.cli.ask import hidden, on_terminal
from ostiary.cli.invocation import Invocation
from ostiary.cli.profiles import store
from ostiary.cli.server_calls import ServerCalls


def reauthenticate(invocation: Invocation, calls: ServerCalls) -> str | None:
    """The session's new token, stored in the profile; None when nobody can be asked or it could not be kept.

    Raises:
        Failure: the password is wrong, or the server cannot be asked.
        Aborted: end of input.
    """
    if os.environ.get("OSTIARY_TOKEN") or not on_terminal():
        return None  # a renewed secret would be lost, and the one in the environment would stop working
    invocation.say("This needs a fresh sign-in.")
    answer = calls.ask("reauthenticate", password=hidden("Password: "))
    fresh = text(answer, "token") or calls.bearer
    if fresh is not None:
        store(invocation.config_path, replace(invocation.profile, credential=fresh))
    return fresh


def keep_renewed(invocation: Invocation, answer: Object) -> None:
    """Store the new secret of a session that an act spared; where the environment holds it, tell it once."""
    fresh = text(answer, "token")
    if not fresh:
        return
    if os.environ.get("OSTIARY_TOKEN"):
        invocation.note(f"the session in OSTIARY_TOKEN has a new secret, shown once: {fresh}")
    else:
        store(invocation.config_path, replace(invocation.profile, credential=fresh))
