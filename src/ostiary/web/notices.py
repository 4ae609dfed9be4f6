"""What an act did, said once on the page after it. It travels as a code and numbers, never as text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ostiary.errors.translatable import translatable
from ostiary.web.language import gettext, ngettext
from ostiary.web.phrases import counted_sessions, counted_tokens


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


def _yours(tokens: int) -> str | None:
    if not tokens:
        return None
    return ngettext("%(num)s CLI token of yours still works.", "%(num)s CLI tokens of yours still work.", tokens)


def _theirs(tokens: int) -> str | None:
    if not tokens:
        return None
    return ngettext(
        "%(num)s CLI token of that user still works.", "%(num)s CLI tokens of that user still work.", tokens
    )


def _still(tokens: int) -> str | None:
    return ngettext("%(num)s CLI token still works.", "%(num)s CLI tokens still work.", tokens) if tokens else None


def _text(*sentences: str | None) -> str:
    return " ".join(one for one in sentences if one)


def _ended(tokens: int) -> str:
    return _text(gettext("The session was ended. Its next request is refused."), _yours(tokens))


def _others(count: int, tokens: int) -> str:
    if not count:
        return _text(gettext("There was no other session to end."), _yours(tokens))
    ended = ngettext(
        "%(num)s other session ended. You are now signed in here only.",
        "%(num)s other sessions ended. You are now signed in here only.",
        count,
    )
    return _text(ended, _yours(tokens))


def _disowned(count: int, revoked: int, tokens: int) -> str:
    return _text(
        ngettext(
            "%(num)s session ended; only this one is left.", "%(num)s sessions ended; only this one is left.", count
        ),
        gettext("Ended with that: %(what)s.", what=counted_tokens(revoked)) if revoked else None,
        _yours(tokens),
        gettext("Now choose a new password, so that whoever it was cannot sign in again."),
    )


def _everywhere(count: int, revoked: int, tokens: int) -> str:
    if revoked:
        both = gettext("%(first)s and %(second)s", first=counted_sessions(count), second=counted_tokens(revoked))
        return _text(gettext("You are signed out everywhere: %(what)s ended.", what=both), _yours(tokens))
    return _text(
        gettext("You are signed out everywhere: %(what)s ended.", what=counted_sessions(count)), _yours(tokens)
    )


def _password(count: int, tokens: int) -> str:
    ended = ngettext("%(num)s other session ended.", "%(num)s other sessions ended.", count) if count else None
    return _text(gettext("Your password was changed."), ended, _yours(tokens))


def _withdrawn(count: int) -> str:
    return ngettext(
        "The application was sent away: %(num)s session ended. It has to ask you again.",
        "The application was sent away: %(num)s sessions ended. It has to ask you again.",
        count,
    )


def _one_ended(tokens: int) -> str:
    return _text(gettext("The session was ended. Its next request is refused."), _theirs(tokens))


def _user_out(count: int, tokens: int) -> str:
    ended = ngettext(
        "%(num)s session ended. A sign-in that was under way is refused, too.",
        "%(num)s sessions ended. A sign-in that was under way is refused, too.",
        count,
    )
    return _text(ended, _still(tokens))


def _user_disabled(count: int, tokens: int) -> str:
    return gettext(
        "The user was disabled: %(sessions)s and %(tokens)s ended.",
        sessions=counted_sessions(count),
        tokens=counted_tokens(tokens),
    )


def _said(text: str) -> Callable[[], str]:
    return lambda: gettext(text)


_WORDS: Final[dict[str, Callable[..., str]]] = {
    "ended": _ended,
    "others": _others,
    "disowned": _disowned,
    "everywhere": _everywhere,
    "named": _said(translatable("The name was saved.")),
    "unnamed": _said(translatable("The name was removed.")),
    "password": _password,
    "withdrawn": _withdrawn,
    "revoked": _said(translatable("The CLI token was revoked. It is refused from now on.")),
    "one_ended": _one_ended,
    "ended_before": lambda _: gettext("That session had ended before. Its first reason stays."),
    "user_out": _user_out,
    "user_disabled": _user_disabled,
    "user_enabled": _said(translatable("The user can sign in again. What was ended stays ended.")),
    "signed_out": _said(
        translatable("You were signed out meanwhile, perhaps in another tab. What you just asked for was not done.")
    ),
    "welcome": _said(translatable("Your account was made, and you are signed in.")),
}
