"""Runs `ostiary`, whichever version this interpreter has, and counts the CPU of SQLite's statements and of argon2.

    python bench/counted.py FILE serve --port 0

FILE holds one double for each thread: seconds of CPU so far. Nothing of the benchmarks is imported here, so that the
interpreter of another version can run it.
"""

from __future__ import annotations

import itertools
import mmap
import runpy
import sqlite3
import sqlite3.dbapi2
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from time import thread_time
from typing import Any

import argon2

THREADS = 64


def main() -> None:
    """Become the command line, counted."""
    file, *arguments = sys.argv[1:]
    _count_into(Path(file))
    sys.argv = ["ostiary", *arguments]
    runpy.run_module("ostiary", run_name="__main__")


def _count_into(file: Path) -> None:
    file.write_bytes(bytes(8 * THREADS))
    with file.open("r+b") as opened:
        slots = memoryview(mmap.mmap(opened.fileno(), 0)).cast("d")
    numbers, own = itertools.count(), threading.local()

    def counted(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            began = thread_time()
            try:
                return function(*arguments, **named)
            finally:
                took = thread_time() - began
                try:
                    slots[own.number] += took
                except AttributeError:
                    own.number = next(numbers) % THREADS
                    slots[own.number] += took

        return call

    class Cursor(sqlite3.Cursor):
        execute = counted(sqlite3.Cursor.execute)
        executemany = counted(sqlite3.Cursor.executemany)
        fetchone = counted(sqlite3.Cursor.fetchone)
        fetchmany = counted(sqlite3.Cursor.fetchmany)
        fetchall = counted(sqlite3.Cursor.fetchall)
        __next__ = counted(sqlite3.Cursor.__next__)

    class Connection(sqlite3.Connection):
        commit = counted(sqlite3.Connection.commit)
        rollback = counted(sqlite3.Connection.rollback)

        def cursor(self, factory: type[sqlite3.Cursor] = Cursor) -> Any:
            return super().cursor(factory)

        # The standard library's own goes by `cursor` only in some releases.
        def execute(self, *arguments: Any) -> Any:
            return self.cursor().execute(*arguments)

    def connect(*arguments: Any, **named: Any) -> sqlite3.Connection:
        return original(*arguments, **{"factory": Connection, **named})

    original = sqlite3.connect
    sqlite3.connect = sqlite3.dbapi2.connect = connect
    made = argon2.PasswordHasher.__init__

    def make(self: argon2.PasswordHasher, *arguments: Any, **named: Any) -> None:
        # In one lane: the threads of several would not be counted with the one that waits for them.
        made(self, *arguments, **{**named, "parallelism": 1})

    argon2.PasswordHasher.__init__ = make  # type: ignore[method-assign]
    argon2.PasswordHasher.hash = counted(argon2.PasswordHasher.hash)  # type: ignore[method-assign]
    argon2.PasswordHasher.verify = counted(argon2.PasswordHasher.verify)  # type: ignore[method-assign]


if __name__ == "__main__":
    main()
