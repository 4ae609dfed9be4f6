"""A complete session management UI: FastAPI, this application's own users, and an authority in the same process.

ostiary migrate --database-url sqlite:///sessions.db
uvicorn app:app --port 8000
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from asyncio import to_thread
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Response, WebSocket
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, StringConstraints
from starlette.requests import HTTPConnection

from ostiary.core.account import User
from ostiary.integrations.embedded import Embedded
from ostiary.integrations.fastapi import CurrentSession, Visitor, install, visit

HERE = Path(__file__).parent
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


class People:
    """The users of this application: here two of them, in an application of yours a table."""

    def __init__(self, passwords: dict[str, str]) -> None:
        self._salt = secrets.token_bytes(16)
        self._hashes = {name: self._hash(password) for name, password in passwords.items()}

    def _hash(self, password: str) -> bytes:
        return hashlib.scrypt(password.encode(), salt=self._salt, n=2**14, r=8, p=1)

    def sign_in(self, name: str, password: str) -> User | None:
        """The user, if that is their password; it takes as long if there is no such user."""
        right = hmac.compare_digest(self._hash(password[:1024]), self._hashes.get(name, b"\0" * 64))
        return self.find(f"person:{name}") if right else None

    def find(self, user_id: str) -> User | None:
        """A user by the id that their sessions have."""
        name = user_id.removeprefix("person:")
        return User(user_id, name, roles=("member",)) if name in self._hashes else None


class Credentials(BaseModel):
    """What a sign-in sends."""

    name: Annotated[str, StringConstraints(max_length=64)]
    password: Annotated[str, StringConstraints(max_length=1024)]


people = People({"ada": "correct horse battery", "bob": "correct horse staple"})
keeper = Embedded(os.environ.get("DATABASE_URL", f"sqlite:///{HERE / 'sessions.db'}"))
app = FastAPI(title="Your devices", docs_url=None, redoc_url=None)


def identify(connection: HTTPConnection) -> User | None:
    """Whom this application knows behind a session; None signs them out."""
    verified = visit(connection).identity
    return people.find(verified.user_id) if verified else None


install(app, keeper, identify=identify)


@app.post("/api/login")
async def sign_in(given: Credentials, here: Visitor) -> dict[str, Any]:
    user = await to_thread(people.sign_in, given.name, given.password)
    if user is None:
        raise HTTPException(401, "The name or the password is wrong.")
    begun = await here.start(user.id, amr=("pwd",))
    return {"name": user.username, "session": begun.session_id}


@app.get("/api/me")
async def me(who: CurrentSession) -> dict[str, Any]:
    return {"name": who.user.username, "session": who.session_id}


@app.get("/api/sessions")
async def sessions(here: Visitor) -> dict[str, Any]:
    """All devices of the user."""
    listed = [
        {
            "id": one.id,
            "device": one.name,
            "location": one.ip,
            "lastActive": one.last_used_at,
            "signedIn": one.created_at,
            "expiresAt": one.expires_at,
            "isCurrent": one.is_current,
        }
        for one in await here.list()
    ]
    return {"sessions": listed, "total": len(listed)}


@app.post("/api/sessions/{session_id}/revoke")
async def revoke(session_id: str, here: Visitor) -> dict[str, Any]:
    """End one device's session."""
    await here.revoke(session_id)
    return {"success": True, "message": "Session revoked successfully"}


@app.post("/api/logout-all")
async def log_out_everywhere(here: Visitor) -> dict[str, Any]:
    """Log out everywhere, here too."""
    count = await here.revoke_all()
    return {"count": count, "message": f"Logged out of {count} device{'' if count == 1 else 's'}"}


@app.post("/api/logout")
async def log_out(here: Visitor) -> dict[str, Any]:
    """Log out here. It always works."""
    await here.sign_out()
    return {"success": True}


@app.websocket("/api/live")
async def live(socket: WebSocket, who: CurrentSession) -> None:
    """Open for as long as the session lives; then the browser is told so, with code 4401 and the reason."""
    await socket.accept()
    await socket.send_json({"signedInAs": who.user.username})
    async for _ in socket.iter_text():  # until the page is left, or reloaded
        pass


@app.get("/")
async def page() -> Response:
    return FileResponse(HERE / "static" / "index.html", headers={"content-security-policy": POLICY})


app.mount("/static", StaticFiles(directory=HERE / "static"))
