"""The guide's programs, run as they stand against a real server."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "verifier.md"


def test_the_guide_runs(server, credential, person, monkeypatch):
    monkeypatch.setenv("AUTHORITY", server.url)
    monkeypatch.setenv("OSTIARY_TOKEN", credential)
    program = "\n".join(re.findall(r"^```python\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.M | re.S))
    names: dict[str, Any] = {"__name__": "guide"}
    exec(compile(program, str(GUIDE), "exec"), names)
    answers = asyncio.run(names["serve"]([(person.token, "198.51.100.7"), ("nonsense", None)]))
    assert answers == [(200, person.name), (401, "session_invalid")]
    assert names["names_of"]([person.token]) == [person.name]
    ended = asyncio.run(_watched(names, person))
    assert (ended.session_id, ended.reason) == (person.session_id, "admin")


async def _watched(names: dict[str, Any], person: Any) -> Any:
    watching = asyncio.create_task(names["until_ended"](person.token))
    await asyncio.sleep(1)
    await asyncio.to_thread(person.revoke)
    return await asyncio.wait_for(watching, 5)
