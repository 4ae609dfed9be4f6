"""People and their devices, as tests need them."""

from __future__ import annotations

from typing import Final, TypedDict

from ostiary.authority import Authority, Started
from ostiary.core.account import User
from ostiary.core.caller import Caller
from ostiary.core.client import Client, seen

PASSWORD = "correct horse battery"


class Hashing(TypedDict):
    """The settings of password hashes."""

    password_memory_kib: int
    password_time_cost: int


# What argon2id takes at the least, and hundreds of times less than a server may be told to: the tests look at what is
# decided, not at what it costs. Those that are about the cost say theirs.
CHEAP_PASSWORDS: Final[Hashing] = {"password_memory_kib": 32, "password_time_cost": 1}
# The least that a server takes, for what shares its accounts with one: a hash of other parameters is made anew.
SERVED_PASSWORDS: Final[Hashing] = {"password_memory_kib": 19456, "password_time_cost": 2}

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
)
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.5 Mobile/15E148 Safari/604.1"
)


def at(ip: str = "203.0.113.7", user_agent: str = FIREFOX, request_id: str = "test") -> Client:
    return seen(ip, user_agent, request_id)


async def add_user(authority: Authority, username: str = "ada", *, admin: bool = False) -> User:
    roles = ("admin", "member") if admin else ("member",)
    return await authority.accounts.add(username, PASSWORD, by=Caller.operator("tests"), roles=roles)


async def sign_in(authority: Authority, username: str = "ada", client: Client | None = None) -> Started:
    _, started = await authority.sign_in.with_password(username, PASSWORD, client=client or at())
    return started


async def caller(authority: Authority, started: Started) -> Caller:
    return await authority.verify(started.token, at())
