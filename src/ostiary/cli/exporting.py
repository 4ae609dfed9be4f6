"""Events as csv for people who open it in a spreadsheet: no value is a formula there."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Final

from ostiary.cli.output.column import Record, plain
from ostiary.cli.output.text import safe

FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")  # what begins a formula, by OWASP's list


def csv_lines(records: Sequence[Record], keys: Sequence[str]) -> str:
    """Lines of csv without a header (RFC 4180 quoting, bare newlines)."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([[guarded(plain(record.get(key))) for key in keys] for record in records])
    return out.getvalue()


def guarded(text: str) -> str:
    """The value with a quote in front if a spreadsheet would run it; control characters shown escaped."""
    return safe(f"'{text}" if text.startswith(FORMULAS) else text)
