"""What `doctor` looks at: each check is a function that answers findings and changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Verdict: TypeAlias = Literal["ok", "info", "unsafe", "broken"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line.

    Attributes:
        check: what was looked at.
        verdict: `unsafe` and `broken` make doctor's exit code 1.
        found: what is in force, and from where.
        advice: what to do; empty when nothing is.
    """

    check: str
    verdict: Verdict
    found: str
    advice: str = ""
