"""How a client reads an answer: as the contract has it, but from a server that may be newer, or older, than itself.

The types are made of the contract's, and are subclasses of them: a word that is not known yet is a text, a member that
is not known is ignored, one that was left out is None. They are frozen.
"""

from __future__ import annotations

import types
from collections.abc import Sequence
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec import UNSET, Struct, UnsetType, structs


@cache
def tolerant(kind: Any) -> Any:
    """The type to read what was written as `kind`. Bounds are not looked at again."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return tolerant(inner[0])
    if origin is Literal:
        return str
    if origin is Sequence:
        origin, inner = tuple, (inner[0], ...)
    if origin in (Union, types.UnionType):
        return Union[tuple(tolerant(one) for one in inner)]  # noqa: UP007  # of as many as there are
    if kind is UnsetType:
        return None
    if isinstance(kind, type) and issubclass(kind, Struct):
        return _struct(kind)
    return origin[tuple(one if one is ... else tolerant(one) for one in inner)] if origin else kind


def _struct(kind: type[Struct]) -> type[Struct]:
    fields = [(field.name, tolerant(field.type), _field(field)) for field in structs.fields(kind)]
    functions = {"__reduce__": _reduce}
    return msgspec.defstruct(
        kind.__name__, fields, bases=(kind,), module=kind.__module__, namespace=functions, frozen=True, kw_only=True
    )


def _field(field: structs.FieldInfo) -> Any:
    default = None if field.default is UNSET else field.default
    if field.required and type(None) in get_args(tolerant(field.type)):
        default = None  # of an older server
    given: dict[str, Any] = {"default": default, "default_factory": field.default_factory}
    return msgspec.field(name=field.encode_name, **given)


def _reduce(answer: Struct) -> tuple[Any, ...]:
    """To be copied and pickled, by the name of the contract's type: its own is nowhere to be found."""
    return _made, (type(answer).__mro__[1], structs.asdict(answer))


def _made(kind: type[Struct], members: dict[str, Any]) -> Struct:
    found: Struct = tolerant(kind)(**members)
    return found
