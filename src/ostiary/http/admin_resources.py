"""Resources that tokens can be for, for administrators."""

from __future__ import annotations

from ostiary.contract import resources as contract
from ostiary.contract.resources import AdminResources, Resource, ResourceScope
from ostiary.core.oauth import resource as core
from ostiary.http.exchange import Exchange
from ostiary.http.operations import serves


@serves(AdminResources.list)
async def list_resources(_: contract.ListResources, exchange: Exchange) -> contract.ResourceList:
    """Oldest first."""
    found = await exchange.authority.oauth.resources.list(by=exchange.caller)
    return contract.ResourceList(resources=[_resource(one) for one in found])


@serves(AdminResources.add)
async def add_resource(asked: contract.AddResource, exchange: Exchange) -> contract.ResourceAnswer:
    """Tokens for it can be asked for from now on."""
    wanted = core.NewResource(
        uri=asked.uri,
        name=asked.name,
        scopes=[core.ResourceScope(scope.name, scope.words) for scope in asked.scopes],
        clients=asked.clients,
        listed=asked.listed,
        introspect=asked.introspect,
    )
    added = await exchange.authority.oauth.resources.add(wanted, by=exchange.caller)
    return contract.ResourceAnswer(resource=_resource(added))


@serves(AdminResources.show)
async def show_resource(asked: contract.ShowResource, exchange: Exchange) -> contract.ResourceAnswer:
    """As it is registered."""
    found = await exchange.authority.oauth.resources.find(asked.resource_id, by=exchange.caller)
    return contract.ResourceAnswer(resource=_resource(found))


@serves(AdminResources.remove)
async def remove_resource(asked: contract.RemoveResource, exchange: Exchange) -> contract.ResourceRemoved:
    """Every session whose tokens are for it ends now."""
    ended = await exchange.authority.oauth.resources.remove(asked.resource_id, by=exchange.caller)
    return contract.ResourceRemoved(id=asked.resource_id, sessions=ended)


def _resource(resource: core.Resource) -> Resource:
    values = {name: getattr(resource, name) for name in Resource.__struct_fields__ if name != "scopes"}
    return Resource(**values, scopes=[ResourceScope(name=scope.name, words=scope.words) for scope in resource.scopes])
