"""Cursors: where the next page begins, as a text that only we read. They carry no right: every page is checked anew."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from ostiary.errors import InvalidRequest

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

# What a cursor may hold, however it was made: microseconds until the year 9999 and a session id; a name; a position.
_SESSION = tuple[
    Annotated[int, Meta(ge=0, le=253_402_300_799_999_999)], Annotated[str, Meta(pattern="^sess_[a-z2-7]{26}$")]
]
_USERNAME = Annotated[str, Meta(max_length=64, pattern=r"^[^\u0000]*$")]
_POSITION = Annotated[int, Meta(ge=0, le=2**63 - 1)]


def after_session(key: tuple[datetime, str] | None) -> str | None:
    """The cursor of what comes after a session."""
    return None if key is None else _write([(key[0] - _EPOCH) // _MICROSECOND, key[1]])


def read_session(cursor: str | None) -> tuple[datetime, str] | None:
    """Back from `after_session`.

    Raises:
        InvalidRequest: not one of ours; the same below.
    """
    if cursor is None:
        return None
    microseconds, session_id = _read(cursor, _SESSION)
    return _EPOCH + microseconds * _MICROSECOND, session_id


def after_user(username: str | None) -> str | None:
    """The cursor of what comes after a name."""
    return None if username is None else _write(username)


def read_user(cursor: str | None) -> str | None:
    """Back from `after_user`."""
    return None if cursor is None else str(_read(cursor, _USERNAME))


def before_event(position: int | None) -> str | None:
    """The cursor of what came before an event."""
    return None if position is None else _write(position)


def read_event(cursor: str | None) -> int | None:
    """Back from `before_event`."""
    return None if cursor is None else int(_read(cursor, _POSITION))


def _write(key: object) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).decode().rstrip("=")


def _read(cursor: str, kind: Any) -> Any:
    try:
        content = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), b"-_", validate=True)
        return msgspec.json.decode(content, type=kind)
    except (binascii.Error, ValueError, msgspec.MsgspecError, RecursionError):
        raise InvalidRequest("cursor", "is not the next_cursor of an earlier page") from None
