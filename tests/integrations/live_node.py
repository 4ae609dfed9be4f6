"""What a second process serves in `test_two_nodes`: `uvicorn tests.integrations.live_node:app`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

from fastapi import FastAPI, WebSocket
from fastapi.responses import StreamingResponse

from ostiary.integrations.embedded import Embedded
from ostiary.integrations.fastapi import CurrentSession, install

app = FastAPI()
install(app, Embedded(os.environ["NODE_DATABASE"]))


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


@app.get("/me")
async def me(who: CurrentSession) -> dict[str, str | None]:
    return {"user": who.user_id, "session": who.session_id}
