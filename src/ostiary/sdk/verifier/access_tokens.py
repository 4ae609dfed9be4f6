"""Access tokens (RFC 9068), read here: whose they are. Whether they still work is a matter of `sid`."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final

from ostiary.core.oauth.claims import ACCESS_TYPE, AccessToken, read_access_token
from ostiary.core.oauth.jws import read_outside
from ostiary.errors import SessionInvalid
from ostiary.sdk.signing_keys import RETRY, claims_of, usable

MAXIMUM_READ: Final = 10_000  # tokens whose signature is not looked at again; each takes about one KiB


class AccessTokens:
    """Reads access tokens with the authority's published keys."""

    def __init__(
        self,
        fetch: Callable[[], Awaitable[dict[str, Any]]],
        clock: Callable[[], float],
        *,
        issuer: str,
        audience: str | None,
    ) -> None:
        """`fetch` gets the key set."""
        self._fetch = fetch
        self._clock = clock
        self._issuer = issuer
        self._audience = audience
        self._keys: dict[str, Any] = {}
        self._read: dict[bytes, AccessToken] = {}
        self._generation = 0
        self._looked = -RETRY
        self._turn = asyncio.Lock()

    def forget(self) -> None:
        """The keys have changed, or may have: what was read with them does not count any more."""
        self._generation += 1
        self._looked = -RETRY
        self._keys = {}
        self._read = {}

    def recall(self, text: str, now: datetime) -> AccessToken | None:
        """A token that was read before and is not expired at `now`, by the server's clock."""
        found = self._read.get(hashlib.sha256(text.encode()).digest())
        return found if found is not None and now.timestamp() < found.expires_at else None

    async def read(self, text: str, now: datetime) -> AccessToken:
        """A token that the authority signed, for this audience, not expired at `now` by the server's clock.

        Raises:
            SessionInvalid: anything else.
            CannotProve: the keys could not be had.
        """
        kid = read_outside(text, ACCESS_TYPE).kid
        key = self._keys.get(kid) or await self._look_for(kid)
        generation = self._generation
        claims = claims_of(text, key)
        token = read_access_token(claims, issuer=self._issuer, now=now)
        if self._audience is not None and self._audience not in claims["aud"]:
            raise SessionInvalid("the access token is not for this audience")
        if generation == self._generation:
            if len(self._read) >= MAXIMUM_READ:
                self._read.clear()
            self._read[hashlib.sha256(text.encode()).digest()] = token
        return token

    async def _look_for(self, kid: str) -> Any:
        async with self._turn:
            if kid not in self._keys and self._clock() - self._looked >= RETRY:
                generation = self._generation
                found = usable(await self._fetch())
                if generation == self._generation:
                    self._keys, self._looked = found, self._clock()
        if kid not in self._keys:
            raise SessionInvalid
        return self._keys[kid]
