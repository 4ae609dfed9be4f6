"""OAuth clients and signing keys, for administrators."""

from __future__ import annotations

from litestar import Router, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from ostiary import errors
from ostiary.authority import Authority
from ostiary.core.caller import Caller
from ostiary.server import client_shapes
from ostiary.server.refusals import refusals


@get("/clients", operation_id="list_clients", summary="List OAuth clients", responses=refusals())
async def list_clients(
    authority: NamedDependency[Authority], caller: NamedDependency[Caller]
) -> client_shapes.ClientList:
    """All of them, oldest first."""
    found = await authority.oauth.clients.list(by=caller)
    return client_shapes.ClientList(clients=[client_shapes.client_of(client) for client in found])


@post(
    "/clients",
    operation_id="add_client",
    summary="Register an OAuth client",
    responses=refusals(errors.Conflict, errors.ReauthenticationRequired, body=True),
)
async def add_client(
    data: JSONBody[client_shapes.ClientRequest],
    authority: NamedDependency[Authority],
    caller: NamedDependency[Caller],
) -> client_shapes.ClientWithSecret:
    """Register a program that signs its users in here. Its secret is shown this once."""
    added = await authority.oauth.clients.add(data.registration(), by=caller)
    return client_shapes.ClientWithSecret(client=client_shapes.client_of(added.client), secret=added.secret)


@get(
    "/clients/{client_id:str}",
    operation_id="show_client",
    summary="Show an OAuth client",
    responses=refusals(errors.ClientNotFound),
)
async def show_client(
    client_id: FromPath[client_shapes.ClientId],
    authority: NamedDependency[Authority],
    caller: NamedDependency[Caller],
) -> client_shapes.ClientAnswer:
    """One client, without its secret, which nobody knows any more."""
    return client_shapes.ClientAnswer(
        client=client_shapes.client_of(await authority.oauth.clients.find(client_id, by=caller))
    )


@post(
    "/clients/{client_id:str}/secret",
    operation_id="rotate_client_secret",
    summary="Give an OAuth client a new secret",
    status_code=200,
    responses=refusals(errors.ClientNotFound, errors.Conflict, errors.ReauthenticationRequired),
)
async def rotate_client_secret(
    client_id: FromPath[client_shapes.ClientId],
    authority: NamedDependency[Authority],
    caller: NamedDependency[Caller],
) -> client_shapes.ClientWithSecret:
    """The old secret is refused from now on; the client's sessions live on."""
    added = await authority.oauth.clients.rotate_secret(client_id, by=caller)
    return client_shapes.ClientWithSecret(client=client_shapes.client_of(added.client), secret=added.secret)


@delete(
    "/clients/{client_id:str}",
    operation_id="remove_client",
    summary="Remove an OAuth client",
    status_code=200,
    responses=refusals(errors.ClientNotFound, errors.ReauthenticationRequired),
)
async def remove_client(
    client_id: FromPath[client_shapes.ClientId],
    authority: NamedDependency[Authority],
    caller: NamedDependency[Caller],
) -> client_shapes.ClientRemoved:
    """Every session that it holds ends now."""
    ended = await authority.oauth.clients.remove(client_id, by=caller)
    return client_shapes.ClientRemoved(id=client_id, sessions=ended)


@post(
    "/keys/rotate",
    operation_id="rotate_keys",
    summary="Sign with new keys",
    status_code=200,
    responses=refusals(errors.Conflict, errors.ReauthenticationRequired, body=True),
)
async def rotate_keys(
    authority: NamedDependency[Authority],
    caller: NamedDependency[Caller],
    data: JSONBody[client_shapes.KeysRequest | None] = None,
) -> client_shapes.KeysRotated:
    """The old keys stay published for a day, so that tokens under way are still read."""
    wanted = data or client_shapes.KeysRequest()
    return client_shapes.KeysRotated(keys=await authority.oauth.keys.rotate(by=caller, at_once=wanted.at_once))


router = Router(
    "/admin",
    route_handlers=[list_clients, add_client, show_client, rotate_client_secret, remove_client, rotate_keys],
    tags=["administration: OAuth"],
)
