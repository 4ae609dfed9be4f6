"""`whoami`: who you are to the server."""

from __future__ import annotations

from typing import Final

import click

from ostiary.cli.answers import member, text
from ostiary.cli.invocation import Invocation
from ostiary.cli.options import Verb
from ostiary.cli.output import MACHINE_FORMATS
from ostiary.cli.output.column import columns

WHO: Final = columns("username:user", "email", "roles", "server", "credential", "id", "expires_at")


@click.command(cls=Verb)
@click.pass_obj
def whoami(invocation: Invocation) -> None:
    """Show who you are to the server, and by which credential.

    Asks the server every time: it exits with 4 when the credential is not valid any more.

    \b
    Examples:
      ostiary whoami
      ostiary whoami --format json | jq -r .user.username
    """
    answer = invocation.calls().ask("who_am_i")
    session, token = member(answer, "session"), member(answer, "token")
    held = session or token
    kind = "session" if session else "CLI token"
    if invocation.form in MACHINE_FORMATS:
        invocation.show_one(
            {**answer, "server": invocation.address.url, "credential": "session" if session else "token"}, WHO
        )
        return
    user = member(answer, "user")
    issuer = text(held, "issued_by")
    shown = {
        **user,
        "server": invocation.address.url,
        "credential": f"{kind}, made by {issuer}" if issuer else kind,
        "id": held.get("id"),
        "expires_at": held.get("expires_at"),
    }
    invocation.show_one(shown, WHO)
