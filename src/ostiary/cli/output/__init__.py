"""Every format. `table` is for people; json, ndjson and yaml carry whole records; the rest the table's columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:  # so that `--help`, which writes nothing, imports nothing
    from ostiary.cli.output.column import Column, Record

Style: TypeAlias = Literal["columns", "query"]

FORMATS: Final = ("table", "json", "ndjson", "yaml", "csv", "tsv", "records", "sql", "html", "raw", "quiet")
MACHINE_FORMATS: Final = frozenset({"json", "ndjson", "yaml"})  # an error is then written as JSON, too


def render(records: Sequence[Record], columns: Sequence[Column], form: str, style: Style = "columns") -> str:
    """Many things in one of `FORMATS`.

    Args:
        records: whole, as json shows them.
        columns: what the other formats show of them.
        style: of the format `table`: without borders, or as SQL shells print.
    """
    if form == "table":
        from ostiary.cli.output import tables

        return (tables.query_table if style == "query" else tables.columns_table)(records, columns)
    if form == "records":
        from ostiary.cli.output import tables

        return tables.records_list(records, columns)
    if form in MACHINE_FORMATS:
        return _structured(list(records), form)
    return _flat(records, columns, form)


def render_one(record: Record, columns: Sequence[Column], form: str) -> str:
    """One thing: an object in json and yaml, one field a line in `table`."""
    if form == "table":
        from ostiary.cli.output import tables

        return tables.fields(record, columns)
    if form in {"json", "yaml"}:
        return _structured(record, form)
    return render([record], columns, form)


def _structured(value: object, form: str) -> str:
    from ostiary.cli.output import structured

    if form == "json":
        return structured.to_json(value)
    if form == "yaml":
        return structured.to_yaml(value)
    return "".join(structured.to_json_line(item) for item in value) if isinstance(value, list) else ""


def _flat(records: Sequence[Record], columns: Sequence[Column], form: str) -> str:
    from ostiary.cli.output import flat

    writers = {
        "csv": flat.to_csv,
        "tsv": flat.to_tsv,
        "sql": flat.to_sql,
        "html": flat.to_html,
        "raw": flat.to_raw,
        "quiet": flat.to_quiet,
    }
    return writers[form](records, columns)
