"""Lists in conditions, as one parameter each: a database takes only so many (asyncpg 32,767)."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Dialect, Text, TypeDecorator, bindparam
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine


class _Texts(TypeDecorator[list[str]]):
    """Texts: an array on PostgreSQL, JSON on SQLite."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Of the database at hand."""
        kind: TypeEngine[Any] = ARRAY(Text()) if dialect.name == "postgresql" else Text()
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value: list[str] | None, dialect: Dialect) -> Any:
        """As its driver takes it."""
        return value if dialect.name == "postgresql" else json.dumps(value)


class _OneOf(FunctionElement[bool]):
    name = "one_of"
    type = Boolean()
    inherit_cache = True


def one_of(column: ColumnElement[Any], values: Collection[str]) -> ColumnElement[bool]:
    """True where a column of texts is one of these, however many they are."""
    return _OneOf(column, bindparam("values", list(values), type_=_Texts(), unique=True))


@compiles(_OneOf, "postgresql")
def _any(element: _OneOf, compiler: SQLCompiler, **kwargs: Any) -> str:
    column, values = element.clauses
    return f"({compiler.process(column, **kwargs)} = ANY ({compiler.process(values, **kwargs)}))"


@compiles(_OneOf)
def _of_json(element: _OneOf, compiler: SQLCompiler, **kwargs: Any) -> str:
    column, values = element.clauses
    column_sql, values_sql = compiler.process(column, **kwargs), compiler.process(values, **kwargs)
    return f"({column_sql} IN (SELECT value FROM json_each({values_sql})))"  # noqa: S608 - both are compiled SQL
