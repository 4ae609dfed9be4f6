"""`profile`: remembered servers."""

from __future__ import annotations

from typing import Final

import click

from ostiary.cli.failures import NOT_FOUND, Failure
from ostiary.cli.invocation import Invocation
from ostiary.cli.options import Noun
from ostiary.cli.output.column import Column, columns, yes
from ostiary.cli.profiles import Profile, remove, use
from ostiary.cli.remembered import public_id

COLUMNS: Final = columns(
    "name", "is_current", "server", "username:user", Column("signed_in", "signed in", yes), "credential_id:credential"
)
DETAIL: Final = columns(*COLUMNS, "issued_for", Column("allow_plain_http", "plain http", yes), "file")


@click.group(cls=Noun)
def profile() -> None:
    """Remembered servers: each profile holds one, and what you signed in with there."""


@profile.command("list")
@click.pass_obj
def list_(invocation: Invocation) -> None:
    """List the profiles. No secret is shown, and no server is asked.

    \b
    Examples:
      ostiary profile list
    """
    invocation.show([_row(invocation, one) for one in invocation.profiles.known.values()], COLUMNS)


@profile.command()
@click.argument("name", required=False)
@click.pass_obj
def show(invocation: Invocation, name: str | None) -> None:
    """Show one profile, the one in force by default, and the file that it is in.

    \b
    Examples:
      ostiary profile show
      ostiary profile show staging --format json
    """
    chosen = _known(invocation, name or invocation.profile_name)
    invocation.show_one({**_row(invocation, chosen), "file": invocation.config_path}, DETAIL)


@profile.command("use")
@click.argument("name")
@click.pass_obj
def use_(invocation: Invocation, name: str) -> None:
    """Make a profile the one that is used when none is named.

    \b
    Examples:
      ostiary profile use staging
    """
    _known(invocation, name)
    use(invocation.config_path, name)
    invocation.done(f"Profile {name} is used from now on.", {"name": name}, COLUMNS[:1])


@profile.command("remove")
@click.argument("name")
@click.pass_obj
def remove_(invocation: Invocation, name: str) -> None:
    """Forget a profile and its credential.

    Nothing is ended on the server: 'ostiary logout --profile NAME' does that.

    \b
    Examples:
      ostiary profile remove staging
    """
    chosen = _known(invocation, name)
    remove(invocation.config_path, name)
    invocation.done(f"Profile {name} forgotten.", {"name": name}, COLUMNS[:1])
    if chosen.credential is not None:
        invocation.note(
            f"what it was signed in with ({public_id(chosen.credential)}) still works until it expires or is revoked."
        )


def _known(invocation: Invocation, name: str) -> Profile:
    found = invocation.profiles.known.get(name)
    if found is None:
        known = ", ".join(invocation.profiles.known) or "none"
        raise Failure(f'there is no profile "{name}"; there are: {known}', NOT_FOUND, code="profile_not_found")
    return found


def _row(invocation: Invocation, one: Profile) -> dict[str, object]:
    return {
        "name": one.name,
        "is_current": one.name == invocation.profiles.current,
        "server": one.server,
        "username": one.username,
        "signed_in": one.credential is not None,
        "credential_id": public_id(one.credential),
        "issued_for": one.issued_for,
        "allow_plain_http": one.allow_plain_http,
    }
