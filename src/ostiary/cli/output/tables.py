"""Formats for eyes: two styles of table, records, and the fields of one thing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ostiary.cli.output.column import Column, Record
from ostiary.cli.output.text import centre, pad, width


def columns_table(records: Sequence[Record], columns: Sequence[Column]) -> str:
    """Without borders: two spaces between columns, upper-case titles, nothing at the end of a line."""
    rows = [[column.title.upper() for column in columns]]
    rows += [[column.in_table(record) for column in columns] for record in records]
    return _lines("  ".join(_aligned(row, _widths(rows))).rstrip() for row in rows)


def query_table(records: Sequence[Record], columns: Sequence[Column]) -> str:
    """As SQL shells print a result: centred titles, a ruler, `NULL`, and the number of rows."""
    titles = [column.title for column in columns]
    rows = [[column.in_table(record, null="NULL") for column in columns] for record in records]
    widths = _widths([titles, *rows])
    centred = [centre(title, columns) for title, columns in zip(titles, widths, strict=True)]
    ruler = "+".join("-" * (columns + 2) for columns in widths)
    lines = [f"  {' | '.join(centred)}".rstrip(), f"-{ruler}-"]
    lines += [f"  {' | '.join(_aligned(row, widths))}".rstrip() for row in rows]
    return _lines([*lines, f"({_count(len(rows), 'row')})"])


def records_list(records: Sequence[Record], columns: Sequence[Column]) -> str:
    """One line a field, for rows too wide for the window."""
    widest = max(width(column.title) for column in columns)
    lines: list[str] = []
    for number, record in enumerate(records, start=1):
        lines.append(f"-[ RECORD {number} ]")
        for column in columns:
            whole = Column(column.key, column.title, column.show)  # nothing is cut here
            lines.append(f"{pad(column.title, widest)} | {whole.in_table(record, null='NULL')}".rstrip())
    return _lines(lines)


def fields(record: Record, columns: Sequence[Column]) -> str:
    """The fields of one thing, one a line: `user     web_user`."""
    widest = max(width(column.title) for column in columns)
    return _lines(f"{pad(column.title, widest)}  {column.in_table(record)}".rstrip() for column in columns)


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(width, cells)) for cells in zip(*rows, strict=True)]


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [pad(cell, columns) for cell, columns in zip(cells, widths, strict=True)]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
