"""Resources that tokens can be for, for administrators."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta, Struct

from ostiary.contract.answer import Answer
from ostiary.contract.calling import W
from ostiary.contract.fields import NO_NUL, ClientId
from ostiary.contract.operation import Namespace, Nothing, Operation, Takes
from ostiary.core.oauth.resource import (
    MAXIMUM_LISTED,
    MAXIMUM_NAME,
    MAXIMUM_SCOPE,
    MAXIMUM_SCOPES,
    MAXIMUM_URI,
    MAXIMUM_WORDS,
    Clients,
)
from ostiary.errors import Conflict, ReauthenticationRequired, ResourceNotFound

ResourceId: TypeAlias = Annotated[str, Meta(examples=["res_e6fk3v7mzpq2w4x6y7a2b3c4d5"])]
ClientIds: TypeAlias = Annotated[Sequence[Annotated[str, Meta(max_length=64)]], Meta(max_length=MAXIMUM_LISTED)]


class ResourceScope(Answer, kw_only=True):
    """What can be allowed at a resource, and how people are asked for it."""

    name: str
    words: str


class NewResourceScope(Struct, forbid_unknown_fields=True):
    """What can be allowed at a new resource."""

    name: Annotated[str, Meta(min_length=1, max_length=MAXIMUM_SCOPE, pattern=NO_NUL, examples=["notes:read"])]
    words: Annotated[
        str,
        Meta(
            max_length=MAXIMUM_WORDS,
            pattern=NO_NUL,
            description="How people are asked for it; left out: the name.",
            examples=["read your notes"],
        ),
    ] = ""


class Resource(Answer, kw_only=True):
    """A server of others that tokens can be for."""

    id: ResourceId
    uri: Annotated[str, Meta(description="As tokens for it say in `aud`.", examples=["https://notes.example.org/mcp"])]
    name: str
    scopes: Sequence[ResourceScope]
    clients: Annotated[Clients, Meta(description="Which clients may have tokens for it.")]
    listed: Annotated[Sequence[ClientId], Meta(description="Where `clients` is `listed`: these.")]
    introspect: Annotated[Sequence[ClientId], Meta(description="Which clients may ask about tokens for it.")]
    created_at: datetime


class ResourceAnswer(Answer, kw_only=True):
    """One resource."""

    resource: Resource


class ResourceList(Answer, kw_only=True):
    """All resources, oldest first."""

    resources: Sequence[Resource]


class ResourceRemoved(Answer, kw_only=True):
    """A resource is gone, and the sessions whose tokens were for it have ended."""

    ok: bool = True
    id: ResourceId
    sessions: Annotated[int, Meta(ge=0, description="How many sessions ended.")]


class OfResource(Takes):
    """Which resource."""

    resource_id: ResourceId


class ListResources(Nothing):
    """All of them, oldest first."""


class AddResource(Takes, kw_only=True):
    """Register a server that tokens can be for (RFC 8707): such a token is good there alone."""

    uri: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=MAXIMUM_URI,
            pattern=NO_NUL,
            description="Where clients find it; without a fragment.",
            examples=["https://notes.example.org/mcp"],
        ),
    ]
    name: Annotated[str, Meta(min_length=1, max_length=MAXIMUM_NAME, pattern=NO_NUL, examples=["Notes"])]
    scopes: Annotated[Sequence[NewResourceScope], Meta(max_length=MAXIMUM_SCOPES)] = msgspec.field(default_factory=list)
    clients: Annotated[
        Clients, Meta(description="Who may have tokens for it: clients of the house, those `listed`, or any.")
    ] = "house"
    listed: Annotated[ClientIds, Meta(description="Where `clients` is `listed`: their ids.")] = msgspec.field(
        default_factory=list
    )
    introspect: Annotated[
        ClientIds, Meta(description="Ids of confidential clients that may ask about tokens for it: its own.")
    ] = msgspec.field(default_factory=list)


class ShowResource(OfResource):
    """One resource."""


class RemoveResource(OfResource):
    """Every session whose tokens are for it ends now."""


class AdminResources(Namespace[W]):
    """Servers of others that tokens can be for."""

    tag = "administration: OAuth"

    list = Operation(
        "GET",
        "/api/v1/admin/resources",
        ListResources,
        ResourceList,
        summary="List resources",
    )
    add = Operation(
        "POST",
        "/api/v1/admin/resources",
        AddResource,
        ResourceAnswer,
        summary="Register a resource",
        errors=(Conflict, ReauthenticationRequired),
        status=201,
    )
    show = Operation(
        "GET",
        "/api/v1/admin/resources/{resource_id}",
        ShowResource,
        ResourceAnswer,
        summary="Show a resource",
        errors=(ResourceNotFound,),
    )
    remove = Operation(
        "DELETE",
        "/api/v1/admin/resources/{resource_id}",
        RemoveResource,
        ResourceRemoved,
        summary="Remove a resource",
        errors=(ResourceNotFound, ReauthenticationRequired),
        repeatable=False,  # the second answer says that there is no such resource
    )
