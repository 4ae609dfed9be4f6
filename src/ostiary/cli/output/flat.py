"""csv, tsv, sql, html, raw and quiet: the columns of the table with whole values.

Invisible characters are shown escaped here as in tables, so that no line can be forged for `grep` or a terminal;
who needs the exact text of a hostile user agent asks for json. What a spreadsheet would take for a formula gets a quote
in front in csv and tsv, as those are what people open there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ostiary.cli.output.column import Column, Record, plain
from ostiary.cli.output.text import safe

# What begins a formula, by OWASP's list (CSV Injection), in full width, too.
FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def to_csv(records: Sequence[Record], columns: Sequence[Column]) -> str:
    """RFC 4180 quoting, a header of keys, null as an empty field; lines end with a bare newline for Unix tools."""
    keys = [column.key for column in columns]
    return csv_lines([dict(zip(keys, keys, strict=True)), *records], keys)


def csv_lines(records: Sequence[Record], keys: Sequence[str]) -> str:
    """The same without a header, for what is written piece by piece."""
    import csv
    import io

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([[safe(_cell(record.get(key))) for key in keys] for record in records])
    return out.getvalue()


def to_tsv(records: Sequence[Record], columns: Sequence[Column]) -> str:
    r"""Tabs between fields; a backslash in a field is doubled, so that `\t` and `\n` can be told from typed text."""
    rows = [[column.key for column in columns]]
    rows += [[_tsv(_cell(record.get(column.key))) for column in columns] for record in records]
    return "".join("\t".join(row) + "\n" for row in rows)


def _tsv(text: str) -> str:
    return safe(text.replace("\\", "\\\\"))


def _cell(value: object) -> str:
    """The one way into a spreadsheet: a text that it would run gets a quote in front. Numbers are none."""
    text = plain(value)
    is_number = isinstance(value, int | float)
    return f"'{text}" if text.startswith(FORMULAS) and not is_number else text


def to_sql(records: Sequence[Record], columns: Sequence[Column]) -> str:
    """A table `results` and one INSERT a row: loads into SQLite and PostgreSQL."""
    names = ",\n".join(f"  {column.key} {_sql_type(records, column)}" for column in columns)
    lines = [f"CREATE TABLE results (\n{names}\n);\n"]
    for record in records:
        values = ", ".join(_sql(record.get(column.key)) for column in columns)
        lines.append(f"INSERT INTO results VALUES ({values});")  # noqa: S608 - text to be read; values are quoted
    return "".join(f"{line}\n" for line in lines)


def _sql_type(records: Sequence[Record], column: Column) -> str:
    values = [value for record in records if (value := record.get(column.key)) is not None]
    if values and all(isinstance(value, bool) for value in values):
        return "BOOLEAN"
    if values and all(isinstance(value, int) for value in values):
        return "BIGINT"
    return "TIMESTAMP WITH TIME ZONE" if column.key.endswith("_at") else "TEXT"


def _sql(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int):
        return str(value)
    return "'" + safe(plain(value)).replace("'", "''") + "'"


def to_html(records: Sequence[Record], columns: Sequence[Column]) -> str:
    """A bare table; every value escaped."""
    from html import escape

    def row(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    head = row([column.title for column in columns], "th")
    body = [row([safe(plain(record.get(column.key))) for column in columns], "td") for record in records]
    return "".join(
        f"{line}\n" for line in ("<table>", f"<thead>{head}</thead>", "<tbody>", *body, "</tbody>", "</table>")
    )


def to_raw(records: Sequence[Record], columns: Sequence[Column]) -> str:
    """Every value on its own line after its length in bytes: for programs that parse nothing."""
    lines = [f"# {len(columns)} columns"]
    for number, record in enumerate(records, start=1):
        lines.append(f"# row {number}")
        for column in columns:
            value = safe(plain(record.get(column.key)))
            lines += [f"## {len(value.encode())}", value]
    lines.append(f"# {len(records)} rows")
    return "".join(f"{line}\n" for line in lines)


def to_quiet(records: Sequence[Record], columns: Sequence[Column]) -> str:
    """The ids only, whole, one a line: what the next command takes. Of what has none the first column."""
    return "".join(f"{safe(plain(_id(record, columns)))}\n" for record in records)


def _id(record: Record, columns: Sequence[Column]) -> object:
    if record.get("id") is not None:
        return record["id"]
    column = next((one for one in columns if one.is_id), columns[0])
    return record.get(column.key)
