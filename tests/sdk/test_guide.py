"""The guide's program, run as it stands against a real server."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import httpx2

from ostiary.errors import ReauthenticationRequired
from tests.support.people import PASSWORD

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "python-sdk.md"


def test_the_guide_runs(ostiary, root, server, monkeypatch, capsys):
    token = root.tokens.create("guide", scopes=["admin"]).token
    monkeypatch.setenv("AUTHORITY", server.url)
    monkeypatch.setenv("OSTIARY_TOKEN", token)
    text = GUIDE.read_text(encoding="utf-8")
    program = "\n".join(re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    assert "correct horse battery" in program
    names: dict[str, Any] = {"__name__": "guide"}
    try:
        exec(compile(program, str(GUIDE), "exec"), names)
        assert "I am root" in capsys.readouterr().out
        ada = ostiary.auth.sign_in("ada", PASSWORD)
        headers = {"cookie": f"__Host-session={ada.token}"}
        assert ada.session.id in names["sessions_view"](headers)
        assert names["is_up"]() == "ok"
        asyncio.run(_walk_through(names, headers, ada.session.id))
    finally:
        names["ostiary"].close()


async def _walk_through(names: dict[str, Any], headers: dict[str, str], session_id: str) -> None:
    transport = httpx2.ASGITransport(app=names["app"])
    async with (
        names["asking"],
        names["application"],
        httpx2.AsyncClient(transport=transport, base_url="http://app.test") as visitor,
    ):
        listed = (await visitor.get("/api/sessions", headers=headers)).json()
        assert session_id in [one["id"] for one in listed["sessions"]]
        assert listed["total"] == len(listed["sessions"])
        assert (await visitor.get("/api/sessions")).json()["code"] == "no_credentials"
        missing = await visitor.post(f"/api/sessions/sess_{'a' * 26}/revoke", headers=headers)
        assert (missing.status_code, missing.json()["code"]) == (404, "session_not_found")
        sent = await visitor.get("/login?max_age=60")
        assert (
            f"{names['application'].authorization_url(redirect_uri='x').url.partition('?')[0]}?"
            in (sent.headers["location"])
        )
        stranger = await visitor.get("/callback?code=code_x&state=y")
        assert (stranger.status_code, stranger.json()["code"]) == (400, "callback_mismatch")
        gone = await visitor.post("/logout")
        assert gone.status_code == 303 and "/oauth/logout" in gone.headers["location"]
        again = await names["prove_it_again"](None, ReauthenticationRequired(300))
        assert json.loads(again.body)["then"] == "/login?max_age=300"
        done = await visitor.post(f"/api/sessions/{session_id}/revoke", headers=headers)
        assert done.json() == {"message": "Session revoked successfully"}
        again = await visitor.post("/api/logout-all", headers=headers)
        assert (again.status_code, again.json()["code"]) == (401, "session_revoked")
