"""`keys`: the keys that sign tokens, for administrators."""

from __future__ import annotations

from typing import Final

import click

from ostiary.cli.ask import confirm
from ostiary.cli.invocation import Invocation
from ostiary.cli.options import Noun, database_url_option, yes_option
from ostiary.cli.output.column import columns

ROTATED: Final = columns("keys")


@click.group(cls=Noun)
def keys() -> None:
    """The keys that sign OAuth tokens, and the one that protects them."""


@keys.command()
@click.option("--at-once", is_flag=True, help="The old keys leaked: accept nothing that they signed any more.")
@yes_option
@database_url_option
@click.pass_obj
def rotate(invocation: Invocation, at_once: bool, yes: bool) -> None:
    """Sign with new keys from now on.

    The old ones stay published for a day, so that what they signed is still accepted; their private parts are
    forgotten. With --at-once they are gone from every node within 10 seconds; sessions and refresh tokens live on.

    \b
    Examples:
      ostiary keys rotate
      ostiary keys rotate --at-once --yes
    """
    calls = invocation.administration()
    if at_once:
        confirm("Refuse everything that the old keys signed?", yes=yes)
    answer = calls.ask("rotate_keys", at_once=at_once)
    invocation.done("New keys sign from now on.", answer, ROTATED)


@keys.command()
def generate() -> None:
    """Print a new key that protects signing keys, for the setting key_file or OSTIARY_KEY.

    Beside a SQLite database one is made by itself. Every node of a PostgreSQL database needs the same one.

    \b
    Examples:
      ostiary keys generate > ostiary.key
    """
    import base64
    import secrets

    click.echo(base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode())
