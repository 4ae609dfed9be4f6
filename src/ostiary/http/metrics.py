"""What is counted, for Prometheus. Few labels with few values each: no user, no address, no id."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from ostiary.core.event import Event
from ostiary.core.verifier import Verifier
from ostiary.feed import Poll

BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)  # seconds
LAG_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)  # seconds
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
MULTIPROCESS: Final = "PROMETHEUS_MULTIPROC_DIR"  # the directory where workers share their counts


class Metrics:
    """The counters of one application."""

    def __init__(self) -> None:
        """Start from zero."""
        registry = CollectorRegistry()
        self._registry = registry
        self._sessions_started = Counter("ostiary_sessions_started", "Sessions started.", ["kind"], registry=registry)
        self._sessions_ended = Counter(
            "ostiary_sessions_ended", "Sessions that somebody or a rule ended.", ["reason"], registry=registry
        )
        self._sessions_suspended = Counter(
            "ostiary_sessions_suspended", "Sessions that a plan suspended.", registry=registry
        )
        self._sessions_restored = Counter(
            "ostiary_sessions_restored", "Suspended sessions that an undo brought back.", registry=registry
        )
        self._sign_ins_refused = Counter(
            "ostiary_sign_ins_refused", "Sign-ins with a wrong name or password.", registry=registry
        )
        verifications = Counter(
            "ostiary_verifications", "Questions at /verify, by answer.", ["outcome"], registry=registry
        )
        self.accepted = verifications.labels("accepted")
        self.refused = verifications.labels("refused")
        self.unanswered = verifications.labels("unavailable")
        self.store_unavailable = Counter(
            "ostiary_store_unavailable", "Requests answered 503, as the store was away.", registry=registry
        )
        self.feed_readers = Gauge(
            "ostiary_feed_readers",
            "Answers of the feed that are open.",
            multiprocess_mode="livesum",
            registry=registry,
        )
        self._polls = Counter("ostiary_feed_polls", "Reads of the trail for the feed.", ["outcome"], registry=registry)
        self._wakeups = Counter(
            "ostiary_feed_wakeups", "Hints that there is something new.", ["source"], registry=registry
        )
        self._entries = Counter("ostiary_feed_entries", "What the feed told, each once.", registry=registry)
        self._lag = Histogram(
            "ostiary_revocation_lag_seconds",
            "From a revocation's commit until the last verifier refused.",
            buckets=LAG_BUCKETS,
            registry=registry,
        )
        self._verifiers = Gauge(
            "ostiary_verifiers", "Verifiers that ask here.", multiprocess_mode="livesum", registry=registry
        )
        self._oldest = Gauge(
            "ostiary_verifier_oldest_seconds",
            "How old the oldest knowledge of a verifier is that still trusts it.",
            multiprocess_mode="livemax",
            registry=registry,
        )
        self._failing = Gauge(
            "ostiary_task_failing",
            "How often in a row a task failed that runs by itself; 0 once it goes well.",
            ["task"],
            multiprocess_mode="livemax",
            registry=registry,
        )
        self._clock = Gauge(
            "ostiary_clock_difference_seconds",
            "How far this machine's clock is from the database's, either way.",
            multiprocess_mode="livemax",
            registry=registry,
        )
        self._requests = Histogram(
            "ostiary_http_request_duration_seconds",
            "Time to answer, by route.",
            ["method", "route", "status"],
            buckets=BUCKETS,
            registry=registry,
        )
        # The library looks for it under a lock, and makes texts of its labels. As many are kept as there are.
        self._request = lru_cache(None)(self._requests.labels)

    def happened(self, events: Sequence[Event]) -> None:
        """Count what a transaction did; a listener of the database."""
        for event in events:
            if event.kind == "session.started":
                self._sessions_started.labels(str(event.detail.get("kind"))).inc()
            elif event.kind == "session.revoked":
                self._sessions_ended.labels(event.reason or "").inc()
            elif event.kind == "session.suspended":
                self._sessions_suspended.inc()
            elif event.kind == "session.restored":
                self._sessions_restored.inc()
            elif event.kind == "sign_in.refused":
                self._sign_ins_refused.inc()
            elif event.kind == "sign_in.limited":
                self._sign_ins_refused.inc(int(event.detail.get("count") or 0))

    def woken(self, source: str) -> None:
        """Count a wake-up of the feed."""
        self._wakeups.labels(source).inc()

    def polled(self, poll: Poll | None) -> None:
        """Count a poll of the feed, and what it found."""
        self._polls.labels("failed" if poll is None else "read").inc()
        if poll is not None:
            self._entries.inc(len(poll.entries))

    def clock_measured(self, ahead: float) -> None:
        """Note how many seconds this machine's clock is ahead of the database's, or behind."""
        self._clock.set(abs(ahead))

    def measured(self, seconds: float) -> None:
        """Note the lag of one ending."""
        self._lag.observe(seconds)

    def verified(self, verifiers: Sequence[Verifier], poll: Poll | None) -> None:
        """Note who verifies, as of a poll."""
        if poll is not None:
            self._verifiers.set(len(verifiers))
            trusting = [one for one in verifiers if one.trust_until > poll.time]
            ages = [(poll.time - (one.applied_at or one.since)).total_seconds() for one in trusting]
            self._oldest.set(max(ages, default=0.0))

    def task_changed(self, task: str, failures: int) -> None:
        """Note how often in a row a task has failed."""
        self._failing.labels(task).set(failures)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        self._request(method if method in METHODS else "other", route, status).observe(seconds)

    def exposition(self) -> bytes:
        """All of it in Prometheus' text format; with several workers, their sum."""
        if not os.environ.get(MULTIPROCESS):
            return generate_latest(self._registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
