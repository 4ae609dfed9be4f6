"""starsessions on Redis: the session is loaded with every request; the user lies in it."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starsessions import SessionAutoloadMiddleware, SessionMiddleware
from starsessions.session import generate_session_id
from starsessions.stores.redis import RedisStore

USERS, RACES = 64, 64
PLAN = Path(os.environ["BENCH_PLAN"])
LIFETIME = 30 * 24 * 3600  # seconds
store = RedisStore(os.environ["BENCH_REDIS"])


async def me(request: Request) -> JSONResponse:
    session = request.session
    if "user" not in session:
        return JSONResponse({"error": "nobody"}, 401)
    return JSONResponse({"user": session["user"], "session": {"created_at": session["created_at"]}})


async def out(request: Request) -> JSONResponse:
    request.session.clear()
    return JSONResponse({})


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    async def start(number: int) -> dict[str, str]:
        user = {"id": f"user-id-{number}.", "username": f"user{number}", "roles": ["member"]}
        content = json.dumps({"user": user, "created_at": "2026-01-15T12:00:00Z"}).encode()
        session_id = generate_session_id()
        await store.write(session_id, content, LIFETIME, LIFETIME)
        return {"Cookie": f"session={session_id}"}

    asked = [{"path": "/me", "headers": await start(n), "expect": f"user-id-{n}."} for n in range(USERS)]
    races = []
    for _ in range(RACES):
        headers = await start(0)
        revoke = {"method": "POST", "path": "/out", "headers": headers}
        races.append({"ask": {"path": "/me", "headers": headers}, "revoke": revoke})
    PLAN.write_text(json.dumps({"works": {"verify": asked}, "races": races}))  # noqa: ASYNC240 - before any request
    yield


app = Starlette(
    routes=[Route("/me", me), Route("/out", out, methods=["POST"])],
    middleware=[
        Middleware(SessionMiddleware, store=store, lifetime=LIFETIME, cookie_https_only=False),
        Middleware(SessionAutoloadMiddleware),
    ],
    lifespan=lifespan,
)
