"""What a form brought."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qs

from ostiary.errors import InvalidRequest
from ostiary.errors.translatable import translatable

MEDIA_TYPE: Final = "application/x-www-form-urlencoded"
MAXIMUM_FIELDS: Final = 32


class Form:
    """The fields of a form, by name. A field that is not there is empty. Not in the repr: passwords are."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Mapping[str, list[str]] | None = None) -> None:
        """Use `read`."""
        self._fields = fields or {}

    def text(self, name: str) -> str:
        """The field, as typed."""
        return self._fields.get(name, [""])[0]

    def texts(self, name: str) -> list[str]:
        """Every value of a field that can be given more than once."""
        return self._fields.get(name, [])

    def has(self, name: str) -> bool:
        """True if the field is there and not empty: a box that was ticked."""
        return bool(self.text(name))

    def without(self, *names: str) -> list[tuple[str, str]]:
        """All other fields, to be sent again."""
        return [(name, value) for name, values in self._fields.items() if name not in names for value in values]


def read(media_type: str | None, body: bytes) -> Form:
    """Read what was posted. Nothing of it is kept elsewhere: there are passwords in it.

    Raises:
        InvalidRequest: not a form, or with a character that no text of ours may have.
    """
    if media_type is None and not body:
        return Form()
    if (media_type or "").partition(";")[0].strip().lower() != MEDIA_TYPE:
        raise InvalidRequest("form", translatable("send %(media_type)s", media_type=MEDIA_TYPE))
    try:
        fields = parse_qs(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=False,
            encoding="utf-8",
            errors="strict",
            max_num_fields=MAXIMUM_FIELDS,
        )
    except ValueError:
        raise InvalidRequest("form", "cannot be read") from None
    if any("\0" in value for values in fields.values() for value in values):
        raise InvalidRequest("form", "must not hold the character NUL")  # PostgreSQL keeps none
    return Form(fields)
