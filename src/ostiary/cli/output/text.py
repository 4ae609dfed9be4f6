"""Text that a stranger may have written, made safe for a terminal: nothing in it moves the cursor or fakes a line."""

from __future__ import annotations


def safe(text: str) -> str:
    r"""The text with everything that is not a visible character shown escaped: ESC as `\x1b`, a newline as `\n`.

    That covers control characters, line and paragraph separators, bidirectional overrides, zero-width characters,
    private-use characters and lone surrogates.
    """
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _escaped(character) for character in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def width(text: str) -> int:
    """Terminal columns that a safe text takes: wide East Asian characters and emoji take two, combining marks none."""
    return len(text) if text.isascii() else sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    import unicodedata  # a large table; most output is plain ASCII

    if unicodedata.category(character) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def cut(text: str, limit: int) -> str:
    """The beginning of a safe text that fits into `limit` columns."""
    if width(text) <= limit:
        return text
    taken = 0
    for position, character in enumerate(text):
        taken += width(character)
        if taken > limit:
            return text[:position]
    return text


def pad(text: str, columns: int) -> str:
    """The text with spaces up to `columns`."""
    return text + " " * (columns - width(text))


def centre(text: str, columns: int) -> str:
    """The text in the middle; an odd space goes to the right."""
    return pad(" " * ((columns - width(text)) // 2) + text, columns)
