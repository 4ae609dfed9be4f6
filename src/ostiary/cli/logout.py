"""`logout`: end the remembered session and forget it."""

from __future__ import annotations

from dataclasses import replace

import click

from ostiary.cli.failures import REFUSED, SIGN_IN, Failure, Unreachable
from ostiary.cli.invocation import Invocation
from ostiary.cli.options import Verb
from ostiary.cli.output.column import columns
from ostiary.cli.profiles import store
from ostiary.cli.remembered import end, home, is_session, public_id
from ostiary.cli.server_calls import ServerCalls


@click.command(cls=Verb)
@click.pass_obj
def logout(invocation: Invocation) -> None:
    """End the remembered session on the server, then forget it.

    It is forgotten even when the server cannot be reached; then the session lives on until it expires, and you are told
    so. A remembered CLI token is only forgotten: 'ostiary token revoke' ends it.

    \b
    Examples:
      ostiary logout
      ostiary logout --profile staging
    """
    profile = invocation.profile
    if profile.credential is None or profile.issued_for is None:
        raise Failure(f"profile {profile.name} is not signed in", REFUSED, hint=SIGN_IN, code="no_credentials")
    calls = ServerCalls(home(profile), profile.credential, trace=invocation.trace())
    problem = end(calls)
    store(invocation.config_path, replace(profile, credential=None, issued_for=None))
    session_id = public_id(profile.credential) or "unknown"
    if problem is not None:
        reason = "the server cannot be reached" if isinstance(problem, Unreachable) else problem.message
        raise Failure(
            f"forgotten here, but session {session_id} could not be ended on {profile.issued_for}: {reason}",
            problem.exit_code,
            hint="end it from another session: 'ostiary session revoke'",
            code=problem.code,
        )
    ended = is_session(profile.credential)
    said = f"Signed out. Session {session_id} ended." if ended else f"Forgotten. CLI token {session_id} still works."
    invocation.done(said, {"id": session_id, "ended": ended}, columns("id", "ended"))
