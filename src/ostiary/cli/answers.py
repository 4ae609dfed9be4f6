"""What an answer holds, read without trusting its shape; and names as parts of a path."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias
from urllib.parse import quote

from ostiary.cli.failures import usage

Object: TypeAlias = dict[str, Any]


def segment(text: str) -> str:
    """A name or id as one part of a path, whatever is in it.

    Raises:
        Failure: `.` or `..`, which HTTP would take for directories; empty.
    """
    if text in {"", ".", ".."}:
        raise usage(f'"{text}" is not a name')
    return quote(text, safe="")


def member(content: Object, name: str) -> Object:
    """An inner object, `{}` when it is missing or null."""
    inner = content.get(name)
    return inner if isinstance(inner, dict) else {}


def text(content: Object, name: str) -> str:
    """A text of an answer, empty when it is missing; always one that can be written as UTF-8."""
    value = content.get(name)
    return value.encode(errors="replace").decode() if isinstance(value, str) else ""


def counted(content: Object, name: str, noun: str) -> str:
    """`1 session` or `2 sessions`, from a number of an answer."""
    number = content.get(name)
    return f"1 {noun}" if number == 1 else f"{number} {noun}s"


def texts(items: Sequence[Object], name: str) -> list[str]:
    """The same of several objects."""
    return [text(item, name) for item in items]
