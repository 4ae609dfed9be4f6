"""Ids as people type them: whole, or the beginning of one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ostiary.cli.failures import NOT_FOUND, Failure, usage

SHORTEST: Final = 3  # characters of the random part; fewer could be a slip of the hand
SHOWN: Final = 10  # matches named in an error


def is_whole(text: str, prefix: str) -> bool:
    """True for a complete id of that kind: it needs no looking up."""
    from ostiary.core.token import is_id  # brings hashes and random numbers, which a list has no use for

    return text.startswith(f"{prefix}_") and is_id(text)


def match(text: str, ids: Iterable[str], prefix: str, noun: str) -> str:
    """The one id that begins with the text; `sess_` may be left out.

    Raises:
        Failure: none, or more than one: then it names them; too short to mean one.
    """
    known = list(dict.fromkeys(ids))
    if text in known:
        return text
    start = text if text.startswith(f"{prefix}_") else f"{prefix}_{text}"
    if len(start) < len(prefix) + 1 + SHORTEST:
        raise usage(f'"{text}" is too short; write at least {SHORTEST} characters after {prefix}_')
    found = [one for one in known if one.startswith(start)]
    if not found:
        raise Failure(
            f'there is no {noun} that begins with "{text}"', NOT_FOUND, code=f"{noun.removeprefix('CLI ')}_not_found"
        )
    if len(found) > 1:
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        raise usage(f'"{text}" matches {len(found)} {noun}s: {", ".join(found[:SHOWN])}{more}; write more of the id')
    return found[0]
