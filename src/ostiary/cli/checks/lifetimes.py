"""How long sessions last, beside what NIST SP 800-63B-4 recommends (ASVS 5.0 7.1.1 asks to justify what exceeds it)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from ostiary.cli.checks import Finding
from ostiary.core.duration import format_duration
from ostiary.core.policy import Policy

# Level, section, lifetime, idle timeout.
NIST: Final = (
    ("AAL3", "2.3.3", timedelta(hours=12), timedelta(minutes=15)),
    ("AAL2", "2.2.3", timedelta(hours=24), timedelta(hours=1)),
    ("AAL1", "2.1.3", timedelta(days=30), None),
)


def lifetimes(policy: Policy) -> Iterator[Finding]:
    """The strictest level that the limits keep to, and who may do without a fresh sign-in."""
    told = f"lifetime {_span(policy.lifetime)}, idle timeout {_span(policy.idle_timeout)}"
    level = next((name for name, _, lifetime, idle in NIST if _within(policy, lifetime, idle)), None)
    if level is not None:
        yield Finding("lifetimes", "ok", f"{told}: within what NIST SP 800-63B-4 recommends for {level}")
    else:
        yield Finding(
            "lifetimes",
            "info",
            f"{told}: longer than NIST SP 800-63B-4 2.1.3 recommends even for AAL1 (30 days)",
            "write down why (ASVS 5.0 7.1.1), or choose the policy nist-aal1, nist-aal2 or nist-aal3",
        )
    if policy.step_up_age is None:
        yield Finding(
            "step-up",
            "info",
            "an old sign-in may end other sessions (ASVS 5.0 7.5.2 asks for a fresh one)",
            "set step_up_age",
        )


def _within(policy: Policy, lifetime: timedelta, idle: timedelta | None) -> bool:
    if policy.lifetime > lifetime:
        return False
    return idle is None or (policy.idle_timeout is not None and policy.idle_timeout <= idle)


def _span(span: timedelta | None) -> str:
    return "none" if span is None else format_duration(span)
