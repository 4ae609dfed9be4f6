"""What it means that the store fails: nobody can decide anything (rule 7), and somebody has to be told why.

An outage is whatever is wrong with the store and not with our statement. Each has a cause in a few words that name
nothing of the inside, and the driver's own sentence, which may name hosts, roles and databases: for operators only.
"""

from __future__ import annotations

import socket
import sqlite3
import ssl
from typing import Final

import asyncpg
from sqlalchemy.exc import DatabaseError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ostiary.errors import StoreUnavailable

# Classes of SQLSTATE (appendix A of PostgreSQL's manual): 08 connection; 25 the transaction cannot do this here, above
# all as the server is a standby or reads only; 28 and 3D not let in; 53 resources; 55 not in the state for it, such as
# a database that takes no connections; 57 an operator intervened, also starting up and shutting down; 58, F0 and XX the
# system around it.
OUTAGES: Final = frozenset({"08", "25", "28", "3D", "53", "55", "57", "58", "F0", "XX"})
NOT_OURS: Final = "42501"  # a right was taken from the role: an outage until it is given back

STANDBY: Final = "it is a standby"
READ_ONLY: Final = "it is read-only"
_WORDS: Final = {
    "08": "the connection was lost",
    "25": READ_ONLY,
    "28": "its role is not let in",
    "28P01": "the password is wrong",
    "3D": "the database does not exist",
    "53": "it has no room left",
    "53300": "it takes no more connections",
    "55": "it is not accepting connections",
    "57": "it was stopped or restarted",
    "57014": "it took too long",
    "57P03": "it is not accepting connections now",
    NOT_OURS: "its role lacks a right",
}
_SQLITE_BUSY: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})


class NotPrimary(Exception):
    """A connection that must not be used: it leads to a standby, or to a server that only reads."""


def is_outage(state: str | None) -> bool:
    """Whether a SQLSTATE tells of the store and not of our statement."""
    return state is not None and (state[:2] in OUTAGES or state == NOT_OURS)


def tells_of_an_outage(error: DBAPIError) -> bool:
    """The same of what SQLAlchemy raises, of both databases."""
    if error.connection_invalidated or isinstance(error, InterfaceError):
        return True
    state = sqlstate(error)
    if state is not None:
        return is_outage(state)
    # SQLite: `DatabaseError` itself is of a file that is damaged, or no database.
    return isinstance(error, OperationalError) or type(error) is DatabaseError


def is_busy(error: DBAPIError) -> bool:
    """Whether SQLite only asks for patience: its connection is as good as before."""
    return getattr(error.orig, "sqlite_errorcode", 0) & 0xFF in _SQLITE_BUSY


def sqlstate(error: DBAPIError) -> str | None:
    """What PostgreSQL calls it; None where it was not PostgreSQL."""
    return getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None)


def unavailable(error: BaseException) -> StoreUnavailable:
    """The error that says so, with its cause."""
    if isinstance(error, StoreUnavailable):
        return error
    return StoreUnavailable(cause=cause_of(error), sentence=sentence_of(error))


def sentence_of(error: BaseException) -> str:
    """What the driver says, on one line."""
    original: BaseException = error
    if isinstance(error, DBAPIError) and error.orig is not None:
        original = error.orig.__cause__ or error.orig
    if isinstance(original, OSError | TimeoutError) and not isinstance(original, ssl.SSLError):
        return cause_of(original)
    return (str(original).strip().splitlines() or [type(original).__name__])[0]


def cause_of(error: BaseException) -> str:
    """Why the store cannot be used, in words that name no host, role or database."""
    if isinstance(error, NotPrimary):
        return str(error)
    if isinstance(error, DBAPIError):
        state = sqlstate(error)
        if state is None and error.orig is not None:
            return _of_sqlite(error.orig)
    elif isinstance(error, sqlite3.Error):
        return _of_sqlite(error)
    else:
        state = getattr(error, "sqlstate", None)
    if state:
        return _WORDS.get(state) or _WORDS.get(state[:2]) or "it failed"
    return _of_the_way_there(error)


def _of_sqlite(error: BaseException) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    words = {
        sqlite3.SQLITE_BUSY: "somebody else writes for too long",
        sqlite3.SQLITE_CANTOPEN: "the file cannot be opened",
        sqlite3.SQLITE_CORRUPT: "the file is damaged",
        sqlite3.SQLITE_FULL: "the disk is full",
        sqlite3.SQLITE_IOERR: "the disk fails",
        sqlite3.SQLITE_NOTADB: "the file is no database",
        sqlite3.SQLITE_READONLY: READ_ONLY,
    }
    return words.get(code, "it failed")


def _of_the_way_there(error: BaseException) -> str:
    if isinstance(error, PoolTimeout):
        return "all connections are in use"
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        return "its certificate is not accepted"
    if isinstance(error, ssl.SSLError):
        return "TLS failed"
    if isinstance(error, socket.gaierror):
        return "its name cannot be resolved"
    text = str(error)
    if "SSL upgrade" in text:
        return "it refuses TLS"
    # asyncio puts the failures of several addresses of a name into one error without a kind.
    if isinstance(error, ConnectionRefusedError | FileNotFoundError) or "Connect call failed" in text:
        return "nothing listens there"
    if isinstance(error, asyncpg.InterfaceError | asyncpg.InternalClientError | ValueError):
        return "the driver cannot connect with this URL"
    return "it cannot be reached"
