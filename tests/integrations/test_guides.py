"""What the guides show is run as it stands there."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from ostiary.errors import ConfigurationError
from ostiary.integrations.embedded import Embedded
from ostiary.settings import Settings
from tests.integrations.conftest import OURS
from tests.support import databases
from tests.support.processes import CommandLine

GUIDES = Path(__file__).parents[2] / "docs" / "guides"


def snippets(page: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", (GUIDES / page).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture
def shown(tmp_path, tmp_path_factory, monkeypatch):
    """Run the first snippet of a page, in a directory with a migrated sessions.db."""
    url = asyncio.run(databases.new_sqlite(tmp_path, tmp_path_factory.getbasetemp() / "template.db"))
    Path(url.removeprefix("sqlite:///")).rename(tmp_path / "sessions.db")
    monkeypatch.chdir(tmp_path)

    def run(page: str) -> dict[str, Any]:
        names: dict[str, Any] = {"__name__": "shown"}
        exec(compile(snippets(page)[0], page, "exec", dont_inherit=True), names)
        return names

    return run


def ask_all(browse_to, asked: list[tuple[str, str, int]]) -> None:
    for method, path, status in asked:
        assert browse_to(method, path) == status, path


def test_asgi(shown):
    import httpx2

    app = shown("asgi.md")["app"]

    async def ask() -> int:
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="https://app.test") as client:
            status = (await client.get("/")).status_code
        await app._keeper.close()
        return status

    assert asyncio.run(ask()) == 401


def test_fastapi(shown):
    import httpx2

    names = shown("fastapi.md")

    async def ask() -> list[int]:
        transport = httpx2.ASGITransport(names["app"])
        async with httpx2.AsyncClient(transport=transport, base_url="https://app.test", headers=OURS) as client:
            found = [(await client.get("/me")).status_code, (await client.post("/sign-in")).status_code]
            found += [(await client.get(path)).status_code for path in ("/me", "/devices", "/reports")]
            found += [(await client.post("/sign-out")).status_code, (await client.get("/me")).status_code]
        (middleware,) = names["app"].user_middleware
        await middleware.kwargs["keeper"].close()
        return found

    assert asyncio.run(ask()) == [401, 200, 200, 200, 403, 200, 401]


def test_flask(shown):
    app = shown("flask.md")["app"]
    client = app.test_client()

    def ask(method: str, path: str) -> int:
        return int(client.open(path, method=method, base_url="https://app.test", headers=OURS).status_code)

    ask_all(
        ask,
        [
            ("GET", "/me", 401),
            ("POST", "/sign-in", 200),
            ("GET", "/me", 200),
            ("GET", "/devices", 200),
            ("GET", "/reports", 403),
            ("POST", "/log-out-everywhere", 200),
            ("GET", "/me", 401),
        ],
    )
    app.extensions["ostiary"].close()


def test_django():
    names: dict[str, Any] = {}
    exec(snippets("django.md")[0], names)
    assert names["MIDDLEWARE"][1] == "ostiary.integrations.django.OstiaryMiddleware"
    url = names["OSTIARY"]["DATABASE_URL"]
    assert Embedded(Settings(database_url=url)).settings.database_url == url


def test_fastapi_names_the_database_whose_tables_are_made():
    url = re.search(r'Embedded\("([^"]+)"\)', snippets("fastapi.md")[0])
    assert url is not None
    assert f"$ ostiary migrate --database-url {url[1]}\n" in (GUIDES / "fastapi.md").read_text(encoding="utf-8")


def test_the_refusal_of_a_database_without_tables_is_the_command_that_makes_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    async def open_it() -> None:
        keeper = Embedded("sqlite:///app.db")
        try:
            await keeper.open()
        finally:
            await keeper.close()

    with pytest.raises(ConfigurationError) as refused:
        asyncio.run(open_it())
    command = re.search(r"run 'ostiary (migrate --database-url (\S+))'", str(refused.value))
    assert command is not None
    assert command[2] == f"sqlite:///{tmp_path / 'app.db'}"
    monkeypatch.chdir("/")
    CommandLine(tmp_path).ok(*command[1].split())
    monkeypatch.chdir(tmp_path)
    asyncio.run(open_it())
