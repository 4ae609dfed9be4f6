"""Private keys as they are stored: sealed by the key that the operator keeps."""

from __future__ import annotations

import hmac
import secrets
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc.jwk import ECKey, RSAKey

from ostiary.core.oauth.jws import ALGORITHM
from ostiary.core.token import new_id
from ostiary.errors import ConfigurationError
from ostiary.settings import Settings
from ostiary.storage import key_file
from ostiary.storage.signing_keys import StoredKey

RSA_BITS: Final = 2048  # NIST SP 800-131A; RFC 7518 3.3 asks for at least as many
NONCE: Final = 12  # bytes, as AES-GCM wants


class SealedKeys:
    """Part of `Keys`."""

    def __init__(self, settings: Settings, database_file: Path | None) -> None:
        """The operator's key is read when it is needed; by default it lies beside the SQLite file, if there is one."""
        self._settings = settings
        self._database_file = database_file
        self._master: bytes | None = None

    def purpose_key(self, purpose: str) -> bytes:
        """A key of its own for one purpose, made of the one that the operator keeps.

        Raises:
            ConfigurationError: there is none; says how to give one.
        """
        return hmac.digest(self._master_key(), f"ostiary {purpose}".encode(), "sha256")

    def purpose_key_if_any(self, purpose: str) -> bytes | None:
        """The same, or None where the operator gave no key.

        Raises:
            ConfigurationError: one was given, and it cannot be read.
        """
        return self.purpose_key(purpose) if self._read_master() is not None else None

    def _master_key(self) -> bytes:
        master = self._read_master()
        if master is None:
            raise ConfigurationError(key_file.HOW, field="key_file")
        return master

    def _read_master(self) -> bytes | None:
        if self._master is None:
            self._master = key_file.read(self._settings, self._database_file)
        return self._master

    def generate(self, now: datetime) -> list[StoredKey]:
        """New keys, sealed.

        Raises:
            ConfigurationError: there is no key to protect them with.
        """
        return [
            self._sealed(RSAKey.generate_key(RSA_BITS, auto_kid=False), ALGORITHM, now),
            self._sealed(ECKey.generate_key("P-256", auto_kid=False), "ES256", now),
        ]

    def _sealed(self, key: RSAKey | ECKey, alg: str, now: datetime) -> StoredKey:
        kid = new_id("key")
        public = {**key.as_dict(private=False), "kid": kid, "alg": alg, "use": "sig"}
        nonce = secrets.token_bytes(NONCE)
        sealed = AESGCM(self.purpose_key("signing keys")).encrypt(nonce, key.as_der(private=True), kid.encode())
        return StoredKey(kid, alg, public, nonce + sealed, now)

    def open(self, stored: StoredKey) -> bytes:
        """The private key (DER).

        Raises:
            ConfigurationError: it was sealed by another key than the one in force.
        """
        sealed = stored.private_key or b""
        try:
            return AESGCM(self.purpose_key("signing keys")).decrypt(sealed[:NONCE], sealed[NONCE:], stored.kid.encode())
        except (InvalidTag, ValueError):
            raise ConfigurationError(
                "the signing keys cannot be opened: they were protected by another key than the one in force. "
                "Give that one back, or run 'ostiary keys rotate'",
                field="key_file",
            ) from None
