"""What every answer has in common: no secret in its repr, and members that may be left out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias

from msgspec import UNSET, Struct, UnsetType

# A member that is left out, which on the wire is not the same as `null`. Who reads an answer finds None in its place
# (`contract.tolerant`), so that is its type; who writes one says LEFT_OUT.
if TYPE_CHECKING:
    LeftOut: TypeAlias = None
    LEFT_OUT: Final = None
else:
    LeftOut = UnsetType
    LEFT_OUT = UNSET

SECRETS: Final = frozenset({"token", "cookie", "secret", "access_token", "refresh_token", "id_token"})  # if texts


class Answer(Struct):
    """What an operation answers, or a part of it."""

    @classmethod
    def of(cls, source: Any, **more: Any) -> Self:
        """With what `source` has under the members' names, and `more`, which comes first."""
        same = {name: getattr(source, name) for name in _shared(cls, source.__class__) if name not in more}
        return cls(**same, **more)

    def __repr__(self) -> str:
        """The members, but for secrets: a repr ends up in logs."""
        shown = ((name, getattr(self, name)) for name in self.__struct_fields__)
        words = (f"{name}={_shown(name, value)}" for name, value in shown if value is not UNSET)
        return f"{type(self).__name__}({', '.join(words)})"


class Listing(Answer):
    """An answer that travels as a bare array: that of its only member."""

    @property
    def array(self) -> Sequence[Any]:
        """What travels."""
        found: Sequence[Any] = getattr(self, self.__struct_fields__[0])
        return found


@cache
def _shared(answer: Any, source: Any) -> tuple[str, ...]:
    return tuple(name for name in answer.__struct_fields__ if hasattr(source, name))


def _shown(name: str, value: object) -> str:
    return "'…'" if name in SECRETS and isinstance(value, str) else repr(value)
