"""What a program says in English, and a page may say in another language."""

from __future__ import annotations

from collections.abc import Mapping

Value = str | int | float


class Formatted(str):
    """A text with its values filled in, which remembers both: translated is the text, before they are filled in."""

    __slots__ = ("template", "values")
    template: str
    values: Mapping[str, Value]


def translatable(text: str, /, **values: Value) -> str:
    """The text in English, marked for extraction into the catalogues; `%(name)s` in it stands for a value.

    Whoever shows it to a person translates it (`ostiary.web.language.translated`); for everybody else it is a `str`.
    """
    if not values:
        return text
    formatted = Formatted(text % values)
    formatted.template, formatted.values = text, values
    return formatted
