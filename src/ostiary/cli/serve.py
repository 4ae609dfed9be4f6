"""`serve`: run the server."""

from __future__ import annotations

from contextlib import suppress

import click

from ostiary.cli.options import Verb
from ostiary.cli.private_file import keep_new_files_private


@click.command(cls=Verb)
@click.option("--host", metavar="ADDRESS", help="Address to listen on. [OSTIARY_HOST; default: 127.0.0.1]")
@click.option(
    "--port", type=int, metavar="PORT", help="Port to listen on; 0 takes a free one. [OSTIARY_PORT; default: 8420]"
)
@click.option(
    "--database-url",
    metavar="URL",
    help="Where sessions live: sqlite:///path or postgresql://user:password@host/name. [OSTIARY_DATABASE_URL; "
    "default: SQLite under the data directory]",
)
@click.option("--workers", type=int, metavar="N", help="Processes; one a core. [OSTIARY_WORKERS; default: 1]")
@click.option(
    "--public-url",
    metavar="URL",
    help="The origin that people use; https here makes every cookie secure. [OSTIARY_PUBLIC_URL]",
)
@click.option(
    "--trusted-proxies",
    metavar="NETWORKS",
    help="Networks, with commas between, whose forwarded headers are believed. [OSTIARY_TRUSTED_PROXIES]",
)
@click.option(
    "--allow-plain-http", is_flag=True, default=None, help="Accept sign-ins over plain http from other machines."
)
@click.option("--policy", metavar="NAME", help="default, nist-aal1, nist-aal2 or nist-aal3. [OSTIARY_POLICY]")
@click.option("--log-level", metavar="LEVEL", help="debug, info, warning or error. [OSTIARY_LOG_LEVEL; default: info]")
def serve(**arguments: object) -> None:
    """Run the server until it is told to stop.

    Takes its settings from the options, OSTIARY_* in the environment, ostiary.toml here, or the defaults, in this
    order. A SQLite database is brought to this version's schema; for PostgreSQL run 'ostiary migrate' first. When
    there is no account yet, a one-time link to make the first administrator is printed.

    \b
    Examples:
      ostiary serve
      ostiary serve --host 0.0.0.0 --public-url https://auth.example.org --database-url postgresql://ostiary@db/ostiary
    """
    from ostiary.application import run
    from ostiary.settings import load

    keep_new_files_private()
    settings = load(arguments).settings
    with suppress(KeyboardInterrupt):  # how one stops it: it has shut down properly by now
        run(settings)
