"""What an act needs of its caller, declared where the act is (see `authority.acting`). Each raises, or returns."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeAlias

from ostiary.core.caller import Caller
from ostiary.core.policy import Policy
from ostiary.core.reach import Scope
from ostiary.errors import ReauthenticationRequired

Need: TypeAlias = Callable[[Caller, Policy, datetime], None]


def admin(by: Caller, _: Policy, __: datetime) -> None:
    """`Caller.ensure_admin`."""
    by.ensure_admin()


def person(by: Caller, _: Policy, __: datetime) -> None:
    """`Caller.ensure_person`."""
    by.ensure_person()


def scope(wanted: Scope) -> Need:
    """`Caller.ensure_scope`."""
    return lambda by, _, __: by.ensure_scope(wanted)


def fresh(by: Caller, policy: Policy, now: datetime) -> None:
    """The sign-in is fresh enough to end other sessions; a CLI token was given its scope on purpose.

    Raises:
        ReauthenticationRequired: sign in again first (ASVS 5.0 7.5.2).
    """
    _ensure_proved(by, policy.step_up_age, now)


def power(by: Caller, policy: Policy, now: datetime) -> None:
    """The sign-in is fresh enough to give somebody power, or to take it; for a CLI token as for `fresh`.

    Raises:
        ReauthenticationRequired: sign in again first (ASVS 5.0 7.5.1, 7.5.3).
    """
    _ensure_proved(by, policy.power_age, now)


def _ensure_proved(by: Caller, age: timedelta | None, now: datetime) -> None:
    if by.session is not None and age is not None and not by.session.was_proved_within(age, now):
        raise ReauthenticationRequired(int(age.total_seconds()))
