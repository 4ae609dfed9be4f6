"""The configuration file itself: found, read, locked and replaced. A file that is not understood is never touched."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeAlias

from ostiary.cli.failures import Failure, usage
from ostiary.cli.private_file import PRIVATE_DIRECTORY, PRIVATE_FILE, PrivateFile

Document: TypeAlias = dict[str, Any]

MAXIMUM_FILE: Final = 1024 * 1024  # bytes


def config_path() -> str:
    """`OSTIARY_CONFIG`, else `ostiary/config.toml` under the user's configuration directory."""
    named = os.environ.get("OSTIARY_CONFIG")
    return named or os.path.join(_default_directory(), "config.toml")


def _default_directory() -> str:
    base = os.environ.get("APPDATA" if os.name == "nt" else "XDG_CONFIG_HOME", "")
    if not os.path.isabs(base):  # the XDG specification has relative ones ignored
        base = os.path.join(os.path.expanduser("~"), ".config")
    return os.path.join(base, "ostiary")


def read(path: str) -> Document:
    """The file as TOML; empty when there is none. Permissions wider than 0600 are tightened.

    Raises:
        Failure: not readable, somebody else's, or not TOML.
    """
    content = _content(_real(path))
    return _parse(path, content) if content is not None else {}


def rewrite(path: str, change: Callable[[Document], Document]) -> None:
    """Read the file again, change it and replace it in one step, alone: two writers at once both stay.

    Raises:
        Failure: as `read`, what `change` raises, or the file cannot be written.
    """
    import tomli_w

    real = _real(path)
    _ensure_directory(os.path.dirname(real) or ".", ours=not os.environ.get("OSTIARY_CONFIG"))
    with _locked(os.path.dirname(real) or "."):
        text = tomli_w.dumps(change(read(path)))
        with PrivateFile(real, replace=True) as file:
            file.write(f"# Written by ostiary. It holds credentials: keep it to yourself.\n{text}")


@contextmanager
def _locked(directory: str) -> Iterator[None]:
    if os.name != "posix":  # only there can a directory be locked
        yield
        return
    import fcntl

    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _ensure_directory(directory: str, *, ours: bool) -> None:
    try:
        os.makedirs(directory, mode=PRIVATE_DIRECTORY, exist_ok=True)
        if ours and os.name == "posix" and stat.S_IMODE(os.stat(directory).st_mode) & 0o077:
            os.chmod(directory, PRIVATE_DIRECTORY)
    except OSError as why:
        raise Failure(f"{directory} cannot be made private: {why.strerror}") from None


def _real(path: str) -> str:
    """Where the file really is. A link that somebody else placed could make us overwrite another file."""
    if os.path.islink(path):
        if os.name == "posix" and os.lstat(path).st_uid not in {0, os.geteuid()}:
            raise Failure(f"{path} is a link that belongs to another user", hint="remove it")
        return os.path.realpath(path)
    return path


def _content(path: str) -> bytes | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        return None
    except OSError as why:
        raise Failure(f"{path} cannot be read: {why.strerror}") from None
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size > MAXIMUM_FILE:
            raise usage(f"{path} is not a configuration file")
        if os.name == "posix":
            _tighten(path, descriptor, found)
        return os.read(descriptor, MAXIMUM_FILE)
    finally:
        os.close(descriptor)


def _tighten(path: str, descriptor: int, found: os.stat_result) -> None:
    user = os.geteuid()
    if found.st_uid not in {0, user} and user != 0:
        raise Failure(f"{path} belongs to another user", hint="remove it or set OSTIARY_CONFIG")
    if stat.S_IMODE(found.st_mode) & 0o077 and found.st_uid == user:
        os.fchmod(descriptor, PRIVATE_FILE)


def _parse(path: str, content: bytes) -> Document:
    import tomllib

    try:
        document = tomllib.loads(content.decode())
    except UnicodeDecodeError as why:
        line = content.count(b"\n", 0, why.start) + 1
    except tomllib.TOMLDecodeError as why:
        found = re.search(r"at line (\d+)", str(why))
        line = int(found[1]) if found else content.count(b"\n") + 1
    else:
        return document
    raise usage(f"{path} is not valid TOML (line {line}); fix or remove it")
