"""Ask a session authority from another program. Errors are those of `ostiary.errors`, and a few more."""

from ostiary.sdk.authorization import AuthorizationRequest, Completed
from ostiary.sdk.client import AsyncOstiary, Ostiary
from ostiary.sdk.failures import CallbackMismatch, IdTokenInvalid, Unreachable, UnusableAnswer
from ostiary.sdk.id_tokens import IdToken

__all__ = [
    "AsyncOstiary",
    "AuthorizationRequest",
    "CallbackMismatch",
    "Completed",
    "IdToken",
    "IdTokenInvalid",
    "Ostiary",
    "Unreachable",
    "UnusableAnswer",
]
