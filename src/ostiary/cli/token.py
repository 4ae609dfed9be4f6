"""`token`: one's own CLI tokens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import click

from ostiary.cli.answers import Object
from ostiary.cli.calls import Calls
from ostiary.cli.invocation import Invocation
from ostiary.cli.options import Noun
from ostiary.cli.output.column import columns, instant
from ostiary.cli.several import Several, own_id, warn_of_stale
from ostiary.cli.token_secrets import create, finder, rotate

STALE_AFTER_DAYS: Final = 90

COLUMNS: Final = columns("id", "name", "status", "created_at", "last_used_at", "expires_at", "scopes")
REVOKED: Final = columns("id", "ok")
VALID: Final = columns("valid", "token_id:id", "username:user", "user_email:email", "expires_at", "scopes")


@click.group(cls=Noun)
def token() -> None:
    """Your CLI tokens: long-lived named credentials for scripts, apart from sessions."""


@token.command("list")
@click.option(
    "--warn-stale-days",
    type=int,
    default=STALE_AFTER_DAYS,
    show_default=True,
    metavar="N",
    help="Mark tokens unused for more than N days as stale; 0 disables.",
)
@click.pass_obj
def list_(invocation: Invocation, warn_stale_days: int) -> None:
    """List your CLI tokens, ended ones too.

    Secrets are not shown: the server does not know them.

    \b
    Examples:
      ostiary token list
      ostiary token list --format csv > tokens.csv
    """
    found = invocation.calls().ask_list("list_cli_tokens")
    shown = [_judged(one, warn_stale_days) for one in found]
    invocation.show(shown, COLUMNS)
    warn_of_stale(invocation, shown, warn_stale_days, "CLI token", "ostiary token revoke")


def _judged(one: Object, days: int) -> Object:
    used = instant(one.get("last_used_at")) or instant(one.get("created_at"))
    stale = days > 0 and used is not None and datetime.now(UTC) - used > timedelta(days=days)
    return {**one, "status": "stale" if stale and one.get("status") == "active" else one.get("status")}


@token.command()
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@click.option("--yes", "-y", is_flag=True, hidden=True, help="Accepted as elsewhere; nothing is asked.")
@click.pass_obj
def revoke(invocation: Invocation, ids: tuple[str, ...], yes: bool) -> None:
    """Revoke CLI tokens of yours; they are refused at once.

    Of several, each is tried, the one that this command uses last, and each is told with its id. The exit code is 3 if
    only unknown ones failed, else that of the first other failure.

    The beginning of an id will do when only one token has it. Sessions are not touched.

    \b
    Examples:
      ostiary token revoke ost_k3v7mzpq2w4x6y7a2b3c4d5e6f
    """
    calls = invocation.calls()
    several = Several(invocation, ids)
    chosen = several.find(finder(calls))
    several.do(chosen, lambda one: _revoke(invocation, calls, one), own=own_id(invocation))
    if invocation.form != "table" and several.results:
        invocation.show_all(several.results, REVOKED)
    several.leave()


def _revoke(invocation: Invocation, calls: Calls, token_id: str) -> Object:
    answer = calls.ask("revoke_cli_token", token_id=token_id)
    if invocation.form == "table":
        invocation.done(f"CLI token {token_id} revoked.", answer, REVOKED)
    return answer


@token.command()
@click.pass_obj
def validate(invocation: Invocation) -> None:
    """Ask the server whether the credential in use is a CLI token that works; exits with 4 when not.

    OSTIARY_TOKEN is the one that is asked about, else the remembered one.

    \b
    Examples:
      OSTIARY_TOKEN=$(cat ci.token) ostiary token validate
    """
    invocation.show_one(invocation.calls().ask("validate_cli_token"), VALID)


token.add_command(create)
token.add_command(rotate)
