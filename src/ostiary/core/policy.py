"""How long a session lives, how many a user may hold, how fresh a sign-in a sensitive act needs.

Every number names its source; `docs/reference/policies.md` is held against this table by a test (ASVS 5.0 7.1.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal, TypeAlias

AtLimit: TypeAlias = Literal["evict", "deny"]

MINIMUM_IDLE: Final = timedelta(minutes=2)  # use is recorded at most once a minute, so less could not be kept


@dataclass(frozen=True, slots=True)
class Policy:
    """The limits of a session.

    Attributes:
        name: which preset it began as.
        source: where its numbers are from.
        idle_timeout: since last used; None for no idle limit.
        may_stay: whether a person may ask to stay signed in when the browser is closed.
        browser_idle: the same where the cookie dies with the browser: nobody can tell a closed one from an idle one.
        lifetime: since start, however much it is used. Also the most that can be minted.
        max_sessions: live sessions per user; None for no limit.
        at_limit: `evict` ends the least recently used one (reason `limit`), `deny` refuses the sign-in.
        step_up_age: the oldest sign-in with which other sessions may be ended; None never asks again.
        power_age: the oldest sign-in with which power may be given or taken, such as a role or a CLI token.
    """

    name: str
    source: str
    lifetime: timedelta
    idle_timeout: timedelta | None = None
    max_sessions: int | None = None
    at_limit: AtLimit = "evict"
    step_up_age: timedelta | None = None
    power_age: timedelta | None = timedelta(minutes=15)  # ours; ASVS 5.0 7.5.1 and 7.5.3 name no number
    may_stay: bool = True
    browser_idle: timedelta = timedelta(hours=24)  # ours: a browser that was left open overnight is still signed in

    def __post_init__(self) -> None:
        if self.lifetime <= timedelta(0):
            raise ValueError("lifetime must be positive")
        if self.idle_timeout is not None and self.idle_timeout < MINIMUM_IDLE:
            raise ValueError("idle_timeout must be at least 2 minutes, as use is recorded once a minute")
        if self.browser_idle < MINIMUM_IDLE:
            raise ValueError("browser_idle must be at least 2 minutes, as use is recorded once a minute")
        if self.max_sessions is not None and self.max_sessions < 1:
            raise ValueError("max_sessions must be at least 1")

    def idle_limit(self, *, stays: bool | None) -> timedelta | None:
        """How long a session may go unused; None for any time.

        Args:
            stays: as of `Session.stays`.
        """
        if stays is not False:
            return self.idle_timeout
        return self.browser_idle if self.idle_timeout is None else min(self.idle_timeout, self.browser_idle)


PRESETS: Final[dict[str, Policy]] = {
    policy.name: policy
    for policy in (
        Policy(
            name="default",
            # Longer than the 30 days that NIST recommends for AAL1: a session unused for 30 days is shown as
            # stale so that a person can judge it, which means that it must outlive those 30 days.
            source="ours; NIST SP 800-63B-4 2.1.3 recommends at most 30 days, see nist-aal1",
            lifetime=timedelta(days=90),
            idle_timeout=timedelta(days=60),
        ),
        Policy(
            name="nist-aal1",
            source="NIST SP 800-63B-4 2.1.3",
            lifetime=timedelta(days=30),
            may_stay=False,  # its cookies die with the browser: SP 800-63B-4 5.1.1
        ),
        Policy(
            name="nist-aal2",
            source="NIST SP 800-63B-4 2.2.3",
            lifetime=timedelta(hours=24),
            idle_timeout=timedelta(hours=1),
            step_up_age=timedelta(minutes=15),
            may_stay=False,  # its cookies die with the browser: SP 800-63B-4 5.1.1
        ),
        Policy(
            name="nist-aal3",
            source="NIST SP 800-63B-4 2.3.3",
            lifetime=timedelta(hours=12),
            idle_timeout=timedelta(minutes=15),
            step_up_age=timedelta(minutes=5),
            power_age=timedelta(minutes=5),
            may_stay=False,  # its cookies die with the browser: SP 800-63B-4 5.1.1
        ),
    )
}
