"""The directory through a server, as a signed-in administrator."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from ostiary.cli.answers import member, segment, text
from ostiary.cli.calls import Calls
from ostiary.cli.directory import Cookie, Object
from ostiary.cli.failures import Failure
from ostiary.cli.invocation import Invocation
from ostiary.cli.matching import match

PAGE: Final = 1000  # the most that the server puts in one answer


class Remote:
    """The admin API."""

    def __init__(self, invocation: Invocation) -> None:
        try:
            self._calls: Calls = invocation.calls()
        except Failure as failure:
            if failure.code == "no_credentials":
                failure.hint = f"{failure.hint}, or work on the database itself with --database-url"
            raise

    def mint(self, username: str, expire_after: timedelta, reason: str) -> Cookie:
        """`POST /admin/users/{username}/sessions`."""
        path = f"/admin/users/{segment(username)}/sessions"
        answer = self._calls.post(path, {"expire_after": f"{expire_after.total_seconds():f}s", "reason": reason})
        session = member(answer, "session")
        return Cookie(
            text(answer, "username"), text(session, "id"), text(answer, "cookie"), text(session, "expires_at")
        )

    def log_out(self, username: str) -> tuple[list[Object], bool]:
        """`POST /admin/users/{username}/logout`."""
        answer = self._calls.post(f"/admin/users/{segment(username)}/logout")
        return list(answer.get("sessions") or []), answer.get("more") is True

    def log_out_one(self, username: str, session_id: str) -> list[Object]:
        """`POST /admin/sessions/{id}/revoke`, after making sure that it is that user's."""
        known = [one["session_id"] for one in self.sessions(username, None, 10 * PAGE)]
        chosen = match(session_id, known, "sess", "session")
        self._calls.post(f"/admin/sessions/{segment(chosen)}/revoke")
        after = self._calls.get_pages("/admin/sessions", "sessions", {"q": chosen, "limit": 1}, 1)
        rows = [_row(one) for one in after]
        return [{"username": one["username"], "session_id": chosen, "revoked": one["revoked_at"]} for one in rows]

    def sessions(self, username: str | None, status: str | None, limit: int) -> list[Object]:
        """`GET /admin/sessions`, page by page."""
        query = {"user": username, "status": status, "sort": "-created_at", "limit": min(limit, PAGE)}
        return [_row(one) for one in self._calls.get_pages("/admin/sessions", "sessions", query, limit)]

    def users(self) -> list[Object]:
        """`GET /admin/users`, page by page."""
        return self._calls.get_pages("/admin/users", "users", {"limit": PAGE})

    def user(self, username: str) -> Object:
        """`GET /admin/users/{username}`."""
        return self._calls.get(f"/admin/users/{segment(username)}")

    def add_user(self, username: str, password: str, email: str | None, roles: Sequence[str]) -> Object:
        """`POST /admin/users`."""
        body = {"username": username, "password": password, "email": email, "roles": list(roles)}
        return member(self._calls.post("/admin/users", body), "user")

    def disable_user(self, username: str) -> Object:
        """`POST /admin/users/{username}/disable`."""
        return self._calls.post(f"/admin/users/{segment(username)}/disable")

    def enable_user(self, username: str) -> Object:
        """`POST /admin/users/{username}/enable`."""
        return self._calls.post(f"/admin/users/{segment(username)}/enable")

    def set_password(self, username: str, password: str) -> Object:
        """`POST /admin/users/{username}/password`."""
        return self._calls.post(f"/admin/users/{segment(username)}/password", {"new": password})

    def delete_user(self, username: str) -> Object:
        """`DELETE /admin/users/{username}`."""
        return self._calls.delete(f"/admin/users/{segment(username)}")

    def export_user(self, username: str) -> Object:
        """`POST /admin/users/{username}/export`."""
        return self._calls.post(f"/admin/users/{segment(username)}/export")

    def erase_user(self, username: str) -> Object:
        """`POST /admin/users/{username}/erase`."""
        return self._calls.post(f"/admin/users/{segment(username)}/erase")

    def clients(self) -> list[Object]:
        """`GET /admin/clients`."""
        return list(self._calls.get("/admin/clients").get("clients") or [])

    def client(self, client_id: str) -> Object:
        """`GET /admin/clients/{client_id}`."""
        return member(self._calls.get(f"/admin/clients/{segment(client_id)}"), "client")

    def add_client(self, wanted: Object) -> Object:
        """`POST /admin/clients`."""
        return self._calls.post("/admin/clients", {name: value for name, value in wanted.items() if value is not None})

    def rotate_client_secret(self, client_id: str) -> Object:
        """`POST /admin/clients/{client_id}/secret`."""
        return self._calls.post(f"/admin/clients/{segment(client_id)}/secret")

    def remove_client(self, client_id: str) -> Object:
        """`DELETE /admin/clients/{client_id}`."""
        return self._calls.delete(f"/admin/clients/{segment(client_id)}")

    def preview_neutralise(self, credential: str) -> Object:
        """`POST /admin/neutralise`."""
        return _with_things(self._calls.post("/admin/neutralise", {"credential": credential}))

    def neutralise(self, credential: str) -> Object:
        """`POST /admin/neutralise/apply`."""
        return _with_things(self._calls.post("/admin/neutralise/apply", {"credential": credential}))

    def rotate_keys(self, at_once: bool) -> Object:
        """`POST /admin/keys/rotate`."""
        return self._calls.post("/admin/keys/rotate", {"at_once": at_once})


def _with_things(answer: Object) -> Object:
    things = answer.get("things")
    return {**answer, "things": [one for one in things if isinstance(one, dict)] if isinstance(things, list) else []}


def _row(one: Object) -> Object:
    return {
        "username": one.get("username") or one.get("user_id"),
        "session_id": text(one, "id"),
        "created_at": one.get("created_at"),
        "expires_at": one.get("expires_at"),
        "revoked_at": one.get("revoked_at") or (one.get("ended_at") if one.get("status") == "revoked" else None),
        "last_used_at": one.get("last_used_at"),
        "status": one.get("status"),
    }
