"""`user`: the local directory of accounts, for administrators."""

from __future__ import annotations

from typing import Final

import click

from ostiary.cli.answers import Object, member
from ostiary.cli.ask import confirm, password
from ostiary.cli.calls import MAXIMUM_PAGE
from ostiary.cli.invocation import Invocation
from ostiary.cli.options import Noun, database_url_option, password_stdin_option, yes_option
from ostiary.cli.output.column import Column, columns
from ostiary.cli.output.text import safe
from ostiary.core.account import check_password

COLUMNS: Final = columns("username", "email", "roles", "created_at", "disabled_at")
DETAIL: Final = columns("username", "id", *COLUMNS[1:], "sessions", "tokens:CLI tokens")
ADDED: Final = columns("username", "id", "roles")
ENDED: Final = columns("username", "sessions", "tokens")

ERASED: Final = tuple(Column(name, name) for name in ("user_id", "sessions", "tokens", "events"))


@click.group(cls=Noun)
def user() -> None:
    """Accounts, for administrators.

    Works through a server as a signed-in administrator, or on the database itself with --database-url, which is also
    how the first administrator can be added.
    """


@user.command()
@click.argument("name")
@click.option("--email", metavar="ADDRESS", help="Where mail reaches them.")
@click.option("--admin", is_flag=True, help="Make them an administrator.")
@password_stdin_option
@database_url_option
@click.pass_obj
def add(invocation: Invocation, name: str, email: str | None, admin: bool, password_stdin: bool) -> None:
    """Add a user.

    The password comes from a terminal (asked twice), --password-stdin or OSTIARY_PASSWORD, and has at least 8
    characters. Names differ by more than case.

    \b
    Examples:
      ostiary user add web_user --email web@example.org
      ostiary user add root --admin --database-url sqlite:///ostiary.db
      ostiary user add robot --password-stdin < password.txt
    """
    calls = invocation.administration(create=True)
    secret = check_password(password(f"Password for {safe(name)}: ", from_stdin=password_stdin, twice=True), name)
    roles = ["admin", "member"] if admin else ["member"]
    added = member(calls.ask("add_user", username=name, password=secret, email=email, roles=roles), "user")
    kind = "administrator" if admin else "user"
    invocation.done(f"Added {kind} {added.get('username')}.", added, ADDED)


@user.command("list")
@database_url_option
@click.pass_obj
def list_(invocation: Invocation) -> None:
    """List all users by name.

    \b
    Examples:
      ostiary user list
      ostiary user list --format csv
    """
    found = invocation.administration().ask_pages("list_users", "users", limit=MAXIMUM_PAGE)
    invocation.show(found, COLUMNS)


@user.command()
@click.argument("name")
@database_url_option
@click.pass_obj
def show(invocation: Invocation, name: str) -> None:
    """Show a user, and how many sessions and CLI tokens of theirs work now.

    \b
    Examples:
      ostiary user show web_user
    """
    found = invocation.administration().ask("show_user", username=name)
    invocation.show_one(
        {**member(found, "user"), "sessions": found.get("sessions"), "tokens": found.get("tokens")}, DETAIL
    )


@user.command()
@click.argument("name")
@yes_option
@database_url_option
@click.pass_obj
def disable(invocation: Invocation, name: str, yes: bool) -> None:
    """Disable a user: they cannot sign in, and every session and CLI token of theirs ends now.

    The last administrator who can sign in cannot be disabled. 'enable' lets them sign in again; what ended stays ended.

    \b
    Examples:
      ostiary user disable web_user
    """
    calls = invocation.administration()
    confirm(f"Disable user {name} and end everything of theirs?", yes=yes)
    _tell(invocation, f"User {name} disabled", name, calls.ask("disable_user", username=name))


@user.command()
@click.argument("name")
@database_url_option
@click.pass_obj
def enable(invocation: Invocation, name: str) -> None:
    """Let a disabled user sign in again.

    \b
    Examples:
      ostiary user enable web_user
    """
    answer = invocation.administration().ask("enable_user", username=name)
    invocation.done(f"User {name} enabled.", {"username": name, **answer}, ENDED[:1])


@user.command()
@click.argument("name")
@password_stdin_option
@database_url_option
@click.pass_obj
def passwd(invocation: Invocation, name: str, password_stdin: bool) -> None:
    """Give a user a new password; their sessions end (but the one that this command uses).

    The password comes from a terminal (asked twice), --password-stdin or OSTIARY_PASSWORD.

    \b
    Examples:
      ostiary user passwd web_user
      ostiary user passwd web_user --password-stdin < password.txt
    """
    calls = invocation.administration()
    secret = check_password(password(f"New password for {safe(name)}: ", from_stdin=password_stdin, twice=True), name)
    answer = calls.ask("set_password", username=name, new=secret)
    invocation.done(f"Password of {name} changed.", {"username": name, **answer}, ENDED[:2])


@user.command()
@click.argument("name")
@database_url_option
@click.pass_obj
def export(invocation: Invocation, name: str) -> None:
    """Write everything that is held about one person to stdout, to be given to them: JSON, or YAML if wanted.

    No secret is in it, and nothing that is about others. NAME is a username, or the id of one who has none here.

    \b
    Examples:
      ostiary user export web_user > web_user.json
    """
    from ostiary.cli.output.structured import to_json, to_yaml

    found = invocation.administration().ask("export_user", username=name)
    write = to_yaml if invocation.form == "yaml" else to_json
    invocation.form = "json" if invocation.form != "yaml" else "yaml"
    invocation.write(write(found))


@user.command()
@click.argument("name")
@yes_option
@database_url_option
@click.pass_obj
def erase(invocation: Invocation, name: str, yes: bool) -> None:
    """Erase a person: end everything of theirs, remove the account, and forget what is personal in what stays.

    Sessions and events stay under the user's id until retention takes them; nothing says whose it was, and the audit
    trail still holds. There is no way back. NAME is a username, or the id of one who has none here (any more).

    \b
    Examples:
      ostiary user erase web_user
    """
    calls = invocation.administration()
    confirm(f"Erase user {name} and everything that is known of them?", yes=yes)
    done = calls.ask("erase_user", username=name)
    invocation.done(f"User {name} erased; what stays is under {done.get('user_id')}.", done, ERASED)


@user.command()
@click.argument("name")
@yes_option
@database_url_option
@click.pass_obj
def delete(invocation: Invocation, name: str, yes: bool) -> None:
    """Delete a user, and end every session and CLI token of theirs now.

    The history of their sessions stays until it is purged. There is no way back: 'disable' has one.

    \b
    Examples:
      ostiary user delete web_user
    """
    calls = invocation.administration()
    confirm(f"Delete user {name} and end everything of theirs?", yes=yes)
    _tell(invocation, f"User {name} deleted", name, calls.ask("delete_user", username=name))


def _tell(invocation: Invocation, words_: str, name: str, answer: Object) -> None:
    ended = f"{answer.get('sessions', 0)} sessions and {answer.get('tokens', 0)} CLI tokens ended"
    invocation.done(f"{words_}; {ended}.", {"username": name, **answer}, ENDED)
