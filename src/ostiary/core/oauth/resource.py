"""Resources: servers of others that a token can be for, and for nothing else (RFC 8707)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias, get_args
from urllib.parse import SplitResult, urlsplit

from ostiary.core.oauth.client import OAuthClient
from ostiary.core.oauth.scope import IDENTITY, SCOPES
from ostiary.core.token import is_id
from ostiary.errors import InvalidRequest, InvalidTarget
from ostiary.errors.translatable import translatable

Clients: TypeAlias = Literal["house", "listed", "any"]

CLIENTS: Final[tuple[Clients, ...]] = get_args(Clients)
MAXIMUM_URI: Final = 512  # characters
MAXIMUM_NAME: Final = 64
MAXIMUM_SCOPES: Final = 32
MAXIMUM_SCOPE: Final = 64  # characters
MAXIMUM_WORDS: Final = 120
MAXIMUM_LISTED: Final = 100  # clients
DEFAULT_PORTS: Final = {"http": 80, "https": 443}

_URI = re.compile(r"[A-Za-z0-9\-._~:/?@!$&'()*+,;=%\[\]]+", re.ASCII)  # RFC 3986 without a fragment
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+", re.ASCII)  # RFC 6749 3.3


@dataclass(frozen=True, slots=True)
class ResourceScope:
    """What can be allowed at a resource, and how people are asked for it."""

    name: str
    words: str


@dataclass(frozen=True, slots=True)
class Resource:
    """One row of the store.

    Attributes:
        id: public, `res_…`.
        uri: as it is registered, and as tokens for it say in `aud`.
        clients: whose tokens it takes: those of `house` clients, of the `listed`, of `any`.
        listed: ids of clients, where those are who may.
        introspect: ids of confidential clients that may ask about tokens for it: its own.
    """

    id: str
    uri: str
    name: str
    scopes: tuple[ResourceScope, ...]
    clients: Clients
    listed: tuple[str, ...]
    introspect: tuple[str, ...]
    created_at: datetime

    def consent_to(self, scopes: Iterable[str]) -> tuple[str, ...]:
        """Scopes at it, as a person's consent keeps them: one resource's are never taken for another's.

        The URI has no fragment of its own, so each is one word that cannot be anything else.
        """
        return tuple(f"{self.uri}#{scope}" for scope in scopes)

    def askable_by(self, client: OAuthClient) -> tuple[str, ...]:
        """What a client may ask for with it: its own scopes and who the user is, nothing of this server's."""
        return (*(scope for scope in client.scopes if scope in IDENTITY), *self.scope_names)

    @property
    def scope_names(self) -> tuple[str, ...]:
        """What may be asked for at it."""
        return tuple(scope.name for scope in self.scopes)

    def allows(self, client: OAuthClient) -> bool:
        """True if the client may have tokens for it."""
        if self.clients == "listed":
            return client.id in self.listed
        return self.clients == "any" or not client.third_party


@dataclass(frozen=True, slots=True)
class NewResource:
    """What a new resource is to be. `check` says whether it can be."""

    uri: str
    name: str
    scopes: Sequence[ResourceScope] = ()
    clients: Clients = "house"
    listed: Sequence[str] = ()
    introspect: Sequence[str] = ()

    def check(self, resource_id: str, issuer: str, now: datetime) -> Resource:
        """The resource that comes of it.

        Raises:
            InvalidRequest: a field cannot be.
        """
        key = key_of(self.uri)
        if key is None:
            raise InvalidRequest(
                "uri",
                translatable(
                    "write an http or https URI of at most %(most)s characters, no fragment", most=MAXIMUM_URI
                ),
            )
        if key == key_of(issuer):
            raise InvalidRequest("uri", "is this server's own: its tokens need no resource")
        if self.clients not in CLIENTS:
            raise InvalidRequest("clients", translatable("use one of %(words)s", words=", ".join(CLIENTS)))
        if bool(self.listed) != (self.clients == "listed"):
            raise InvalidRequest("listed", "name clients where clients is listed, and only there")
        return Resource(
            id=resource_id,
            uri=self.uri,
            name=_text("name", self.name, MAXIMUM_NAME),
            scopes=_scopes(self.scopes),
            clients=self.clients,
            listed=_clients("listed", self.listed),
            introspect=_clients("introspect", self.introspect),
            created_at=now,
        )


def key_of(uri: str) -> str | None:
    """What two spellings of one resource have in common; None for what cannot be one.

    Scheme and host are compared without case, and an empty path is `/`; everything else is compared as it is written.
    """
    if not 0 < len(uri) <= MAXIMUM_URI or not _URI.fullmatch(uri):
        return None
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname or "@" in parts.netloc or port == 0:
        return None
    netloc = f"{parts.netloc.lower().partition(']')[0]}]" if parts.netloc.startswith("[") else parts.hostname
    if port is not None and port != DEFAULT_PORTS[parts.scheme]:
        netloc = f"{netloc}:{port}"
    return SplitResult(parts.scheme, netloc, "" if parts.path == "/" else parts.path, parts.query, "").geturl()


def others(consented: Iterable[str], resource: Resource | None) -> tuple[str, ...]:
    """What a person agreed to that is not for this resource; for None, not for this server."""
    if resource is None:
        return tuple(word for word in consented if "#" in word)
    return tuple(word for word in consented if word.partition("#")[0] != resource.uri)


def in_words(names: Iterable[str], resource: Resource | None) -> tuple[ResourceScope, ...]:
    """Scopes with the words that people are asked in; of a resource that is not known any more, by their names."""
    known = {scope.name: scope for scope in resource.scopes} if resource is not None else {}
    return tuple(known.get(name, ResourceScope(name, name)) for name in names)


def ensure_same(asked: str | None, granted: str | None) -> None:
    """Return if a token that is asked for is for whom the grant is; nothing asked is the same as before.

    Raises:
        InvalidTarget: it is not (RFC 8707 2.2).
    """
    if asked is not None and (granted is None or key_of(asked) != key_of(granted)):
        raise InvalidTarget


def written_scopes(scopes: Sequence[ResourceScope]) -> list[dict[str, str]]:
    """As they are stored."""
    return [{"name": scope.name, "words": scope.words} for scope in scopes]


def read_scopes(stored: Sequence[Mapping[str, Any]]) -> tuple[ResourceScope, ...]:
    """The reverse of `written_scopes`."""
    return tuple(ResourceScope(scope["name"], scope["words"]) for scope in stored)


def _scopes(scopes: Sequence[ResourceScope]) -> tuple[ResourceScope, ...]:
    if len(scopes) > MAXIMUM_SCOPES:
        raise InvalidRequest("scopes", translatable("give at most %(most)s", most=MAXIMUM_SCOPES))
    found: dict[str, ResourceScope] = {}
    for scope in scopes:
        if len(scope.name) > MAXIMUM_SCOPE or not _SCOPE.fullmatch(scope.name):
            raise InvalidRequest(
                "scopes", translatable("a name has 1 to %(most)s of the characters of RFC 6749 3.3", most=MAXIMUM_SCOPE)
            )
        if scope.name in SCOPES:
            raise InvalidRequest("scopes", translatable("%(scope)s is a scope of this server", scope=scope.name))
        if scope.name in found:
            raise InvalidRequest("scopes", translatable("%(scope)s is there twice", scope=scope.name))
        found[scope.name] = ResourceScope(scope.name, _text("scopes", scope.words or scope.name, MAXIMUM_WORDS))
    return tuple(found.values())


def _clients(field: str, ids: Sequence[str]) -> tuple[str, ...]:
    if len(ids) > MAXIMUM_LISTED:
        raise InvalidRequest(field, translatable("give at most %(most)s", most=MAXIMUM_LISTED))
    for one in ids:
        if not is_id(one) or not one.startswith("client_"):
            raise InvalidRequest(field, "write ids of clients, client_…")
    return tuple(dict.fromkeys(ids))


def _text(field: str, text: str, most: int) -> str:
    text = text.strip()
    if not 0 < len(text) <= most or not text.isprintable():
        raise InvalidRequest(field, translatable("use 1 to %(most)s printable characters", most=most))
    return text
