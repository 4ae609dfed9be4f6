"""Cursors: where the next page begins, as a text that only we read. They carry no right: the page is checked anew."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any, TypeVar

import msgspec
from litestar.params import QueryParameter

from ostiary.errors import InvalidRequest

T = TypeVar("T")

Cursor = Annotated[str | None, QueryParameter(max_length=512, description="`next_cursor` of the page before; opaque.")]


def write_cursor(key: Any) -> str | None:
    """The cursor of a key, None for None."""
    return None if key is None else base64.urlsafe_b64encode(msgspec.json.encode(key)).decode().rstrip("=")


def read_cursor(text: str | None, kind: type[T]) -> T | None:
    """The key of a cursor, None for None.

    Raises:
        InvalidRequest: not one of ours.
    """
    if text is None:
        return None
    try:
        content = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        return msgspec.json.decode(content, type=kind)
    except (binascii.Error, ValueError, msgspec.MsgspecError, RecursionError):
        raise InvalidRequest("cursor", "is not the next_cursor of an earlier page") from None
