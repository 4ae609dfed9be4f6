"""`resource`: servers of others that tokens can be for, for administrators."""

from __future__ import annotations

from typing import Final

import click

from ostiary.cli.answers import member, text
from ostiary.cli.ask import confirm
from ostiary.cli.invocation import Invocation
from ostiary.cli.options import Noun, database_url_option, yes_option
from ostiary.cli.output.column import Column, columns, words


def scope_names(value: object) -> str:
    """The scopes of a resource in one cell."""
    names = [text(one, "name") for one in value if isinstance(one, dict)] if isinstance(value, list) else []
    return words(names)


COLUMNS: Final = columns(
    "id:resource id", "uri:URI", "name", Column("scopes", "scopes", scope_names), "clients", "created_at"
)
DETAIL: Final = columns(*COLUMNS[:5], "listed:listed clients", "introspect:may ask", "created_at")
REMOVED: Final = columns("id:resource id", "sessions")


@click.group(cls=Noun)
def resource() -> None:
    """Resources: servers of others that a token can be for, and for nothing else.

    Works through a server as a signed-in administrator, or on the database itself with --database-url.
    """


@resource.command()
@click.argument("uri", metavar="URI")
@click.option("--name", metavar="NAME", required=True, help="What people are told it is called.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    metavar="NAME[=WORDS]",
    help="What can be allowed there, and how people are asked for it; can be repeated.",
)
@click.option(
    "--client",
    "clients",
    type=click.Choice(["house", "listed", "any"]),
    default="house",
    show_default=True,
    help="Which clients may have tokens for it.",
)
@click.option("--listed", multiple=True, metavar="ID", help="With --client listed, one of them; can be repeated.")
@click.option("--introspect", multiple=True, metavar="ID", help="A client that may ask about its tokens; its own.")
@database_url_option
@click.pass_obj
def add(
    invocation: Invocation,
    uri: str,
    name: str,
    scopes: tuple[str, ...],
    clients: str,
    listed: tuple[str, ...],
    introspect: tuple[str, ...],
) -> None:
    """Register a resource: clients name its URI, and get tokens that are good there alone.

    \b
    Examples:
      ostiary resource add https://notes.example.org/mcp --name Notes --scope "notes:read=read your notes"
      ostiary resource add https://notes.example.org/mcp --name Notes --client any --introspect client_e6fk3v7mzpq2
    """
    parts = [one.partition("=") for one in scopes]
    answer = invocation.administration().ask(
        "add_resource",
        uri=uri,
        name=name,
        scopes=[{"name": scope, "words": said} for scope, _, said in parts],
        clients=clients,
        listed=list(listed),
        introspect=list(introspect),
    )
    added = member(answer, "resource")
    invocation.done(f"Added resource {text(added, 'id')}.", added, COLUMNS)


@resource.command("list")
@database_url_option
@click.pass_obj
def list_(invocation: Invocation) -> None:
    """List all resources, oldest first.

    \b
    Examples:
      ostiary resource list
      ostiary resource list --format json
    """
    invocation.show(invocation.administration().ask("list_resources").get("resources") or [], COLUMNS)


@resource.command()
@click.argument("resource_id", metavar="ID")
@database_url_option
@click.pass_obj
def show(invocation: Invocation, resource_id: str) -> None:
    """Show a resource.

    \b
    Examples:
      ostiary resource show res_e6fk3v7mzpq2w4x6y7a2b3c4d5
    """
    answer = invocation.administration().ask("show_resource", resource_id=resource_id)
    invocation.show_one(member(answer, "resource"), DETAIL)


@resource.command()
@click.argument("resource_id", metavar="ID")
@yes_option
@database_url_option
@click.pass_obj
def remove(invocation: Invocation, resource_id: str, yes: bool) -> None:
    """Remove a resource, and end every session whose tokens are for it now.

    \b
    Examples:
      ostiary resource remove res_e6fk3v7mzpq2w4x6y7a2b3c4d5
    """
    calls = invocation.administration()
    confirm(f"Remove resource {resource_id} and end its sessions?", yes=yes)
    answer = calls.ask("remove_resource", resource_id=resource_id)
    invocation.done(f"Resource removed; {answer.get('sessions', 0)} sessions ended.", answer, REMOVED)
