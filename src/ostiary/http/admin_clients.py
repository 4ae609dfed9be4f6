"""OAuth clients and signing keys, for administrators."""

from __future__ import annotations

from msgspec import structs

from ostiary.contract import clients as contract
from ostiary.contract.clients import AdminClients, AdminKeys, Client
from ostiary.core.oauth.client import Registration
from ostiary.http.exchange import Exchange
from ostiary.http.operations import serves


@serves(AdminClients.list)
async def list_clients(_: contract.ListClients, exchange: Exchange) -> contract.ClientList:
    """Oldest first."""
    found = await exchange.authority.oauth.clients.list(by=exchange.caller)
    return contract.ClientList(clients=[Client.of(client) for client in found])


@serves(AdminClients.add)
async def add_client(asked: contract.AddClient, exchange: Exchange) -> contract.ClientWithSecret:
    """Its secret is shown this once."""
    added = await exchange.authority.oauth.clients.add(Registration(**structs.asdict(asked)), by=exchange.caller)
    return contract.ClientWithSecret.of(added, client=Client.of(added.client))


@serves(AdminClients.show)
async def show_client(asked: contract.ShowClient, exchange: Exchange) -> contract.ClientAnswer:
    """Without its secret, which nobody knows any more."""
    found = await exchange.authority.oauth.clients.find(asked.client_id, by=exchange.caller)
    return contract.ClientAnswer(client=Client.of(found))


@serves(AdminClients.rotate_secret)
async def rotate_client_secret(asked: contract.RotateClientSecret, exchange: Exchange) -> contract.ClientWithSecret:
    """The client's sessions live on."""
    added = await exchange.authority.oauth.clients.rotate_secret(asked.client_id, by=exchange.caller)
    return contract.ClientWithSecret.of(added, client=Client.of(added.client))


@serves(AdminClients.remove)
async def remove_client(asked: contract.RemoveClient, exchange: Exchange) -> contract.ClientRemoved:
    """Every session that it holds ends now."""
    ended = await exchange.authority.oauth.clients.remove(asked.client_id, by=exchange.caller)
    return contract.ClientRemoved(id=asked.client_id, sessions=ended)


@serves(AdminKeys.rotate)
async def rotate_keys(asked: contract.RotateKeys, exchange: Exchange) -> contract.KeysRotated:
    """The old keys stay published for a day, unless they leaked."""
    keys = await exchange.authority.oauth.rotation.rotate(by=exchange.caller, at_once=asked.at_once)
    return contract.KeysRotated(keys=keys)
