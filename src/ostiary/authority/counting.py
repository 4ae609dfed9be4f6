"""By what refused sign-ins are counted and told: the name as typed, and the networks, each under a key of ours.

People type passwords where a name belongs. A plain hash of one is found by trying words, by whoever reads an export of
the trail; without the key this one says nothing. And as the networks are named by the same key, the limits count whole
addresses also where the setting `addresses` keeps less of them, or none.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from ostiary.core.account import username_key
from ostiary.core.address import counted_by
from ostiary.core.client import Client
from ostiary.storage import leases
from ostiary.storage.database import Connection, Database, in_transaction

NOWHERE: Final = "-"  # the address of a caller without one: an application in the same process
PURPOSE: Final = "refused sign-ins"
MAXIMUM_NAME: Final = 256  # characters that count
DIGITS: Final = 32  # of a digest, in hexadecimal: 128 bits


@dataclass(frozen=True, slots=True)
class Counted:
    """The keys that an attempt counts under.

    Attributes:
        address: the address, or its link (/64).
        site: what is around a link (/56), for IPv6.
    """

    account: str
    address: str
    site: str | None


@dataclass(frozen=True, slots=True)
class Names:
    """Names accounts and networks so that only this installation can."""

    key: bytes = field(repr=False)

    def keys(self, username: str, client: Client) -> Counted:
        """What an attempt counts under."""
        return Counted(self.account(username), *self.networks(client))

    def networks(self, client: Client) -> tuple[str, str | None]:
        """An address or its link, and the site around that (see `Counted`)."""
        address, site = counted_by(client.origin or client.ip or NOWHERE)
        return self._name("network", address), self._name("network", site) if site is not None else None

    def account(self, username: str) -> str:
        """The name of an account, or of what was typed for one, in `refusals` and in events."""
        return self._name("account", username_key(username)[:MAXIMUM_NAME])

    def _name(self, kind: str, text: str) -> str:
        return hmac.digest(self.key, f"{kind} {text}".encode(errors="surrogatepass"), "sha256").hex()[:DIGITS]


class Counting:
    """Finds the key, once."""

    def __init__(self, database: Database, server_key: Callable[[str], bytes | None]) -> None:
        """Part of an `Authority`. `server_key` gives the operator's key for a purpose, or None where there is none."""
        self.database = database
        self._server_key = server_key
        self._names: Names | None = None

    async def names(self) -> Names:
        """What names them. Ask outside of a transaction.

        Raises:
            ConfigurationError: the operator's key cannot be read.
        """
        if self._names is None:
            self._names = Names(self._server_key(PURPOSE) or await self._shared())
        return self._names

    @in_transaction
    async def _shared(self, db: Connection) -> bytes:
        # PostgreSQL works without the operator's key until there is OAuth. Then all nodes use one that the database
        # keeps: what leaves the database, such as an export of the trail, still says nothing.
        return (await leases.kept(db, leases.REFUSED_SIGN_INS, secrets.token_hex(32))).encode()
