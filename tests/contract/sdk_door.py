"""A third way to the same verbs: the SDK. It speaks HTTP, so it takes the place of bare requests on one database."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, cast

from ostiary.errors import OstiaryError
from ostiary.sdk import AsyncOstiary
from tests.contract.doors import Login, Refused
from tests.support.people import FIREFOX, PASSWORD


class ThroughSdk:
    """The verbs of `Door`, as another program's calls."""

    def __init__(self, sdk: AsyncOstiary) -> None:
        self.sdk = sdk

    def _as(self, token: str) -> AsyncOstiary:
        return self.sdk.for_request({"authorization": f"Bearer {token}", "user-agent": FIREFOX})

    async def sign_in(self, username: str = "ada", password: str = PASSWORD, agent: str = FIREFOX) -> Login:
        found = await plain(self.sdk.auth.sign_in({"user-agent": agent}, username, password))
        return Login(found.session.id, found.token)

    async def whoami(self, token: str) -> dict[str, Any]:
        found = await plain(self._as(token).auth.whoami())
        return {
            "username": found.user.username,
            "roles": list(found.user.roles),
            "session": found.session.id if found.session else None,
            "token": found.token.id if found.token else None,
        }

    async def sessions(self, token: str, *, ended: bool = False) -> list[dict[str, Any]]:
        found = await plain(self._as(token).sessions.list(include="ended" if ended else None))
        names = ("id", "is_current", "user_agent", "ip", "label", "status", "reason")
        return [{name: getattr(one, name) for name in names} for one in found]

    async def revoke(self, token: str, session_id: str) -> None:
        await plain(self._as(token).sessions.revoke(session_id))

    async def revoke_others(self, token: str) -> tuple[int, str | None]:
        found = await plain(self._as(token).sessions.revoke_others())
        return found.count, found.token

    async def revoke_all(self, token: str, *, tokens: bool = False) -> tuple[int, int]:
        found = await plain(self._as(token).sessions.revoke_all(tokens=tokens))
        return found.count, found.tokens

    async def logout(self, token: str) -> None:
        await plain(self._as(token).auth.logout())

    async def label(self, token: str, session_id: str, text: str | None) -> str | None:
        label: str | None = (await plain(self._as(token).sessions.label(session_id, text))).label
        return label

    async def change_password(self, token: str, current: str, new: str) -> str | None:
        renewed: str | None = (await plain(self._as(token).auth.change_password(current, new))).token
        return renewed

    async def reauthenticate(self, token: str, password: str) -> Login:
        found = await plain(self._as(token).auth.reauthenticate(password))
        return Login(found.session.id, found.token)

    async def create_token(
        self, token: str, *, scopes: list[str] | None = None, expires_in: str | None = None
    ) -> Login:
        found = await plain(self._as(token).tokens.create(scopes=cast("Any", scopes), expires_in=expires_in))
        return Login(found.id, found.token)

    async def tokens(self, token: str) -> dict[str, str]:
        return {one.id: one.status for one in await plain(self._as(token).tokens.list())}

    async def rotate_token(self, token: str, token_id: str) -> Login:
        found = await plain(self._as(token).tokens.rotate(token_id))
        return Login(found.id, found.token)

    async def revoke_token(self, token: str, token_id: str) -> None:
        await plain(self._as(token).tokens.revoke(token_id))

    async def mint(self, token: str, username: str, expire_after: str) -> Login:
        found = await plain(self._as(token).admin.sessions.start(username, expire_after=expire_after))
        return Login(found.session.id, found.token)

    async def log_out_user(self, token: str, username: str) -> dict[str, str]:
        found = await plain(self._as(token).admin.users.logout(username))
        return {one.session_id: one.revoked.isoformat().replace("+00:00", "Z") for one in found.sessions}

    async def revoke_any(self, token: str, session_id: str) -> None:
        await plain(self._as(token).admin.sessions.revoke(session_id))

    async def search(self, token: str, *, user: str | None = None, status: Any = None) -> set[str]:
        found = await plain(self._as(token).admin.sessions.search(user=user, status=status))
        return {one.id for one in found.sessions}

    async def add_user(self, token: str, username: str, *, roles: list[str] | None = None) -> None:
        await plain(self._as(token).admin.users.add(username, PASSWORD, roles=cast("Any", roles or ["member"])))

    async def change_user(self, token: str, username: str, act: str) -> None:
        await plain(getattr(self._as(token).admin.users, act)(username))


async def plain(call: Awaitable[Any]) -> Any:
    try:
        return await call
    except OstiaryError as why:
        assert why.request_id is not None
        raise Refused(why.code, why.fields) from None
