"""Asking for operations of the API in one way, whoever does them: a server, or this process on a database."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Final

from ostiary.cli.answers import Object
from ostiary.cli.failures import UnusableAnswer

MAXIMUM_PAGE: Final = 1000  # the most that is in one answer


class Calls(ABC):
    """Operations by their ids, with what they take by name; None is left out. Answers are what JSON holds."""

    def __init__(self, whom: str) -> None:
        """`whom` is asked, as a failure names it."""
        self._whom = whom

    @abstractmethod
    def perform(self, operation: str, takes: Mapping[str, object]) -> object:
        """Have it done.

        Raises:
            Failure: refused, unreachable, or not an answer of ours.
            OstiaryError: refused by this process.
        """

    def ask(self, operation: str, /, **takes: object) -> Object:
        """The object that it answers; raises as `perform`."""
        content = self._perform(operation, takes)
        if not isinstance(content, dict):
            raise UnusableAnswer(self._whom, "an object was expected")
        return content

    def ask_list(self, operation: str, /, **takes: object) -> list[Object]:
        """The list of objects that it answers; raises as `perform`."""
        return self._objects(self._perform(operation, takes))

    def ask_pages(self, operation: str, member: str, /, *, most: int | None = None, **takes: object) -> list[Object]:
        """The objects in `member` of page after page, until there are no more, or `most`; raises as `perform`."""
        found: list[Object] = []
        for page in self.pages(operation, member, **takes):
            found += page[member]
            if most is not None and len(found) >= most:
                break
        return found[:most]

    def pages(self, operation: str, member: str, /, **takes: object) -> Iterator[Object]:
        """Page after page, each with a list of objects in `member`; raises as `perform`."""
        seen: set[str] = set()
        cursor: str | None = None
        while True:
            page = self.ask(operation, **takes, cursor=cursor)
            self._objects(page.get(member))
            yield page
            cursor = page.get("next_cursor")
            if not cursor:
                return
            if not isinstance(cursor, str) or cursor in seen:
                raise UnusableAnswer(self._whom, "its pages do not end")
            seen.add(cursor)

    def _perform(self, operation: str, takes: Mapping[str, object]) -> object:
        return self.perform(operation, {name: value for name, value in takes.items() if value is not None})

    def _objects(self, content: object) -> list[Object]:
        if not isinstance(content, list) or not all(isinstance(item, dict) for item in content):
            raise UnusableAnswer(self._whom, "a list of objects was expected")
        return content
