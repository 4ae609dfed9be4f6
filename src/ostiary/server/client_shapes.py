"""What the API accepts and answers about OAuth clients and signing keys."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta, Struct

from ostiary.core.oauth.client import GRANTS, MAXIMUM_NAME, MAXIMUM_URIS, ApplicationType, OAuthClient, Registration
from ostiary.core.oauth.redirect_uri import MAXIMUM_LENGTH
from ostiary.core.oauth.scope import SCOPES
from ostiary.core.session import DEFAULT_TENANT
from ostiary.server.requests import NO_NUL, Body, Text

CLIENT_ID = "client_e6fk3v7mzpq2w4x6y7a2b3c4d5"

ClientId: TypeAlias = Annotated[str, Meta(description="Public; never a secret.", examples=[CLIENT_ID])]
Uris: TypeAlias = Annotated[
    list[Annotated[str, Meta(max_length=MAXIMUM_LENGTH, pattern=NO_NUL)]],
    Meta(max_length=MAXIMUM_URIS, description="Exactly these.", examples=[["https://app.example.org/callback"]]),
]
Grants: TypeAlias = Annotated[
    list[Annotated[str, Meta(max_length=32)]], Meta(max_length=len(GRANTS) * 2, description=f"Of {', '.join(GRANTS)}.")
]
ClientScopes: TypeAlias = Annotated[
    list[Annotated[str, Meta(max_length=32)]], Meta(max_length=len(SCOPES) * 2, description=f"Of {', '.join(SCOPES)}.")
]


class ClientRequest(Body):
    """An OAuth client to register."""

    name: Annotated[str, Meta(min_length=1, max_length=MAXIMUM_NAME, pattern=NO_NUL, examples=["Shop"])]
    is_public: Annotated[bool, Meta(description="True if it can keep no secret: a browser or native app.")] = False
    application_id: Annotated[Text | None, Meta(description="Left out: its own id.")] = None
    application_type: Annotated[ApplicationType, Meta(description="`native` for an app on a device.")] = "web"
    tenant: Text = DEFAULT_TENANT
    tenant_subdomain: Text | None = None
    redirect_uris: Uris = msgspec.field(default_factory=list)
    post_logout_redirect_uris: Uris = msgspec.field(default_factory=list)
    grants: Annotated[
        Grants | None,
        Meta(description="Left out: codes and refreshing with redirect URIs, client_credentials without."),
    ] = None
    scopes: Annotated[ClientScopes | None, Meta(description="Left out: what such a client usually needs.")] = None
    third_party: Annotated[bool, Meta(description="True: its users are asked first.")] = False

    def registration(self) -> Registration:
        """The same for the core."""
        return Registration(**{name: getattr(self, name) for name in self.__struct_fields__})


class Client(Struct, kw_only=True):
    """A registered OAuth client."""

    id: ClientId
    name: str
    is_public: bool
    application_id: str
    application_type: ApplicationType
    tenant: str
    tenant_subdomain: str | None
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...]
    grants: tuple[str, ...]
    scopes: tuple[str, ...]
    third_party: bool
    created_at: datetime


class ClientAnswer(Struct, kw_only=True):
    """One client."""

    client: Client


class ClientWithSecret(Struct, kw_only=True):
    """One client, with its secret, which has just been made."""

    client: Client
    secret: Annotated[str | None, Meta(description="Shown once; null for a public client, which has none.")]


class ClientList(Struct, kw_only=True):
    """All clients, oldest first."""

    clients: list[Client]


class ClientRemoved(Struct, kw_only=True):
    """A client is gone, and its sessions have ended."""

    ok: bool = True
    id: ClientId
    sessions: Annotated[int, Meta(ge=0, description="How many of its sessions ended.")]


class KeysRequest(Body):
    """How to change the signing keys."""

    at_once: Annotated[
        bool, Meta(description="True if the old keys leaked: nothing that they signed is accepted any more.")
    ] = False


class KeysRotated(Struct, kw_only=True):
    """The keys that sign from now on."""

    ok: bool = True
    keys: Annotated[list[str], Meta(examples=[["key_a2b3c4d5e6fk3v7mzpq2w4x6y7"]])]


def client_of(client: OAuthClient) -> Client:
    """A client as administrators see it."""
    return Client(**{name: getattr(client, name) for name in Client.__struct_fields__})
