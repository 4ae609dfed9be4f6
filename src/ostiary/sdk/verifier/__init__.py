"""Verify credentials from memory, in microseconds, with a stated bound on how old that memory may be."""

from ostiary.sdk.verifier.blocking import BlockingVerifier
from ostiary.sdk.verifier.failures import CannotProve
from ostiary.sdk.verifier.verified import User, Verified, VerifiedSession, VerifiedToken
from ostiary.sdk.verifier.verifier import Verifier

__all__ = [
    "BlockingVerifier",
    "CannotProve",
    "User",
    "Verified",
    "VerifiedSession",
    "VerifiedToken",
    "Verifier",
]
