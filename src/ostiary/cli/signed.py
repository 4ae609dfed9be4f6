"""Reading what an authority signed, without asking it: a file, and the keys that verify it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from ostiary.cli.failures import Failure, usage

ALGORITHMS: Final = ["RS256"]
MAXIMUM_FILE: Final = 1024 * 1024  # bytes; a receipt of a thousand sessions takes 50,000


def read_signed(path: str, key_set: dict[str, Any], kind: str) -> dict[str, Any]:
    """The claims in a file, if one of the keys signed them as what they are said to be.

    Raises:
        Failure: it cannot be read, is of another kind, or no key verifies it.
    """
    from joserfc import jws
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet

    text = _read(path).strip()
    try:
        keys = KeySet.import_key_set(key_set)  # type: ignore[arg-type]
        verified = jws.deserialize_compact(text, keys, algorithms=ALGORITHMS)
        claims = json.loads(verified.payload)
    except (JoseError, ValueError, KeyError, TypeError) as why:
        raise Failure(f"{path}: no key verifies it ({type(why).__name__})", code="not_verified") from None
    if verified.headers().get("typ") != kind or not isinstance(claims, dict):
        raise Failure(f"{path}: it is signed, but it is not what was asked for", code="not_verified")
    return claims


def read_keys(path: str) -> dict[str, Any]:
    """A JWK set in a file (RFC 7517 5).

    Raises:
        Failure: it cannot be read, or is none.
    """
    try:
        found = json.loads(_read(path))
    except ValueError:
        raise usage(f"{path} is not JSON") from None
    if not isinstance(found, dict) or not isinstance(found.get("keys"), list):
        raise usage(f"{path} is not a JWK set")
    return found


def _read(path: str) -> str:
    with Path(path).open("rb") as file:
        content = file.read(MAXIMUM_FILE + 1)
    if len(content) > MAXIMUM_FILE:
        raise usage(f"{path} is larger than {MAXIMUM_FILE // 1024} KiB")
    return content.decode("utf-8", errors="replace")
