"""The first administrator, by a one-time link (ASVS 5.0 6.3.2: there is no default account)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from ostiary.authority.accounts import Accounts
from ostiary.core.account import User, check_email, check_username
from ostiary.core.caller import Caller
from ostiary.core.client import Client
from ostiary.core.token import mint, new_id, parse
from ostiary.errors import SetupCodeNotFound
from ostiary.storage import accounts, setup_codes
from ostiary.storage.database import Connection, Database, in_transaction

LIFE: Final = timedelta(hours=24)  # of a link; starting the server again prints a new one


class Setup:
    """Make the link, use the link."""

    def __init__(self, database: Database, clock: Callable[[], datetime], accounts_: Accounts) -> None:
        """Part of an `Authority`."""
        self.database = database
        self._clock = clock
        self._accounts = accounts_

    @in_transaction
    async def make_code(self, db: Connection) -> str | None:
        """A new code for the link, which makes earlier ones useless; None once there is an account."""
        if await accounts.any_exist(db):
            return None
        token = mint("setup")
        await setup_codes.replace(db, token.id, token.digest, self._clock() + LIFE)
        return token.text

    async def is_open(self, code: str) -> bool:
        """True if the link could be used now."""
        async with self.database.reading() as db:
            return await self._is_valid(db, code)

    async def complete(
        self, code: str, username: str, password: str, *, client: Client, email: str | None = None
    ) -> User:
        """Add the first administrator. The link is gone afterwards.

        Raises:
            SetupCodeNotFound: unknown, used or expired, or an account exists already.
            InvalidRequest: name, password or email cannot be; the link still works.
        """
        if not await self.is_open(code):
            raise SetupCodeNotFound
        user = User(new_id("user"), check_username(username), check_email(email), ("admin", "member"), self._clock())
        hashed = await self._accounts.hash_new(username, password)
        return await self._complete(code, user, hashed, client)

    @in_transaction
    async def _complete(self, db: Connection, code: str, user: User, hashed: str, client: Client) -> User:
        valid = await self._is_valid(db, code)
        if not valid or not await setup_codes.remove_all(db) or await accounts.any_exist(db):
            raise SetupCodeNotFound
        return await self._accounts.add_within(db, user, hashed, Caller(user, client=client))

    async def _is_valid(self, db: Connection, code: str) -> bool:
        token = parse(code)
        stored = await setup_codes.find(db, token.id, self._clock()) if token else None
        return token is not None and token.matches(stored) and not await accounts.any_exist(db)
