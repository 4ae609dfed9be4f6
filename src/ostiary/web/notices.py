"""What an act did, said once on the page after it. It travels as a code and numbers, never as text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ostiary.web.times import counted


def write(code: str, *numbers: int) -> str:
    """For the cookie that carries it."""
    if code not in _WORDS:
        raise KeyError(code)
    return ".".join([code, *map(str, numbers)])


def words(text: str) -> str | None:
    """In words; None for what none of our acts says."""
    code, *numbers = text.split(".")
    try:
        return _WORDS[code](*(int(number) for number in numbers))
    except (KeyError, TypeError, ValueError):
        return None


def _still(tokens: int) -> str:
    if not tokens:
        return ""
    return f" {counted(tokens, 'CLI token')} of yours still {'works' if tokens == 1 else 'work'}."


def _ended(tokens: int) -> str:
    return f"The session was ended. Its next request is refused.{_still(tokens)}"


def _others(count: int, tokens: int) -> str:
    if not count:
        return f"There was no other session to end.{_still(tokens)}"
    return f"{counted(count, 'other session')} ended. You are now signed in here only.{_still(tokens)}"


def _disowned(count: int, tokens: int) -> str:
    return (
        f"{counted(count, 'session')} ended; only this one is left.{_still(tokens)} "
        "Now choose a new password, so that whoever it was cannot sign in again."
    )


def _everywhere(count: int, revoked: int, tokens: int) -> str:
    also = f" and {counted(revoked, 'CLI token')}" if revoked else ""
    return f"You are signed out everywhere: {counted(count, 'session')}{also} ended.{_still(tokens)}"


def _password(count: int, tokens: int) -> str:
    also = f" {counted(count, 'other session')} ended." if count else ""
    return f"Your password was changed.{also}{_still(tokens)}"


def _one_ended(tokens: int) -> str:
    also = f" {counted(tokens, 'CLI token')} of that user still {'works' if tokens == 1 else 'work'}." if tokens else ""
    return f"The session was ended. Its next request is refused.{also}"


def _user_out(count: int, tokens: int) -> str:
    also = f" {counted(tokens, 'CLI token')} still {'works' if tokens == 1 else 'work'}." if tokens else ""
    return f"{counted(count, 'session')} ended. A sign-in that was under way is refused, too.{also}"


def _user_disabled(count: int, tokens: int) -> str:
    return f"The user was disabled: {counted(count, 'session')} and {counted(tokens, 'CLI token')} ended."


_WORDS: Final[dict[str, Callable[..., str]]] = {
    "ended": _ended,
    "others": _others,
    "disowned": _disowned,
    "everywhere": _everywhere,
    "named": lambda: "The name was saved.",
    "unnamed": lambda: "The name was removed.",
    "password": _password,
    "withdrawn": lambda count: (
        f"The application was sent away: {counted(count, 'session')} ended. It has to ask you again."
    ),
    "revoked": lambda: "The CLI token was revoked. It is refused from now on.",
    "one_ended": _one_ended,
    "ended_before": lambda _: "That session had ended before. Its first reason stays.",
    "user_out": _user_out,
    "user_disabled": _user_disabled,
    "user_enabled": lambda: "The user can sign in again. What was ended stays ended.",
    "signed_out": lambda: (
        "You were signed out meanwhile, perhaps in another tab. What you just asked for was not done."
    ),
    "welcome": lambda: "Your account was made, and you are signed in.",
}
