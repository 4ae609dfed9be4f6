"""`token create` and `token rotate`: the two that show a secret, once, and only where it was asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final

import click

from ostiary.cli.answers import Object, text, texts
from ostiary.cli.calls import Calls
from ostiary.cli.failures import usage
from ostiary.cli.invocation import Invocation
from ostiary.cli.matching import is_whole, match
from ostiary.cli.options import Verb, options
from ostiary.cli.output.column import columns
from ostiary.cli.private_file import PrivateFile
from ostiary.cli.span import span

COLUMNS: Final = columns("id", "name", "created_at", "expires_at", "scopes")

_once = options(
    click.option("--output-file", metavar="FILE", help="Write the secret to this file (0600) and show it nowhere."),
    click.option("--force", is_flag=True, help="Replace FILE when it exists."),
    click.option("--quiet", "-q", is_flag=True, help="Write the secret, and only that, to stdout."),
)


@click.command(cls=Verb)
@click.argument("name")
@click.option(
    "--expires-in", metavar="DURATION", help="How long it works, such as 30d, 12h or 1d12h. [default: no limit]"
)
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    metavar="SCOPE",
    help="What it may do; may be repeated. [default: your own sessions and tokens, not admin]",
)
@_once
@click.pass_obj
def create(invocation: Invocation, /, name: str, expires_in: str | None, scopes: tuple[str, ...], **once: Any) -> None:
    """Make a CLI token and show its secret once.

    The secret goes to stderr, so that it lands in no file by accident; to stdout with --quiet or in a machine format;
    to a private file with --output-file. A token never can do more, or last longer, than the credential that made it.

    \b
    Examples:
      ostiary token create ci --expires-in 30d --scope sessions:read
      ostiary token create backup --output-file ~/.config/backup.token
      OSTIARY_TOKEN=$(ostiary token create job --expires-in 1h --quiet) ostiary whoami
    """
    # The API knows hours, minutes and seconds; days are ours.
    lasts = f"{span('--expires-in', expires_in).total_seconds():f}s" if expires_in is not None else None
    calls = invocation.calls()
    wanted = {"name": name, "expires_in": lasts, "scopes": list(scopes) or None}
    _show_once(invocation, lambda: calls.ask("create_cli_token", **wanted), **once)


@click.command(cls=Verb)
@click.argument("token_id", metavar="ID")
@_once
@click.pass_obj
def rotate(invocation: Invocation, /, token_id: str, **once: Any) -> None:
    """Give a CLI token a new secret; the old one is refused at once.

    Id, name, scopes and expiry stay. The secret is shown once, as by 'create'.

    \b
    Examples:
      ostiary token rotate ost_k3v7mzpq2w4x6y7a2b3c4d5e6f --output-file ci.token --force
    """
    calls = invocation.calls()
    chosen = finder(calls)(token_id)
    _show_once(invocation, lambda: calls.ask("rotate_cli_token", token_id=chosen), **once)


def _show_once(
    invocation: Invocation, make: Callable[[], Object], *, output_file: str | None, force: bool, quiet: bool
) -> None:
    if force and output_file is None:
        raise usage("--force belongs to --output-file")
    if quiet and output_file is not None:
        raise usage("--quiet and --output-file were both given; choose one")
    if output_file is not None:
        with PrivateFile(output_file, replace=force) as file:  # opened first: a secret that cannot be kept is not made
            made = make()
            file.write(f"{text(made, 'token')}\n")
        shown = {key: value for key, value in made.items() if key != "token"}
        invocation.done(f"The secret of CLI token {text(made, 'id')} is in {output_file}.", shown, COLUMNS)
        return
    made = make()
    if quiet:
        invocation.write(f"{text(made, 'token')}\n")
    elif invocation.form in {"table", "quiet"}:
        invocation.show_one(made, COLUMNS)
        invocation.say(f"The secret, shown only now:\n{text(made, 'token')}")
    else:
        invocation.show_one(made, columns(*COLUMNS, "token"))


def finder(calls: Calls) -> Callable[[str], str]:
    """Makes whole ids of the caller's CLI tokens of their beginnings. It raises a `Failure` if none or several fit."""
    known = cache(lambda: texts(calls.ask_list("list_cli_tokens"), "id"))
    return lambda one: one if is_whole(one, "ost") else match(one, known(), "ost", "CLI token")
