"""Databases of the versions before 0012, whose tables stood under bare names beside an application's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, MetaData, inspect

from ostiary.errors import ConfigurationError
from ostiary.storage.naming import VIEW, Naming

BROUGHT_ALONG: Final = ("0010", "0011")  # revisions; what was older was never released
_VERSION_TABLE: Final = "alembic_version"  # an application's own has the same name: it is ours beside these tables
_OURS: Final = {"cli_tokens", "refusals", "sessions", "setup_codes", "subjects"}
_SINCE_0010: Final = (
    "ALTER TABLE {place}sessions ADD COLUMN suspended_until {instant}",
    "ALTER TABLE {place}plans ADD COLUMN final_at {instant}",
    "ALTER TABLE {place}plans ADD COLUMN settled INTEGER DEFAULT '0' NOT NULL",
    "ALTER TABLE {place}plans ADD COLUMN settled_at {instant}",
    "UPDATE {place}sessions AS sessions SET suspended_until = plans.undo_until FROM {place}plans AS plans"
    " WHERE plans.id = sessions.undo_plan_id AND plans.undo_until IS NOT NULL",
    # Of a plan that was forgotten, nothing can be undone.
    "UPDATE {place}sessions SET undo_plan_id = NULL WHERE undo_plan_id IS NOT NULL AND suspended_until IS NULL",
)


@dataclass(frozen=True, slots=True)
class Former:
    """Such a database.

    Attributes:
        schema: where its tables are; None on SQLite.
    """

    schema: str | None
    revision: str

    @property
    def place(self) -> str:
        """What stands before the name of each table."""
        return "" if self.schema is None else f'"{self.schema}".'


def find(connection: Connection) -> Former | None:
    """Such a database, if this is one. On PostgreSQL it is wherever the search path leads."""
    schemas: list[str | None] = [None]
    if connection.dialect.name == "postgresql":
        schemas = list(connection.exec_driver_sql("SELECT unnest(current_schemas(false))").scalars())
    for schema in schemas:
        tables = set(inspect(connection).get_table_names(schema=schema))
        if _VERSION_TABLE in tables and tables >= _OURS:
            place = Former(schema, "").place
            found = connection.exec_driver_sql(f"SELECT version_num FROM {place}{_VERSION_TABLE}")  # noqa: S608
            return Former(schema, str(found.scalars().first()))
    return None


def bring_along(connection: Connection, naming: Naming, tables: MetaData) -> bool:
    """Give the tables of such a database their place and shape of now. False if it is none.

    Args:
        tables: those of 0011, under their bare names.

    Raises:
        ConfigurationError: it is too old.
    """
    found = find(connection)
    if found is None:
        return False
    if found.revision not in BROUGHT_ALONG:
        raise ConfigurationError(
            f"the database is at schema {found.revision}, of a version that was never released; "
            f"only {' and '.join(BROUGHT_ALONG)} can be brought along: begin with an empty database"
        )
    if found.revision == "0010":
        instant = "DATETIME" if found.schema is None else "TIMESTAMP WITH TIME ZONE"
        for statement in _SINCE_0010:
            connection.exec_driver_sql(statement.format(place=found.place, instant=instant))
    connection.exec_driver_sql(f"DROP TABLE {found.place}{_VERSION_TABLE}")
    if found.schema is None:
        _rename(connection, naming, tables)
    elif found.schema != naming.schema:
        for name in (*tables.tables, VIEW):  # what was granted on the view stays
            connection.exec_driver_sql(f"ALTER TABLE {found.place}{name} SET SCHEMA {naming.schema}")
    return True


def _rename(connection: Connection, naming: Naming, tables: MetaData) -> None:
    connection.exec_driver_sql(f"DROP VIEW {VIEW}")
    if not naming.prefix:
        return
    for table in tables.sorted_tables:
        for index in table.indexes:
            connection.exec_driver_sql(f"DROP INDEX {index.name}")
        connection.exec_driver_sql(f"ALTER TABLE {table.name} RENAME TO {naming.named(table.name)}")
    for table in naming.placed(tables).sorted_tables:
        for index in table.indexes:
            index.create(connection)


def ensure_free(connection: Connection, naming: Naming, tables: MetaData) -> None:
    """Return if nobody else's table has a name that one of ours is to have.

    Raises:
        ConfigurationError: one has; says what to do.
    """
    found = inspect(connection)
    taken = {*found.get_table_names(schema=naming.schema), *found.get_view_names(schema=naming.schema)}
    wanted = {VIEW, *(naming.named(name) for name in tables.tables)}
    if taken & wanted:
        setting = "database_prefix" if naming.schema is None else "database_schema"
        raise ConfigurationError(
            f"the database has {', '.join(sorted(taken & wanted))} already, and not from Ostiary; "
            f"set {setting} to keep the two apart",
            field=setting,
        )
