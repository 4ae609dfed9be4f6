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
        call(callback, *args, **kwargs)


def call(callback: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
    """Call one; what it raises is logged."""
    try:
        callback(*args, **kwargs)
    except Exception:
        with contextlib.suppress(Exception):  # a log that cannot be written is no reason either
            log.exception("callback.failed")
