"""The key that protects signing keys: given by a setting, or kept in a file that only the owner can read."""

from __future__ import annotations

import base64
import contextlib
import os
import secrets
from pathlib import Path
from typing import Final

from ostiary.errors import ConfigurationError
from ostiary.settings import KEY_BYTES, Settings

NAME: Final = "ostiary.key"  # beside the SQLite database
HOW: Final = (
    "give the key that protects signing keys, with key_file or OSTIARY_KEY; 'ostiary keys generate' prints a new one"
)


def read(settings: Settings, sqlite_path: Path | None) -> bytes | None:
    """The key, or None where none is given. Beside a SQLite database one is made when it is missing.

    Raises:
        ConfigurationError: the file cannot be read or written, others can read it, or it holds something else.
    """
    if settings.key is not None:
        return _decoded(settings.key)
    if settings.key_file is not None:
        return _read(Path(settings.key_file))
    if sqlite_path is None:
        return None
    path = sqlite_path.with_name(NAME)
    if not path.exists():
        _make(path)
    return _read(path)


def new_key() -> str:
    """A new key, as settings and files hold it."""
    return base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).rstrip(b"=").decode()


def _make(path: Path) -> None:
    # Written whole under another name and then linked: of two that start at once, one wins and both read the same.
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(f"{new_key()}\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    except OSError as why:
        raise ConfigurationError(f"the key file {path} cannot be written: {why.strerror or why}") from None
    finally:
        draft.unlink(missing_ok=True)


def _read(path: Path) -> bytes:
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as why:
        raise ConfigurationError(f"the key file {path} cannot be read: {why}", field="key_file") from None
    if mode & 0o007:
        raise ConfigurationError(f"everybody can read the key file {path}; chmod 600 it", field="key_file")
    try:
        return _decoded(text)
    except ValueError:
        raise ConfigurationError(f"the key file {path} does not hold a key; {HOW}", field="key_file") from None


def _decoded(text: str) -> bytes:
    key = base64.b64decode(f"{text}=", altchars=b"-_", validate=True)
    if len(key) != KEY_BYTES:
        raise ValueError("not a key")
    return key
