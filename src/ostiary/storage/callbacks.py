"""Calling those who asked to be called: one that raises harms nobody else, and not what it was told of."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from typing import ParamSpec

import structlog

P = ParamSpec("P")

log = structlog.get_logger(__name__)


def call_all(callbacks: Iterable[Callable[P, object]], *args: P.args, **kwargs: P.kwargs) -> None:
    """Call each of them, whatever the others raise; that is logged as a fault of ours."""
    for callback in list(callbacks):
        try:
            callback(*args, **kwargs)
        except Exception:
            failed()


def failed() -> None:
    """Log what a callback has just raised. A log that cannot be written is no reason to raise either."""
    with contextlib.suppress(Exception):
        log.exception("callback.failed")
