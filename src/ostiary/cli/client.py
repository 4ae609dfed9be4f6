"""`client`: the OAuth clients that sign their users in here, for administrators."""

from __future__ import annotations

from typing import BinaryIO, Final

import click

from ostiary.cli.answers import Object, member, text
from ostiary.cli.ask import confirm
from ostiary.cli.failures import usage
from ostiary.cli.invocation import Invocation
from ostiary.cli.options import Noun, database_url_option, yes_option
from ostiary.cli.output.column import Column, columns

MAXIMUM_FILE: Final = 64 * 1024  # bytes

COLUMNS: Final = columns("id:client id", "name", "application_id:application", "tenant", "grants", "created_at")
DETAIL: Final = columns(
    *COLUMNS[:4],
    "tenant_subdomain",
    Column("is_public", "public"),
    "application_type:type",
    "third_party",
    "pkce:PKCE",
    Column("jwks", "signs", lambda keys: "yes" if keys else "-"),
    "grants",
    "scopes",
    "redirect_uris:redirect URIs",
    "post_logout_redirect_uris:after logout",
    "created_at",
)
SECRET: Final = columns("client_id", "client_secret")
REMOVED: Final = columns("id:client id", "sessions")


@click.group(cls=Noun)
def client() -> None:
    """OAuth clients: the programs that sign their users in here.

    Works through a server as a signed-in administrator, or on the database itself with --database-url.
    """


@client.command()
@click.argument("name")
@click.option("--redirect-uri", "redirect_uris", multiple=True, metavar="URI", help="Where codes go; can be repeated.")
@click.option(
    "--post-logout-redirect-uri",
    "post_logout_redirect_uris",
    multiple=True,
    metavar="URI",
    help="Where a logout may lead; can be repeated.",
)
@click.option(
    "--public/--confidential",
    help="It can keep no secret: an app in a browser or on a device; or it can, as without either.",
)
@click.option("--native", is_flag=True, help="It is an app on a device; a loopback port may then differ.")
@click.option(
    "--third-party/--first-party",
    help="Ask users before it gets anything; or it is of the house, as without either.",
)
@click.option("--standing", is_flag=True, help="What it is granted outlives the browser that let it in.")
@click.option("--grant", "grants", multiple=True, metavar="GRANT", help="What it may use; can be repeated.")
@click.option("--scope", "scopes", multiple=True, metavar="SCOPE", help="What it may ask for; can be repeated.")
@click.option("--application", metavar="ID", help="The application that its sessions are of.  [default: its own id]")
@click.option(
    "--pkce",
    type=click.Choice(["required", "nonce"]),
    default="required",
    show_default=True,
    help="nonce: a confidential client that sends a nonce may do without.",
)
@click.option("--jwks", type=click.File("rb"), metavar="FILE", help="Its public keys: it signs, and has no secret.")
@click.option("--tenant", metavar="NAME", default="default", show_default=True, help="The tenant of its sessions.")
@click.option("--tenant-subdomain", metavar="NAME", help="What tokens say of the tenant's subdomain.")
@database_url_option
@click.pass_obj
def add(
    invocation: Invocation,
    name: str,
    redirect_uris: tuple[str, ...],
    post_logout_redirect_uris: tuple[str, ...],
    public: bool,
    native: bool,
    third_party: bool,
    standing: bool,
    grants: tuple[str, ...],
    scopes: tuple[str, ...],
    application: str | None,
    pkce: str,
    jwks: BinaryIO | None,
    tenant: str,
    tenant_subdomain: str | None,
) -> None:
    """Register a client. Its secret is shown once.

    With a redirect URI it uses authorization codes and refresh tokens, without one client credentials.

    \b
    Examples:
      ostiary client add Shop --redirect-uri https://shop.example.org/callback
      ostiary client add Phone --public --native --redirect-uri http://127.0.0.1/callback
      ostiary client add Reports
    """
    answer = invocation.administration().ask(
        "add_client",
        name=name,
        is_public=public,
        application_id=application,
        application_type="native" if native else "web",
        tenant=tenant,
        tenant_subdomain=tenant_subdomain,
        redirect_uris=list(redirect_uris),
        post_logout_redirect_uris=list(post_logout_redirect_uris),
        grants=list(grants) or None,
        scopes=list(scopes) or None,
        third_party=third_party,
        standing=standing,
        pkce=pkce,
        jwks=_keys(jwks) if jwks is not None else None,
    )
    _show_secret(invocation, f"Added client {name}.", answer)


@client.command("list")
@database_url_option
@click.pass_obj
def list_(invocation: Invocation) -> None:
    """List all clients, oldest first.

    \b
    Examples:
      ostiary client list
      ostiary client list --format json
    """
    invocation.show(invocation.administration().ask("list_clients").get("clients") or [], COLUMNS)


@client.command()
@click.argument("client_id", metavar="ID")
@database_url_option
@click.pass_obj
def show(invocation: Invocation, client_id: str) -> None:
    """Show a client, without its secret.

    \b
    Examples:
      ostiary client show client_e6fk3v7mzpq2w4x6y7a2b3c4d5
    """
    answer = invocation.administration().ask("show_client", client_id=client_id)
    invocation.show_one(member(answer, "client"), DETAIL)


@client.command("rotate-secret")
@click.argument("client_id", metavar="ID")
@yes_option
@database_url_option
@click.pass_obj
def rotate_secret(invocation: Invocation, client_id: str, yes: bool) -> None:
    """Give a client a new secret, shown once; the old one is refused from now on.

    Its sessions live on.

    \b
    Examples:
      ostiary client rotate-secret client_e6fk3v7mzpq2w4x6y7a2b3c4d5
    """
    calls = invocation.administration()
    confirm(f"Give client {client_id} a new secret?", yes=yes)
    _show_secret(invocation, "The client has a new secret.", calls.ask("rotate_client_secret", client_id=client_id))


@client.command()
@click.argument("client_id", metavar="ID")
@yes_option
@database_url_option
@click.pass_obj
def remove(invocation: Invocation, client_id: str, yes: bool) -> None:
    """Remove a client, and end every session that it holds now.

    \b
    Examples:
      ostiary client remove client_e6fk3v7mzpq2w4x6y7a2b3c4d5
    """
    calls = invocation.administration()
    confirm(f"Remove client {client_id} and end its sessions?", yes=yes)
    answer = calls.ask("remove_client", client_id=client_id)
    invocation.done(f"Client removed; {answer.get('sessions', 0)} sessions ended.", answer, REMOVED)


def _keys(file: BinaryIO) -> Object:
    """A key set of a file; what is in it the server judges.

    Raises:
        Failure: no JSON object.
    """
    import json

    try:
        found = json.loads(file.read(MAXIMUM_FILE))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise usage(f"--jwks: {file.name} is not a key set in JSON (RFC 7517)")
    return found


def _show_secret(invocation: Invocation, done: str, answer: Object) -> None:
    """The secret goes to stderr, so that it lands in no file by accident; to stdout in a machine format."""
    shown = {"client_id": text(member(answer, "client"), "id"), "client_secret": answer.get("secret")}
    if invocation.form != "table":
        invocation.show_one(shown, SECRET)
        return
    invocation.done(done, shown, SECRET)
    invocation.show_one(shown, SECRET[:1])
    if shown["client_secret"]:
        invocation.say(f"The client secret, shown only now:\n{text(shown, 'client_secret')}")
