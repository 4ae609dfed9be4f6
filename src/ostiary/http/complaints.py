"""What is wrong with a field, in a person's words instead of the decoder's."""

from __future__ import annotations

import re
from typing import Final

from ostiary.errors.translatable import translatable

# What a field must be, alone and beside another kind.
_KINDS: Final = {
    "str": (translatable("must be a text"), "a text"),
    "int": (translatable("must be a whole number"), "a whole number"),
    "bool": (translatable("must be true or false"), "true or false"),
    "array": (translatable("must be a list"), "a list"),
    "object": (translatable("must be an object"), "an object"),
    "null": (translatable("must be null"), "null"),
    "float": (translatable("must be a number"), "a number"),
}

_WORDS: Final = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (r"Object missing required field", translatable("is missing")),
        (r"Object contains unknown field", translatable("is not known here")),
        (r"Invalid enum value", translatable("is not one of the values that there are")),
        (r"Expected `str` of length >= 1\b", translatable("must not be empty")),
        (r"Expected `str` of length >= (?P<least>\d+)", translatable("use at least %(least)s characters")),
        (r"Expected `str` of length <= (?P<most>\d+)", translatable("use at most %(most)s characters")),
        (r"Expected `array` of length <= (?P<most>\d+)", translatable("give at most %(most)s")),
        (r"Expected `int` >= (?P<least>-?\d+)", translatable("must be at least %(least)s")),
        (r"Expected `int` <= (?P<most>-?\d+)", translatable("must be at most %(most)s")),
        (r"Expected `str` matching regex", translatable("has a character that cannot be used")),
        (r"Integer value out of range", translatable("is too large a number")),
    )
)
_EXPECTED: Final = re.compile(r"Expected `([a-z |]+)`")


def in_words(message: str) -> str:
    """A message of msgspec, for the person who sent the field."""
    for pattern, words in _WORDS:
        if found := pattern.match(message):
            return translatable(words, **found.groupdict())
    if found := _EXPECTED.match(message):
        kinds = [_KINDS.get(kind.strip(), (f"must be {kind.strip()}", kind.strip())) for kind in found[1].split("|")]
        return kinds[0][0] if len(kinds) == 1 else f"must be {' or '.join(beside for _, beside in kinds)}"
    return message
