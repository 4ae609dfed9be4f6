"""Ask a session authority from another program. Errors are those of `ostiary.errors`, and two more."""

from ostiary.sdk.client import AsyncOstiary, Ostiary
from ostiary.sdk.failures import Unreachable, UnusableAnswer

__all__ = ["AsyncOstiary", "Ostiary", "Unreachable", "UnusableAnswer"]
