"""Columns: which fields of a record are shown, under which title, and how a person reads them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

from ostiary.cli.output.text import cut, safe

Record: TypeAlias = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Column:
    """One field of a record.

    Attributes:
        key: its name in json, ndjson, yaml, csv, tsv and sql.
        title: its name in what people read.
        show: how a table writes the value, `words` unless said; other formats carry it whole.
        limit: where a table cuts it, in terminal columns.
        is_id: it is what the format `quiet` writes of a record that has no `id`.
    """

    key: str
    title: str
    show: Callable[[object], str] | None = None
    limit: int | None = None
    is_id: bool = False

    def in_table(self, record: Record, null: str = "-") -> str:
        """The cell of a table: safe for a terminal, cut to the limit."""
        value = record.get(self.key)
        if value is None:
            return null
        text = safe((self.show or words)(value))
        return text if self.limit is None else cut(text, self.limit)


def columns(*given: str | Column) -> tuple[Column, ...]:
    """Columns by their keys, which say title and form: `last_used_at` is a time, `is_current` a yes.

    Args:
        given: a key; a key and a title, as `username:user`; or a whole column.
    """
    return tuple(one if isinstance(one, Column) else _column(*one.partition(":")) for one in given)


def _column(key: str, _: str, title: str) -> Column:
    show = minute if key.endswith("_at") else yes if key.startswith("is_") else None
    return Column(key, title or key.removeprefix("is_").removesuffix("_at").replace("_", " "), show)


def plain(value: object) -> str:
    """A value in one piece of text: booleans and numbers as in JSON, lists of words with spaces, null as nothing."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return " ".join(value)
    return json.dumps(value, ensure_ascii=False)


def yes(value: object) -> str:
    """`yes` or `-`."""
    return "yes" if value is True else "-"


def words(value: object) -> str:
    """A list as `a, b`; an empty one as `-`."""
    if isinstance(value, list):
        return ", ".join(plain(item) for item in value) or "-"
    return plain(value)


def minute(value: object) -> str:
    """An RFC 3339 time as `2026-05-19 09:02`, UTC. What is no time is shown as it is."""
    at = instant(value)
    return at.strftime("%Y-%m-%d %H:%M") if at else plain(value)


def microsecond(value: object) -> str:
    """An RFC 3339 time as `2022-08-02 18:24:26.37664`, UTC: no zeros at the end, as databases print."""
    at = instant(value)
    if at is None:
        return plain(value)
    text = at.strftime("%Y-%m-%d %H:%M:%S.%f")
    return text.rstrip("0").rstrip(".")


def instant(value: object) -> datetime | None:
    """An RFC 3339 time as a UTC datetime, or None."""
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
