"""OAuth clients and signing keys, for administrators."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta

from ostiary.contract.answer import Answer
from ostiary.contract.calling import W
from ostiary.contract.fields import NO_NUL, ClientId, Text
from ostiary.contract.named import OfClient
from ostiary.contract.operation import Namespace, Nothing, Operation, Takes
from ostiary.core.oauth.client import GRANTS, MAXIMUM_NAME, MAXIMUM_URIS, ApplicationType, Grant
from ostiary.core.oauth.pkce import Pkce
from ostiary.core.oauth.redirect_uri import MAXIMUM_LENGTH
from ostiary.core.oauth.scope import SCOPES, OAuthScope
from ostiary.core.session import DEFAULT_TENANT
from ostiary.errors import ClientNotFound, Conflict, ReauthenticationRequired

Uris: TypeAlias = Annotated[
    Sequence[Annotated[str, Meta(max_length=MAXIMUM_LENGTH, pattern=NO_NUL)]],
    Meta(max_length=MAXIMUM_URIS, description="Exactly these.", examples=[["https://app.example.org/callback"]]),
]
if TYPE_CHECKING:  # as in `fields`
    Grants: TypeAlias = Sequence[Grant]
    ClientScopes: TypeAlias = Sequence[OAuthScope]
else:
    Grants = Annotated[
        Sequence[Annotated[str, Meta(max_length=32)]],
        Meta(max_length=len(GRANTS) * 2, description=f"Of {', '.join(GRANTS)}."),
    ]
    ClientScopes = Annotated[
        Sequence[Annotated[str, Meta(max_length=32)]],
        Meta(max_length=len(SCOPES) * 2, description=f"Of {', '.join(SCOPES)}."),
    ]


class Client(Answer, kw_only=True):
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
    standing: Annotated[bool, Meta(description="Its grants outlive the browser session that let them in.")]
    pkce: Annotated[Pkce, Meta(description="`nonce`: it may do without, where it sends a nonce.")]
    jwks: Annotated[dict[str, Any] | None, Meta(description="The keys by which it proves itself (RFC 7517).")]


class ClientAnswer(Answer, kw_only=True):
    """One client."""

    client: Client


class ClientWithSecret(Answer, kw_only=True):
    """One client, with its secret, which has just been made."""

    client: Client
    secret: Annotated[
        str | None, Meta(description="Shown once; null for a client that has none: it is public, or signs.")
    ]


class ClientList(Answer, kw_only=True):
    """All clients, oldest first."""

    clients: Sequence[Client]


class ClientRemoved(Answer, kw_only=True):
    """A client is gone, and its sessions have ended."""

    ok: bool = True
    id: ClientId
    sessions: Annotated[int, Meta(ge=0, description="How many of its sessions ended.")]


class KeysRotated(Answer, kw_only=True):
    """The keys that sign from now on."""

    ok: bool = True
    keys: Annotated[Sequence[str], Meta(examples=[["key_a2b3c4d5e6fk3v7mzpq2w4x6y7"]])]


class ListClients(Nothing):
    """All of them, oldest first."""


class NamedClient(Takes):
    """Under which name."""

    name: Annotated[str, Meta(min_length=1, max_length=MAXIMUM_NAME, pattern=NO_NUL, examples=["Shop"])]


class AddClient(NamedClient, kw_only=True):
    """Register a program that signs its users in here. Its secret is shown this once."""

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
    standing: Annotated[
        bool, Meta(description="True: its grants act while their person is away, whatever becomes of the browser.")
    ] = False
    pkce: Annotated[
        Pkce, Meta(description="`nonce`: a confidential client that sends a nonce may do without (RFC 9700 2.1.1).")
    ] = "required"
    jwks: Annotated[
        dict[str, Any] | None,
        Meta(
            description="Its public keys (RFC 7517), if it proves itself by signing (RFC 7523): it has no secret then."
        ),
    ] = None


class ShowClient(OfClient):
    """One client, without its secret, which nobody knows any more."""


class RotateClientSecret(OfClient):
    """The old secret is refused from now on; the client's sessions live on."""


class RemoveClient(OfClient):
    """Every session that it holds ends now."""


class RotateKeys(Takes, kw_only=True):
    """The old keys stay published for a day, so that tokens under way are still read."""

    at_once: Annotated[
        bool, Meta(description="True if the old keys leaked: nothing that they signed is accepted any more.")
    ] = False


class AdminClients(Namespace[W]):
    """OAuth clients."""

    tag = "administration: OAuth"

    list = Operation(
        "GET",
        "/api/v1/admin/clients",
        ListClients,
        ClientList,
        summary="List OAuth clients",
    )
    add = Operation(
        "POST",
        "/api/v1/admin/clients",
        AddClient,
        ClientWithSecret,
        summary="Register an OAuth client",
        errors=(Conflict, ReauthenticationRequired),
        status=201,
    )
    show = Operation(
        "GET",
        "/api/v1/admin/clients/{client_id}",
        ShowClient,
        ClientAnswer,
        summary="Show an OAuth client",
        errors=(ClientNotFound,),
    )
    rotate_secret = Operation(
        "POST",
        "/api/v1/admin/clients/{client_id}/secret",
        RotateClientSecret,
        ClientWithSecret,
        summary="Give an OAuth client a new secret",
        errors=(ClientNotFound, Conflict, ReauthenticationRequired),
    )
    remove = Operation(
        "DELETE",
        "/api/v1/admin/clients/{client_id}",
        RemoveClient,
        ClientRemoved,
        summary="Remove an OAuth client",
        errors=(ClientNotFound, ReauthenticationRequired),
        repeatable=False,  # the second answer says that there is no such client
    )


class AdminKeys(Namespace[W]):
    """The keys that sign the tokens of OAuth clients."""

    tag = "administration: OAuth"

    rotate = Operation(
        "POST",
        "/api/v1/admin/keys/rotate",
        RotateKeys,
        KeysRotated,
        summary="Sign with new keys",
        errors=(Conflict, ReauthenticationRequired),
        is_body_optional=True,
    )
