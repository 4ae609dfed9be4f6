"""What our tables are called in a database, so that they never collide with an application's own beside them.

PostgreSQL has a schema for that, SQLite a prefix. Statements are written with the schema `PLACEHOLDER`, which each
database replaces by its own names right before they are sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import MetaData, quoted_name

PLACEHOLDER: Final = "__ostiary__"
VERSION_TABLE: Final = "ostiary_alembic_version"
VIEW: Final = "web_sessions"


@dataclass(frozen=True, slots=True)
class Naming:
    """The names of one database.

    Attributes:
        schema: of all of ours on PostgreSQL; None on SQLite.
        prefix: of the names of tables and indexes on SQLite; empty on PostgreSQL. The view has none.
    """

    schema: str | None
    prefix: str = ""

    def statement(self, text: str) -> str:
        """A statement, as the database takes it."""
        return text.replace(f"{PLACEHOLDER}.", f"{self.schema}." if self.schema else self.prefix)

    def named(self, name: str) -> str:
        """What a table or an index is called, without the schema."""
        return f"{self.prefix}{name}"

    @property
    def version_table(self) -> str:
        """Where Alembic keeps the revision."""
        return self.named(VERSION_TABLE)

    def placed(self, metadata: MetaData) -> MetaData:
        """The same tables under their names here, to be made or compared with what is there."""
        found = MetaData(naming_convention=metadata.naming_convention)
        for table in metadata.sorted_tables:
            copy = table.to_metadata(found, schema=self.schema, name=self.named(table.name))  # type: ignore[arg-type]
            for index in copy.indexes:
                index.name = quoted_name(self.named(str(index.name)), None)
        return found
