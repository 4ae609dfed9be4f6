"""An application that verifies from memory, as a process: `uvicorn tests.integrations.remote_node:app`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

from fastapi import FastAPI, WebSocket
from fastapi.responses import StreamingResponse

from ostiary.integrations.fastapi import CurrentSession, install
from ostiary.integrations.remote import Remote
from ostiary.sdk.verifier import Verifier

URL = os.environ["NODE_SERVER"]

app = FastAPI()
verifier = Verifier(URL, token=os.environ["NODE_TOKEN"], max_staleness=float(os.environ["NODE_STALENESS"]), timeout=0.5)
install(app, Remote(URL, verifier=verifier))


@app.websocket("/ws")
async def wait(socket: WebSocket, who: CurrentSession) -> None:
    await socket.accept()
    await socket.send_text(who.user_id)
    await socket.receive_text()


@app.get("/stream")
async def stream(who: CurrentSession) -> StreamingResponse:
    async def events() -> AsyncIterator[str]:
        yield f"data: {who.user_id}\n\n"
        await asyncio.sleep(3600)

    return StreamingResponse(events(), media_type="text/event-stream")


@app.get("/poll")
async def poll(who: CurrentSession) -> str:
    await asyncio.sleep(3600)
    return who.user_id


@app.get("/me")
async def me(who: CurrentSession) -> dict[str, str | None]:
    return {"user": who.user_id, "session": who.session_id}
