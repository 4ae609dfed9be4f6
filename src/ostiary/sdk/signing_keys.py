"""The authority's published keys (RFC 7517), and the claims of what they signed."""

from __future__ import annotations

from typing import Any, Final

from ostiary.core.oauth.jws import ALGORITHM
from ostiary.errors import SessionInvalid

MINIMUM_MODULUS: Final = 342  # characters of base64url: 2048 bits; RFC 7518 3.3
RETRY: Final = 5.0  # seconds between two looks for a key that is not there


def usable(key_set: dict[str, Any]) -> dict[str, Any]:
    """The RSA keys of a key set that are for this algorithm, by `kid`; nothing else is even read."""
    from joserfc.errors import JoseError
    from joserfc.jwk import RSAKey

    found: dict[str, Any] = {}
    keys = key_set.get("keys")
    for one in keys if isinstance(keys, list) else ():
        if not isinstance(one, dict) or one.get("kty") != "RSA" or one.get("alg") != ALGORITHM or "d" in one:
            continue
        try:
            if isinstance(one.get("kid"), str) and len(one["n"]) >= MINIMUM_MODULUS:
                found[one["kid"]] = RSAKey.import_key(one)
        except (JoseError, ValueError, TypeError, KeyError):
            continue
    return found


def claims_of(text: str, key: Any) -> dict[str, Any]:
    """The claims of a JWT that this key signed.

    Raises:
        SessionInvalid: it did not.
    """
    from joserfc import jwt
    from joserfc.errors import JoseError

    try:
        return dict(jwt.decode(text, key, algorithms=[ALGORITHM]).claims)
    except (JoseError, ValueError):
        raise SessionInvalid from None


class KeyCache:
    """The keys that were read last, until one is missing. Threads may share it."""

    def __init__(self) -> None:
        """Empty: the first token has them read."""
        self._keys: dict[str, Any] = {}
        self._looked: float | None = None

    def find(self, kid: str) -> Any | None:
        """A key by its id."""
        return self._keys.get(kid)

    def may_look(self, now: float) -> bool:
        """True if it is time to read them again: whoever sends made-up ids has the server asked every 5 s at most.

        `now` is in seconds, of a clock that does not jump.
        """
        return self._looked is None or now - self._looked >= RETRY

    def keep(self, key_set: dict[str, Any], now: float) -> None:
        """What was read at `now`."""
        self._keys, self._looked = usable(key_set), now
