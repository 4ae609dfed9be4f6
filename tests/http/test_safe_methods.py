"""No request by a safe method changes anything, whatever it asks for (ASVS 5.0 3.5.3)."""

from __future__ import annotations

from sqlalchemy import text

from ostiary.http.openapi import document
from ostiary.storage.schema import metadata
from tests.http.visitors import cli_token, held, script, signed_in, visitor


async def digest(app) -> dict[str, list[str]]:
    async with app.authority.database.reading() as db:
        return {
            name: sorted(map(str, (await db.execute(text(f"SELECT * FROM {name}"))).all())) for name in metadata.tables
        }


async def test_safe_methods_change_nothing(app):
    async with signed_in(app, "root") as browser:
        session_id = (await browser.get("/api/v1/auth/sessions/current")).json()["id"]
        token = await cli_token(app, "root", scopes=["admin"])
        known = {
            "session_id": session_id,
            "token_id": token.partition(".")[0],
            "username": "ada",
            "client_id": f"client_{'a' * 26}",
            "plan_id": f"plan_{'a' * 26}",
            "resource_id": f"res_{'a' * 26}",
            "event_id": "1",
        }
        paths = [path.format(**known) for path in [*document()["paths"], "/verify", "/api/docs"]]
        async with visitor(app) as nobody, script(app, token) as holder, script(app, held(browser)) as session:
            await holder.get("/verify")
            await app.authority.presence.flush()  # that it was used once is written; what follows is not even that
            before = await digest(app)
            for path in paths:
                for who in (nobody, browser, holder, session):
                    for method in ("GET", "HEAD", "OPTIONS", "TRACE"):
                        asked = {"hold": "0"} if path.endswith("/feed") else {}  # else it would not end
                        answer = await who.request(method, path, params=asked)
                        assert answer.status_code < 500, (method, path, answer.text)
                        assert "set-cookie" not in answer.headers
        await app.authority.presence.flush()
        assert await digest(app) == before
