"""A verifier, its own credential, and people whose sessions it sees."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from ostiary.sdk import Ostiary
from ostiary.sdk.verifier import Verifier
from tests.support.people import PASSWORD

NAMES = iter(f"watched{number}" for number in range(10_000))


class Person:
    """Somebody with a session, and another one to end it with."""

    def __init__(self, ostiary: Ostiary, root: Ostiary) -> None:
        self.name = next(NAMES)
        root.admin.users.add(self.name, PASSWORD)
        self.root, self.ostiary = root, ostiary
        self.token, self.session_id = self.sign_in()

    def sign_in(self) -> tuple[str, str]:
        signed_in = self.ostiary.auth.sign_in(self.name, PASSWORD)
        return signed_in.token or "", signed_in.session.id

    def revoke(self) -> None:
        self.root.admin.sessions.revoke(self.session_id)


@pytest.fixture
def person(ostiary, root) -> Person:
    return Person(ostiary, root)


@pytest.fixture(scope="session")
def credential(server) -> str:
    """A program's own."""
    with Ostiary(server.url) as ostiary:
        root = ostiary.for_token(ostiary.auth.sign_in("root", PASSWORD).token or "")
        return root.tokens.create("verifier", scopes=["feed:read"]).token


@pytest.fixture
def verifying(server, credential) -> Callable[..., Any]:
    """`async with verifying(max_staleness=1.0) as verifier`: one that follows the feed."""

    @asynccontextmanager
    async def begin(url: str | None = None, **options: Any) -> AsyncIterator[Verifier]:
        async with Verifier(url or server.url, token=credential, **options) as verifier:
            await verifier.wait_until_fresh()
            yield verifier

    return begin
