"""Several things in one command: each is tried, the caller's own last, and each is told with its name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import click

from ostiary.cli.answers import Object, text
from ostiary.cli.failures import NOT_FOUND, Failure, from_error
from ostiary.cli.invocation import Invocation
from ostiary.cli.remembered import public_id
from ostiary.errors import OstiaryError

SIGNED_OUT: Final = "that was your current session — re-run 'ostiary login' to continue."


class Several:
    """Acts on several names, and the outcome of each.

    With one name, what goes wrong is raised as everywhere. With several it is told, and the rest is done.

    Attributes:
        answers: of what was done, in the order in which it was done.
    """

    def __init__(self, invocation: Invocation, names: Iterable[str]) -> None:
        self.names = list(dict.fromkeys(names))
        self.answers: list[Object] = []
        self._invocation = invocation
        self._failed: list[Object] = []
        self._codes: list[int] = []

    def find(self, look_up: Callable[[str], str]) -> list[str]:
        """The whole names of what was given, each once; what `look_up` cannot find has failed.

        Raises:
            Failure, OstiaryError: of the one.
        """
        found: list[str] = []
        for name in self.names:
            self._try(name, lambda name=name: found.append(look_up(name)))  # type: ignore[misc]
        if self.names and not found:
            self.leave()
        return list(dict.fromkeys(found))

    def do(self, names: Sequence[str], act: Callable[[str], Object], *, own: str | None = None) -> None:
        """Do it to each.

        Args:
            own: what the caller acts with. It comes last, as after it nothing else could be done.

        Raises:
            Failure, OstiaryError: of the one.
        """
        for name in sorted(names, key=lambda name: name == own):
            self._try(name, lambda name=name: self.answers.append(act(name)))  # type: ignore[misc]

    @property
    def results(self) -> list[Object]:
        """For formats that programs read: what failed stands beside what did not; plain ids are of what was done."""
        return self.answers if self._invocation.form == "quiet" else [*self.answers, *self._failed]

    @property
    def exit_code(self) -> int:
        """0; 3 if all that failed were not there; else that of the first other failure."""
        others = [code for code in self._codes if code != NOT_FOUND]
        return (others or self._codes or [0])[0]

    def leave(self) -> None:
        """End the command with `exit_code`, if that is not 0."""
        if self.exit_code:
            click.get_current_context().exit(self.exit_code)

    def _try(self, name: str, act: Callable[[], object]) -> None:
        try:
            act()
        except (Failure, OstiaryError) as why:
            if len(self.names) == 1:
                raise
            failure = why if isinstance(why, Failure) else from_error(why)
            self._codes.append(failure.exit_code)
            self._failed.append({"id": name, "ok": False, "code": failure.code, "detail": failure.message})
            words, problem = f"{name}: {failure.message}", {**failure.problem, "id": name}
            named = Failure(words, failure.exit_code, hint=failure.hint, code=failure.code, problem=problem)
            self._invocation.report(named)


def warn_of_stale(invocation: Invocation, found: Iterable[Object], days: int, noun: str, command: str) -> None:
    """Name those that are `stale`, and how to end them."""
    ids = [text(one, "id") for one in found if one.get("status") == "stale"]
    if ids:
        unused = f"1 {noun} was" if len(ids) == 1 else f"{len(ids)} {noun}s were"
        span = "1 day" if days == 1 else f"{days} days"
        invocation.warn(f"{unused} not used for more than {span}; to end: {command} {' '.join(ids)}")


def own_id(invocation: Invocation) -> str | None:
    """The id of the session or CLI token that the command acts with."""
    return public_id(invocation.bearer())
