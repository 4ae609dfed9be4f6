"""Two ways to the same verbs: in process, and over HTTP. What they answer is compared in plain words."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

import httpx2

from ostiary.authority import Authority
from ostiary.core.caller import Caller
from ostiary.core.client import Client, seen
from ostiary.core.duration import parse_duration
from ostiary.core.selector import parse
from ostiary.errors import OstiaryError
from tests.support.people import FIREFOX, PASSWORD


class Refused(Exception):
    """The door said no: the stable code, and the fields that travel with it."""

    def __init__(self, code: str, fields: dict[str, Any]) -> None:
        super().__init__(code)
        self.code = code
        self.fields = fields


@dataclass(frozen=True)
class Login:
    """A session of somebody, and what opens it."""

    id: str
    token: str


class Door(Protocol):
    """The verbs that the contract is about. Every refusal is `Refused`."""

    async def sign_in(self, username: str = "ada", password: str = PASSWORD, agent: str = FIREFOX) -> Login: ...
    async def whoami(self, token: str) -> dict[str, Any]: ...
    async def sessions(self, token: str, *, ended: bool = False) -> list[dict[str, Any]]: ...
    async def revoke(self, token: str, session_id: str) -> None: ...
    async def revoke_others(self, token: str) -> tuple[int, str | None]: ...  # the second: the own new token
    async def revoke_all(self, token: str, *, tokens: bool = False) -> tuple[int, int]: ...
    async def logout(self, token: str) -> None: ...
    async def label(self, token: str, session_id: str, text: str | None) -> str | None: ...
    async def change_password(self, token: str, current: str, new: str) -> str | None: ...  # likewise
    async def reauthenticate(self, token: str, password: str) -> Login: ...
    async def create_token(
        self, token: str, *, scopes: list[str] | None = None, expires_in: str | None = None
    ) -> Login: ...
    async def tokens(self, token: str) -> dict[str, str]: ...
    async def rotate_token(self, token: str, token_id: str) -> Login: ...
    async def revoke_token(self, token: str, token_id: str) -> None: ...
    async def mint(self, token: str, username: str, expire_after: str) -> Login: ...
    async def log_out_user(self, token: str, username: str) -> dict[str, str]: ...
    async def revoke_any(self, token: str, session_id: str) -> None: ...
    async def search(self, token: str, *, user: str | None = None, status: str | None = None) -> set[str]: ...
    async def add_user(self, token: str, username: str, *, roles: list[str] | None = None) -> None: ...
    async def change_user(self, token: str, username: str, act: str) -> None: ...


class InProcess:
    """Straight to the authority."""

    def __init__(self, authority: Authority) -> None:
        self.authority = authority

    async def _as(self, token: str, act: Callable[[Caller], Awaitable[Any]]) -> Any:
        return await _plain(self._act(token, act))

    async def _act(self, token: str, act: Callable[[Caller], Awaitable[Any]]) -> Any:
        return await act(await self.authority.verify(token, _client(FIREFOX)))

    async def sign_in(self, username: str = "ada", password: str = PASSWORD, agent: str = FIREFOX) -> Login:
        verb = self.authority.sign_in.with_password(username, password, client=_client(agent), kind="cli")
        _, started = await _plain(verb)
        return Login(started.session.id, started.token)

    async def whoami(self, token: str) -> dict[str, Any]:
        async def act(by: Caller) -> dict[str, Any]:
            return {
                "username": by.user.username,
                "roles": list(by.user.roles),
                "session": by.session_id,
                "token": by.token.id if by.token else None,
            }

        return dict(await self._as(token, act))

    async def sessions(self, token: str, *, ended: bool = False) -> list[dict[str, Any]]:
        authority = self.authority

        async def act(by: Caller) -> list[dict[str, Any]]:
            now = authority.clock()
            return [
                {
                    "id": one.id,
                    "is_current": one.id == by.session_id,
                    "user_agent": one.user_agent,
                    "ip": one.ip,
                    "label": one.label,
                    "status": one.status(authority.policy, now),
                    "reason": (one.ended(authority.policy, now) or (None, None))[1],
                }
                for one in await authority.sessions.list(by=by, ended=ended)
            ]

        return list(await self._as(token, act))

    async def revoke(self, token: str, session_id: str) -> None:
        await self._as(token, lambda by: self.authority.sessions.revoke(session_id, by=by))

    async def revoke_others(self, token: str) -> tuple[int, str | None]:
        done = await self._as(token, lambda by: self.authority.sessions.revoke_others(by=by))
        return done.count, done.renewed.token if done.renewed else None

    async def revoke_all(self, token: str, *, tokens: bool = False) -> tuple[int, int]:
        done = await self._as(token, lambda by: self.authority.sessions.revoke_all(by=by, tokens=tokens))
        return done.count, done.tokens

    async def logout(self, token: str) -> None:
        await self._as(token, lambda by: self.authority.sessions.log_out(by=by))

    async def label(self, token: str, session_id: str, text: str | None) -> str | None:
        done = await self._as(token, lambda by: self.authority.sessions.label(session_id, text, by=by))
        label: str | None = done.label
        return label

    async def change_password(self, token: str, current: str, new: str) -> str | None:
        done = await self._as(token, lambda by: self.authority.sign_in.change_password(current, new, by=by))
        return done.renewed.token if done.renewed else None

    async def reauthenticate(self, token: str, password: str) -> Login:
        done = await self._as(token, lambda by: self.authority.sign_in.reauthenticate(password, by=by))
        return Login(done.session.id, done.token)

    async def create_token(
        self, token: str, *, scopes: list[str] | None = None, expires_in: str | None = None
    ) -> Login:
        span = parse_duration(expires_in) if expires_in else None
        done = await self._as(token, lambda by: self.authority.tokens.create(by=by, scopes=scopes, expires_in=span))
        return Login(done.token.id, done.secret)

    async def tokens(self, token: str) -> dict[str, str]:
        found = await self._as(token, lambda by: self.authority.tokens.list(by=by))
        return {one.id: one.status(self.authority.clock()) for one in found}

    async def rotate_token(self, token: str, token_id: str) -> Login:
        done = await self._as(token, lambda by: self.authority.tokens.rotate(token_id, by=by))
        return Login(done.token.id, done.secret)

    async def revoke_token(self, token: str, token_id: str) -> None:
        await self._as(token, lambda by: self.authority.tokens.revoke(token_id, by=by))

    async def mint(self, token: str, username: str, expire_after: str) -> Login:
        hours = parse_duration(expire_after) if not expire_after.startswith("-") else timedelta(seconds=-1)
        done = await self._as(token, lambda by: self.authority.administration.mint(username, by=by, expire_after=hours))
        return Login(done.session.id, done.token)

    async def log_out_user(self, token: str, username: str) -> dict[str, str]:
        done = await self._as(token, lambda by: self.authority.administration.log_out(username, by=by))
        return {one.id: _instant(one.revoked.at) for one in done}

    async def revoke_any(self, token: str, session_id: str) -> None:
        await self._as(token, lambda by: self.authority.administration.revoke(session_id, by=by))

    async def search(self, token: str, *, user: str | None = None, status: Any = None) -> set[str]:
        page = await self._as(
            token,
            lambda by: self.authority.administration.search(parse({"user": user, "status": status}), by=by),
        )
        return {one.id for one in page.sessions}

    async def add_user(self, token: str, username: str, *, roles: list[str] | None = None) -> None:
        given = roles or ["member"]
        await self._as(token, lambda by: self.authority.accounts.add(username, PASSWORD, by=by, roles=given))

    async def change_user(self, token: str, username: str, act: str) -> None:
        verb = getattr(self.authority.accounts, act)
        await self._as(token, lambda by: verb(username, by=by))


class OverHttp:
    """The same verbs as requests."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self.client = client

    async def _ask(self, method: str, path: str, token: str | None, body: Any = None, agent: str = FIREFOX) -> Any:
        headers = {"User-Agent": agent} | ({"Authorization": f"Bearer {token}"} if token else {})
        answer = await self.client.request(method, f"/api/v1{path}", json=body, headers=headers)
        found = answer.json()
        if answer.is_success:
            return found
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert found["status"] == answer.status_code
        assert found["error"] == found["message"]
        raise Refused(found["code"], found)

    async def sign_in(self, username: str = "ada", password: str = PASSWORD, agent: str = FIREFOX) -> Login:
        body = {"username": username, "password": password, "transport": "bearer"}
        found = await self._ask("POST", "/auth/sessions", None, body, agent)
        return Login(found["session"]["id"], found["token"])

    async def whoami(self, token: str) -> dict[str, Any]:
        found = await self._ask("GET", "/auth/whoami", token)
        return {
            "username": found["user"]["username"],
            "roles": found["user"]["roles"],
            "session": found["session"]["id"] if found["session"] else None,
            "token": found["token"]["id"] if found["token"] else None,
        }

    async def sessions(self, token: str, *, ended: bool = False) -> list[dict[str, Any]]:
        found = await self._ask("GET", "/auth/sessions?include=ended" if ended else "/auth/sessions", token)
        names = ("id", "is_current", "user_agent", "ip", "label", "status", "reason")
        return [{name: one.get(name) for name in names} for one in found]

    async def revoke(self, token: str, session_id: str) -> None:
        await self._ask("POST", f"/auth/sessions/{session_id}/revoke", token)

    async def revoke_others(self, token: str) -> tuple[int, str | None]:
        found = await self._ask("POST", "/auth/sessions/revoke-others", token)
        return found["count"], found.get("token")

    async def revoke_all(self, token: str, *, tokens: bool = False) -> tuple[int, int]:
        found = await self._ask("POST", "/auth/sessions/revoke-all", token, {"tokens": tokens})
        return found["count"], found["tokens"]

    async def logout(self, token: str) -> None:
        await self._ask("POST", "/auth/logout", token)

    async def label(self, token: str, session_id: str, text: str | None) -> str | None:
        found = await self._ask("POST", f"/auth/sessions/{session_id}/label", token, {"label": text})
        label: str | None = found["label"]
        return label

    async def change_password(self, token: str, current: str, new: str) -> str | None:
        found = await self._ask("POST", "/auth/password", token, {"current": current, "new": new})
        renewed: str | None = found.get("token")
        return renewed

    async def reauthenticate(self, token: str, password: str) -> Login:
        found = await self._ask("POST", "/auth/reauthenticate", token, {"password": password})
        return Login(found["session"]["id"], found["token"])

    async def create_token(
        self, token: str, *, scopes: list[str] | None = None, expires_in: str | None = None
    ) -> Login:
        given = {"scopes": scopes, "expires_in": expires_in}
        body = {name: value for name, value in given.items() if value is not None}
        found = await self._ask("POST", "/auth/cli-token", token, body)
        return Login(found["id"], found["token"])

    async def tokens(self, token: str) -> dict[str, str]:
        return {one["id"]: one["status"] for one in await self._ask("GET", "/auth/cli-tokens", token)}

    async def rotate_token(self, token: str, token_id: str) -> Login:
        found = await self._ask("POST", f"/auth/cli-tokens/{token_id}/rotate", token)
        return Login(found["id"], found["token"])

    async def revoke_token(self, token: str, token_id: str) -> None:
        await self._ask("DELETE", f"/auth/cli-tokens/{token_id}", token)

    async def mint(self, token: str, username: str, expire_after: str) -> Login:
        found = await self._ask("POST", f"/admin/users/{username}/sessions", token, {"expire_after": expire_after})
        return Login(found["session"]["id"], found["cookie"].split(";")[0].split("=", 1)[1])

    async def log_out_user(self, token: str, username: str) -> dict[str, str]:
        found = await self._ask("POST", f"/admin/users/{username}/logout", token)
        return {one["session_id"]: one["revoked"] for one in found["sessions"]}

    async def revoke_any(self, token: str, session_id: str) -> None:
        await self._ask("POST", f"/admin/sessions/{session_id}/revoke", token)

    async def search(self, token: str, *, user: str | None = None, status: str | None = None) -> set[str]:
        wanted = {"user": user, "status": status}
        query = "&".join(f"{name}={value}" for name, value in wanted.items() if value is not None)
        found = await self._ask("GET", f"/admin/sessions?{query}" if query else "/admin/sessions", token)
        return {one["id"] for one in found["sessions"]}

    async def add_user(self, token: str, username: str, *, roles: list[str] | None = None) -> None:
        body = {"username": username, "password": PASSWORD, "roles": roles or ["member"]}
        await self._ask("POST", "/admin/users", token, body)

    async def change_user(self, token: str, username: str, act: str) -> None:
        if act == "delete":
            await self._ask("DELETE", f"/admin/users/{username}", token)
        else:
            await self._ask("POST", f"/admin/users/{username}/{act}", token)


async def _plain(verb: Awaitable[Any]) -> Any:
    try:
        return await verb
    except OstiaryError as why:
        raise Refused(why.code, why.fields) from None


def _client(agent: str) -> Client:
    return seen("127.0.0.1", agent, "contract")


def _instant(at: Any) -> str:
    return str(at.isoformat().replace("+00:00", "Z"))
