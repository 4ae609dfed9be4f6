"""`token`: one's own CLI tokens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import click

from ostiary.cli.calls import Calls, Object, segment, text, texts
from ostiary.cli.failures import usage
from ostiary.cli.invocation import Invocation
from ostiary.cli.matching import is_whole, match
from ostiary.cli.options import Noun
from ostiary.cli.output.column import Column, instant, minute, words
from ostiary.cli.private_file import PrivateFile
from ostiary.cli.span import parse_span

STALE_AFTER_DAYS: Final = 90

COLUMNS: Final = (
    Column("id", "id"),
    Column("name", "name"),
    Column("status", "status"),
    Column("created_at", "created", minute),
    Column("last_used_at", "last used", minute),
    Column("expires_at", "expires", minute),
    Column("scopes", "scopes", words),
)
MADE: Final = (
    Column("id", "id"),
    Column("name", "name"),
    Column("created_at", "created", minute),
    Column("expires_at", "expires", minute),
    Column("scopes", "scopes", words),
)
SECRET: Final = Column("token", "token")
REVOKED: Final = (Column("id", "id"), Column("ok", "ok"))
VALID: Final = (
    Column("valid", "valid"),
    Column("token_id", "id"),
    Column("username", "user"),
    Column("user_email", "email"),
    Column("expires_at", "expires", minute),
    Column("scopes", "scopes", words),
)


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
    found = invocation.calls().get_list("/auth/cli-tokens")
    shown = [_judged(one, warn_stale_days) for one in found]
    invocation.show(shown, COLUMNS)
    stale = texts([one for one in shown if one["status"] == "stale"], "id")
    if stale:
        counted = "1 CLI token was" if len(stale) == 1 else f"{len(stale)} CLI tokens were"
        invocation.warn(
            f"{counted} not used for more than {warn_stale_days} days; to end: ostiary token revoke {' '.join(stale)}"
        )


def _judged(one: Object, days: int) -> Object:
    used = instant(one.get("last_used_at")) or instant(one.get("created_at"))
    stale = days > 0 and used is not None and datetime.now(UTC) - used > timedelta(days=days)
    return {**one, "status": "stale" if stale and one.get("status") == "active" else one.get("status")}


@token.command()
@click.argument("name")
@click.option(
    "--expires-in", metavar="DURATION", help="How long it works, such as 30d, 12h or 1d12h. [default: no limit]"
)
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    metavar="SCOPE",
    help="What it may do; may be repeated. [default: all but admin]",
)
@click.option("--output-file", metavar="FILE", help="Write the secret to this file (0600) and show it nowhere.")
@click.option("--force", is_flag=True, help="Replace FILE when it exists.")
@click.option("--quiet", "-q", is_flag=True, help="Write the secret, and only that, to stdout.")
@click.pass_obj
def create(
    invocation: Invocation,
    name: str,
    expires_in: str | None,
    scopes: tuple[str, ...],
    output_file: str | None,
    force: bool,
    quiet: bool,
) -> None:
    """Make a CLI token and show its secret once.

    The secret goes to stderr, so that it lands in no file by accident; to stdout with --quiet or in a machine format;
    to a private file with --output-file. A token never can do more, or last longer, than the credential that made it.

    \b
    Examples:
      ostiary token create ci --expires-in 30d --scope sessions:read
      ostiary token create backup --output-file ~/.config/backup.token
      OSTIARY_TOKEN=$(ostiary token create job --expires-in 1h --quiet) ostiary whoami
    """
    body: dict[str, object] = {"name": name}
    if expires_in is not None:
        body["expires_in"] = _go_duration(expires_in)
    if scopes:
        body["scopes"] = list(scopes)
    _make(invocation, invocation.calls(), "/auth/cli-token", body, output_file, force=force, quiet=quiet)


@token.command()
@click.argument("token_id", metavar="ID")
@click.option("--output-file", metavar="FILE", help="Write the secret to this file (0600) and show it nowhere.")
@click.option("--force", is_flag=True, help="Replace FILE when it exists.")
@click.option("--quiet", "-q", is_flag=True, help="Write the secret, and only that, to stdout.")
@click.pass_obj
def rotate(invocation: Invocation, token_id: str, output_file: str | None, force: bool, quiet: bool) -> None:
    """Give a CLI token a new secret; the old one is refused at once.

    Id, name, scopes and expiry stay. The secret is shown once, as by 'create'.

    \b
    Examples:
      ostiary token rotate ost_k3v7mzpq2w4x6y7a2b3c4d5e6f --output-file ci.token --force
    """
    calls = invocation.calls()
    path = f"/auth/cli-tokens/{segment(_resolve(calls, token_id))}/rotate"
    _make(invocation, calls, path, {}, output_file, force=force, quiet=quiet)


def _make(
    invocation: Invocation,
    calls: Calls,
    path: str,
    body: dict[str, object],
    output_file: str | None,
    *,
    force: bool,
    quiet: bool,
) -> None:
    if force and output_file is None:
        raise usage("--force belongs to --output-file")
    if quiet and output_file is not None:
        raise usage("--quiet and --output-file were both given; choose one")
    if output_file is not None:
        with PrivateFile(output_file, replace=force) as file:  # opened first: a secret that cannot be kept is not made
            made = calls.post(path, body)
            file.write(f"{text(made, 'token')}\n")
        shown = {key: value for key, value in made.items() if key != "token"}
        invocation.done(f"The secret of CLI token {text(made, 'id')} is in {output_file}.", shown, MADE)
        return
    made = calls.post(path, body)
    if quiet:
        invocation.write(f"{text(made, 'token')}\n")
    elif invocation.form in {"table", "quiet"}:
        invocation.show_one(made, MADE)
        invocation.say(f"The secret, shown only now:\n{text(made, 'token')}")
    else:
        invocation.show_one(made, (*MADE, SECRET))


@token.command()
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@click.option("--yes", "-y", is_flag=True, hidden=True, help="Accepted as elsewhere; nothing is asked.")
@click.pass_obj
def revoke(invocation: Invocation, ids: tuple[str, ...], yes: bool) -> None:
    """Revoke CLI tokens of yours; they are refused at once.

    The beginning of an id will do when only one token has it. Sessions are not touched.

    \b
    Examples:
      ostiary token revoke ost_k3v7mzpq2w4x6y7a2b3c4d5e6f
    """
    calls = invocation.calls()
    answers = [_revoke(invocation, calls, token_id) for token_id in [_resolve(calls, one) for one in ids]]
    if invocation.form != "table":
        invocation.show_all(answers, REVOKED)


def _revoke(invocation: Invocation, calls: Calls, token_id: str) -> Object:
    answer = calls.delete(f"/auth/cli-tokens/{segment(token_id)}")
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
    invocation.show_one(invocation.calls().get("/auth/cli-token/validate"), VALID)


def _resolve(calls: Calls, token_id: str) -> str:
    if is_whole(token_id, "ost"):
        return token_id
    return match(token_id, texts(calls.get_list("/auth/cli-tokens"), "id"), "ost", "CLI token")


def _go_duration(text: str) -> str:
    """As the API takes it: it knows hours, minutes and seconds, days are ours."""
    try:
        return f"{parse_span(text).total_seconds():f}s"
    except ValueError as why:
        raise usage(f'--expires-in: "{text}" {why}') from None
