"""What orchestrators and monitoring ask."""

from __future__ import annotations

from typing import Literal

from ostiary.contract.answer import Answer
from ostiary.contract.calling import W
from ostiary.contract.operation import Namespace, Nothing, Operation


class Health(Answer):
    """It is well."""

    status: Literal["ok"] = "ok"


class IsAlive(Nothing):
    """Asks nothing of the store: a process is not to be restarted because the store is away."""


class IsReady(Nothing):
    """Sessions can be verified, and can be ended, and the store has the schema of this version; else 503 and why."""


class ReadMetrics(Nothing):
    """In Prometheus' text format, for a CLI token with the scope `metrics:read`. There is nothing personal in it.

    With the setting `metrics_address`, also on that address, where no credential is asked for.
    """


class Machines(Namespace[W]):
    """Whether a process lives, whether it can do its work, and what it counted."""

    tag = "machines"

    alive = Operation("GET", "/healthz", IsAlive, Health, summary="Does the process live?", who="nobody")
    ready = Operation("GET", "/readyz", IsReady, Health, summary="Can it work?", who="nobody")
    metrics = Operation(
        "GET",
        "/metrics",
        ReadMetrics,
        str,
        id="metrics",
        summary="Counters for Prometheus",
        media_type="text/plain",
    )
