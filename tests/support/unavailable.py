"""What a machine may lack (tests/unavailable.toml): a skip for its want is no failure, even where all is required."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import NoReturn

import pytest

LISTED: dict[str, dict[str, str]] = tomllib.loads(
    (Path(__file__).parents[1] / "unavailable.toml").read_text(encoding="utf-8")
)
_MARK = "unavailable: "


def skip_for_want_of(name: str) -> NoReturn:
    """Skip a test that needs something listed.

    Raises:
        KeyError: it is not listed: `tests.support.databases.skip` is for what every machine can have.
    """
    pytest.skip(f"{_MARK}{name}, {LISTED[name]['reason']}")


def excuses(report: pytest.TestReport) -> bool:
    """True if this test was skipped for the want of something that is listed."""
    why = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
    return why.removeprefix("Skipped: ").startswith(_MARK)
