"""Files that hold secrets: 0600 from their first byte, and whole or not there at all."""

from __future__ import annotations

import os
import stat
from types import TracebackType

from ostiary.cli.failures import Failure, usage

PRIVATE_FILE = 0o600
PRIVATE_DIRECTORY = 0o700


class PrivateFile:
    """A file that appears under its name only when it is complete.

    It is opened on entry, so that a directory that cannot be written to is found before a secret is made.
    """

    def __init__(self, path: str, *, replace: bool) -> None:
        self._path = path
        self._replace = replace
        self._draft = os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.{os.urandom(6).hex()}")
        self._text: str | None = None

    def __enter__(self) -> PrivateFile:
        """Open the draft beside the path.

        Raises:
            Failure: the path is taken (and not to be replaced), is no regular file, or cannot be written.
        """
        _ensure_free(self._path, replace=self._replace)
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
            self._descriptor = os.open(self._draft, flags, PRIVATE_FILE)
        except OSError as why:
            raise Failure(f"{self._path} cannot be written: {why.strerror}") from None
        return self

    def write(self, text: str) -> None:
        """Set the content; it is on the disk under its name after the `with` block."""
        self._text = text

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the draft its name, or remove it.

        Raises:
            Failure: the disk is full, or somebody else took the path meanwhile.
        """
        try:
            with os.fdopen(self._descriptor, "wb") as draft:
                if self._text is None:
                    return
                draft.write(self._text.encode())
                draft.flush()
                os.fsync(draft.fileno())
            self._name()
        except OSError as why:
            raise Failure(f"{self._path} cannot be written: {why.strerror}") from None
        finally:
            if os.path.lexists(self._draft):
                os.unlink(self._draft)

    def _name(self) -> None:
        if self._replace:
            os.replace(self._draft, self._path)
        else:
            self._take_name()
        if os.name == "posix":
            directory = os.open(os.path.dirname(self._path) or ".", os.O_RDONLY)
            try:
                os.fsync(directory)  # the name itself
            finally:
                os.close(directory)

    def _take_name(self) -> None:
        try:
            os.link(self._draft, self._path)  # unlike a rename, it fails when the name is taken
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links: reserve the name, then fill it
            os.close(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE))
            os.replace(self._draft, self._path)


def keep_new_files_private() -> None:
    """From now on, what this process creates is for its user alone: a database holds everybody's sessions."""
    os.umask(0o077)


def _ensure_free(path: str, *, replace: bool) -> None:
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    except OSError as why:
        raise Failure(f"{path} cannot be written: {why.strerror}") from None
    if not stat.S_ISREG(mode):  # a device, a pipe, a link into somewhere else: replacing it is never meant
        raise usage(f"{path} is not a regular file")
    if not replace:
        raise Failure(f"{path} exists", hint="choose another name or add --force")
