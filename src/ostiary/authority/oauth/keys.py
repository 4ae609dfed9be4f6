"""The keys that sign tokens, and what depends on them: making them, publishing them, reading what they signed."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Final, cast

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_der_private_key
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from ostiary.authority.acting import Acting
from ostiary.authority.oauth.sealed_keys import SealedKeys
from ostiary.core.oauth.claims import ACCESS_TYPE, ID_TYPE, AccessToken, Claims, read_access_token
from ostiary.core.oauth.jws import ALGORITHM, read_outside
from ostiary.errors import ConfigurationError, Conflict, SessionInvalid
from ostiary.settings import Settings
from ostiary.storage import signing_keys
from ostiary.storage.database import Connection, in_transaction
from ostiary.storage.signing_keys import StoredKey

OVERLAP: Final = timedelta(hours=24)  # how long a retired key is still published: caches of others live that long
FRESH: Final = 10.0  # seconds a node works with the keys that it has read
UNKNOWN: Final = 5.0  # seconds it believes that a key does not exist
MAXIMUM_UNKNOWN: Final = 1000  # keys it remembers that of
MAXIMUM_VERIFIED: Final = 8192  # JWTs whose signature it remembers to be good


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key, ready for use."""

    kid: str
    key: RSAKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class Verified:
    """What a JWT says, and the key that its signature is good for."""

    kid: str
    key: RSAKey = field(repr=False)
    claims: Mapping[str, Any] = field(repr=False)


class Keys:
    """Sign, publish, read."""

    def __init__(self, settings: Settings, acting: Acting) -> None:
        """Part of an `OAuth`; nothing is read yet."""
        self.acting = acting
        self.database = acting.database
        self.issuer = settings.issuer
        self._clock = acting.clock
        self._sealing = SealedKeys(settings, acting.database.file)
        self._known: list[StoredKey] = []
        self._read_at = float("-inf")
        self._public: dict[str, RSAKey] = {}
        self._signer: Signer | None = None
        self._unknown: dict[str, float] = {}
        self._verified: dict[bytes, Verified] = {}
        self._reading = asyncio.Lock()

    async def published(self) -> list[dict[str, Any]]:
        """The JWK set: keys in use, and those retired less than a day ago (RFC 7517 5)."""
        return [key.public_key for key in await self._current()]

    async def ensure(self) -> None:
        """Return when there is a key to sign with, making the first ones.

        Raises:
            ConfigurationError: there is no key to protect them with, or another one.
        """
        if not any(key.alg == ALGORITHM and key.private_key for key in await self._current()):
            await self._add(await self.generate())
            self.forget()

    @in_transaction
    async def _add(self, db: Connection, made: list[StoredKey]) -> None:
        await signing_keys.add(db, made)

    async def sign_access_token(self, claims: Claims) -> str:
        """An access token (RFC 9068)."""
        return await self._sign(claims, ACCESS_TYPE)

    async def sign_id_token(self, claims: Claims) -> str:
        """An ID token (OIDC Core 2)."""
        return await self._sign(claims, ID_TYPE)

    async def sign_evidence(self, claims: Claims, kind: str) -> str:
        """A statement about what happened, of a type that is no token: no door takes it for one.

        Raises:
            Conflict: there is no key to protect signing keys with; says how to give one.
        """
        try:
            return await self._sign({"iss": self.issuer, "iat": int(self._clock().timestamp()), **claims}, kind)
        except ConfigurationError as why:
            raise Conflict(why.message) from None

    async def _sign(self, claims: Claims, kind: str) -> str:
        signer = await self._signer_now()
        header = {"alg": ALGORITHM, "kid": signer.kid, "typ": kind}
        return jwt.encode(header, claims, signer.key, algorithms=[ALGORITHM])

    async def read_access_token(self, text: str, *, for_resources: bool = False) -> AccessToken:
        """An access token that we signed for ourselves and that has not expired. Its session is not asked for.

        Args:
            for_resources: one that is for a resource, too: to tell of it, or to end it; never to let its sender in.

        Raises:
            SessionInvalid: anything else.
        """
        claims = await self._claims(text, ACCESS_TYPE)
        return read_access_token(claims, issuer=self.issuer, now=self._clock(), for_resources=for_resources)

    async def read_id_token(self, text: str) -> Mapping[str, Any]:
        """The claims of an ID token that we signed, expired or not (OIDC RP-Initiated Logout 2).

        Raises:
            SessionInvalid: we did not sign it, or with a key that is gone.
        """
        claims = await self._claims(text, ID_TYPE)
        if claims.get("iss") != self.issuer:
            raise SessionInvalid
        return claims

    async def read_hint(self, text: str | None) -> Mapping[str, Any] | None:
        """The claims of an ID token that came as a hint; None where there is none, or none that we know to be ours.

        A hint that cannot be read, as one signed by a key that is gone, is as good as none: it is not the fault of
        whoever sends it.
        """
        if text is None:
            return None
        try:
            return await self.read_id_token(text)
        except SessionInvalid:
            return None

    async def did_sign(self, text: str) -> bool:
        """True if an access or ID token has a good signature of a key that is still known, expired or not."""
        for kind in (ACCESS_TYPE, ID_TYPE):
            try:
                return (await self._claims(text, kind)).get("iss") == self.issuer
            except SessionInvalid:
                continue
        return False

    async def _claims(self, text: str, kind: str) -> Mapping[str, Any]:
        # Applications ask about the same token with every request, and a signature that was good stays good for as
        # long as its key is one of ours. Known by the hash of all of its text, which itself is not kept.
        name = hashlib.sha256(f"{kind} {text}".encode(errors="surrogatepass")).digest()
        known = self._verified.get(name)
        if known is None or await self._key(known.kid) is not known.key:
            known = self._verified[name] = await self._verify(text, kind)
            if len(self._verified) > MAXIMUM_VERIFIED:
                del self._verified[next(iter(self._verified))]
        return known.claims

    async def _verify(self, text: str, kind: str) -> Verified:
        kid = read_outside(text, kind).kid
        key = await self._key(kid)
        try:
            return Verified(kid, key, MappingProxyType(jwt.decode(text, key, algorithms=[ALGORITHM]).claims))
        except (JoseError, ValueError):
            raise SessionInvalid from None

    async def _key(self, kid: str) -> RSAKey:
        await self._current()
        if kid not in self._public:
            # Made by another node a moment ago? Looked up once; then it is remembered for a moment that there is none.
            now = time.monotonic()
            if now - self._unknown.get(kid, float("-inf")) < UNKNOWN:
                raise SessionInvalid
            await self._read(since=now)
        if kid not in self._public:
            if len(self._unknown) >= MAXIMUM_UNKNOWN:
                self._unknown.clear()
            self._unknown[kid] = time.monotonic()
            raise SessionInvalid
        return self._public[kid]

    async def _current(self) -> list[StoredKey]:
        return await self._read(since=time.monotonic() - FRESH)

    async def _read(self, since: float) -> list[StoredKey]:
        """The keys, from a reading that began after `since`. Whoever asks meanwhile shares it."""
        if self._read_at > since:
            return self._known
        async with self._reading:
            if self._read_at <= since:
                began = time.monotonic()
                async with self.database.reading() as db:
                    known = await signing_keys.published(db, self._clock() - OVERLAP)
                public = {
                    key.kid: self._public.get(key.kid) or RSAKey.import_key(key.public_key)
                    for key in known
                    if key.alg == ALGORITHM
                }
                self._known, self._public, self._read_at = known, public, began
                if self._signer is not None and all(key.kid != self._signer.kid for key in known if key.private_key):
                    self._signer = None
        return self._known

    async def generate(self) -> list[StoredKey]:
        """New keys, sealed, not yet in force.

        Raises:
            ConfigurationError: there is no key to protect them with, or another one.
        """
        return await asyncio.to_thread(self._sealing.generate, self._clock())

    def forget(self) -> None:
        """Read the keys anew before the next use: they have changed."""
        self._read_at = float("-inf")

    async def _signer_now(self) -> Signer:
        await self.ensure()
        newest = next(key for key in await self._current() if key.alg == ALGORITHM and key.private_key)
        if self._signer is None or self._signer.kid != newest.kid:
            self._signer = Signer(newest.kid, self._opened(newest))
        return self._signer

    def _opened(self, stored: StoredKey) -> RSAKey:
        # We made it and sealed it. To prove once more that its factors are primes, as of a key from elsewhere, would
        # hold up the event loop for the time of 100 signatures.
        opened = self._sealing.open(stored)
        return RSAKey.import_key(
            cast("RSAPrivateKey", load_der_private_key(opened, None, unsafe_skip_rsa_key_validation=True))
        )

    def purpose_key(self, purpose: str) -> bytes:
        """As `SealedKeys.purpose_key`."""
        return self._sealing.purpose_key(purpose)

    def purpose_key_if_any(self, purpose: str) -> bytes | None:
        """As `SealedKeys.purpose_key_if_any`."""
        return self._sealing.purpose_key_if_any(purpose)
