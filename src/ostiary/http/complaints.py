"""What is wrong with a field, in a person's words instead of the decoder's."""

from __future__ import annotations

import re
from typing import Final

_KINDS: Final = {
    "str": "a text",
    "int": "a whole number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
    "float": "a number",
}

_WORDS: Final = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (r"Object missing required field", "is missing"),
        (r"Object contains unknown field", "is not known here"),
        (r"Invalid enum value", "is not one of the values that there are"),
        (r"Expected `str` of length >= 1\b", "must not be empty"),
        (r"Expected `str` of length >= (\d+)", r"use at least \1 characters"),
        (r"Expected `str` of length <= (\d+)", r"use at most \1 characters"),
        (r"Expected `array` of length <= (\d+)", r"give at most \1"),
        (r"Expected `int` >= (-?\d+)", r"must be at least \1"),
        (r"Expected `int` <= (-?\d+)", r"must be at most \1"),
        (r"Expected `str` matching regex", "has a character that cannot be used"),
        (r"Integer value out of range", "is too large a number"),
    )
)
_EXPECTED: Final = re.compile(r"Expected `([a-z |]+)`")


def in_words(message: str) -> str:
    """A message of msgspec, for the person who sent the field."""
    for pattern, words in _WORDS:
        if found := pattern.match(message):
            return found.expand(words)
    if found := _EXPECTED.match(message):
        kinds = [kind.strip() for kind in found[1].split("|")]
        return f"must be {' or '.join(_KINDS.get(kind, kind) for kind in kinds)}"
    return message
