"""The language that a request is answered in, and its catalogue.

A text in the source is its English, and the key of its translation. `locale/ostiary.pot` lists all of them; a language
is a directory beside it with a catalogue, and being there is all that it needs to be spoken (docs/decisions/0038).
"""

from __future__ import annotations

import gettext as catalogues
import re
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final, Literal

from ostiary.errors.translatable import Formatted, Value

LOCALES: Final = Path(__file__).parent / "locale"
DOMAIN: Final = "ostiary"
MAXIMUM_RANGES: Final = 16  # of an Accept-Language; browsers send a handful

Direction = Literal["ltr", "rtl"]

_RANGE = re.compile(r"\s*([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*)\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*)?")


@dataclass(frozen=True, slots=True)
class Language:
    """A language that pages speak.

    Attributes:
        tag: as in `<html lang>` (BCP 47).
    """

    tag: str
    catalogue: catalogues.NullTranslations = field(repr=False)

    @property
    def direction(self) -> Direction:
        """Where a line goes, as the catalogue says."""
        return "rtl" if self.catalogue.pgettext("direction of the script: ltr or rtl", "ltr") == "rtl" else "ltr"


ENGLISH: Final = Language("en", catalogues.NullTranslations())
_current: ContextVar[Language] = ContextVar("language", default=ENGLISH)


@cache
def languages() -> dict[str, Language]:
    """Every language that there is a catalogue of, by its tag in lower case; English first."""
    found = {"en": ENGLISH}
    for path in sorted(LOCALES.glob(f"*/LC_MESSAGES/{DOMAIN}.mo")):
        tag = path.parent.parent.name.replace("_", "-")
        with path.open("rb") as content:
            found[tag.lower()] = Language(tag, catalogues.GNUTranslations(content))
    return found


def preferred(header: str | None) -> Language:
    """The language that an `Accept-Language` likes most of those that there are; English where it names none.

    `de-AT` is content with `de` (RFC 4647 3.4, lookup); what cannot be read is passed over.
    """
    known = languages()
    wanted: list[tuple[float, str]] = []
    for part in (header or "").split(",")[:MAXIMUM_RANGES]:
        if read := _RANGE.fullmatch(part):
            wanted.append((float(read[2] or 1), read[1].lower()))
    for quality, tag in sorted(wanted, key=lambda one: -one[0]):
        parts = tag.split("-") if quality > 0 else []
        for length in range(len(parts), 0, -1):
            if found := known.get("-".join(parts[:length])):
                return found
    return ENGLISH


def speak(language: Language) -> None:
    """Answer in this language, for the rest of the request."""
    _current.set(language)


def current() -> Language:
    """The language of the request that is being answered."""
    return _current.get()


def gettext(message: str, /, **values: object) -> str:
    """The text in the language of the request, with its values in."""
    text = current().catalogue.gettext(message)
    return text % values if values else text


def ngettext(one: str, many: str, num: int, /, **values: object) -> str:
    """The form that goes with a number, which is `%(num)s` in it."""
    return current().catalogue.ngettext(one, many, num) % {"num": number(num), **values}


def pgettext(context: str, message: str, /) -> str:
    """As `gettext`, for a text that means something else elsewhere."""
    return current().catalogue.pgettext(context, message)


def plural(one: str, many: str, /) -> tuple[str, str]:
    """Both forms, marked for extraction, for an `ngettext` later."""
    return one, many


def translated(text: str) -> str:
    """What another part of the program says (see `ostiary.errors.translatable`), in the language of the request."""
    return gettext(text.template, **text.values) if isinstance(text, Formatted) else gettext(text)


def sentence(text: str) -> str:
    """The same, from a capital letter to a full stop."""
    said = translated(text)
    said = f"{said[:1].upper()}{said[1:]}"
    return said if said.endswith((".", "!", "?")) else gettext("%(sentence)s.", sentence=said)


def number(value: Value) -> str:
    """`1,234`, `0.5`."""
    text = f"{value:,}" if isinstance(value, int) else f"{value:g}"
    signs = {",": pgettext("between thousands", ","), ".": pgettext("before decimals", ".")}
    return "".join(signs.get(sign, sign) for sign in text)
