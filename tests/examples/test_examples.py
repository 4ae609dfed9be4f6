"""The examples, run as their pages say: processes of their own, and people who sign in to them from two devices."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.cookies import SimpleCookie
from pathlib import Path

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.support import databases
from tests.support.people import CHROME, FIREFOX, IPHONE, PASSWORD
from tests.support.processes import clean_environment, free_port

EXAMPLES = Path(__file__).parents[2] / "examples"


class Browser:
    """Cookies, and what browsers say of the requests of their own pages. Over http to this machine, as a browser does,
    it keeps secure cookies."""

    def __init__(self, origin: str, agent: str) -> None:
        self.origin = origin
        self.cookies: dict[str, str] = {}
        self.client = httpx2.Client(base_url=origin, headers={"user-agent": agent}, follow_redirects=False)

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def __call__(self, method: str, path: str, **more) -> httpx2.Response:
        headers = {"cookie": self.cookie, "sec-fetch-site": "same-origin", "origin": self.origin}
        answer = self.client.request(method, path, headers=headers, **more)
        for line in answer.headers.get_list("set-cookie"):
            for name, morsel in SimpleCookie(line).items():
                self.cookies[name] = morsel.value
        return answer

    @property
    def cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items() if value)


@contextmanager
def running(port: int, home: Path, where: str, *command: str, **variables: str) -> Iterator[str]:
    environment = clean_environment(home, variables)
    with (home / f"{where}.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=EXAMPLES / where, env=environment, stdout=log, stderr=log)
    origin = f"http://localhost:{port}"
    try:
        for _ in range(600):
            assert process.poll() is None, (home / f"{where}.log").read_text()
            try:
                httpx2.get(origin, timeout=5)
                break
            except httpx2.TransportError:
                time.sleep(0.05)
        yield origin
    finally:
        process.terminate()
        process.wait(20)
    assert "Traceback" not in (home / f"{where}.log").read_text()


@pytest.fixture
def database(tmp_path, tmp_path_factory) -> str:
    return asyncio.run(databases.new_sqlite(tmp_path, tmp_path_factory.getbasetemp() / "template.db"))


def test_fastapi(database, tmp_path):
    port = free_port()
    command = (sys.executable, "-m", "uvicorn", "app:app", "--host", "localhost", "--port", str(port))
    with running(port, tmp_path, "fastapi_sessions", *command, DATABASE_URL=database) as origin, ExitStack() as stack:
        laptop, phone = stack.enter_context(Browser(origin, FIREFOX)), stack.enter_context(Browser(origin, IPHONE))
        assert laptop("GET", "/api/sessions").status_code == 401
        assert laptop("POST", "/api/login", json={"name": "ada", "password": "wrong"}).status_code == 401
        for browser in (laptop, phone):
            signed_in = browser("POST", "/api/login", json={"name": "ada", "password": PASSWORD})
            assert signed_in.json()["name"] == "ada"
        listed = laptop("GET", "/api/sessions").json()
        assert listed["total"] == 2
        assert {one["device"] for one in listed["sessions"]} == {"Firefox on Linux", "Mobile Safari on iOS"}
        (other,) = (one["id"] for one in listed["sessions"] if not one["isCurrent"])
        live = f"ws://localhost:{port}/api/live"
        with connect(live, additional_headers={"Cookie": laptop.cookie, "Origin": origin}) as socket:
            socket.recv(10)  # and the page is reloaded
        with connect(live, additional_headers={"Cookie": phone.cookie, "Origin": origin}) as socket:
            assert json.loads(socket.recv(10)) == {"signedInAs": "ada"}
            assert laptop("POST", f"/api/sessions/{other}/revoke").json()["success"]
            assert phone("GET", "/api/sessions").status_code == 401
            with pytest.raises(ConnectionClosed) as closed:
                socket.recv(10)
            assert closed.value.rcvd is not None and (closed.value.rcvd.code, closed.value.rcvd.reason) == (
                4401,
                "user",
            )
        phone("POST", "/api/login", json={"name": "ada", "password": PASSWORD})
        everywhere = laptop("POST", "/api/logout-all").json()
        assert everywhere["message"] == "Logged out of 2 devices"
        assert laptop("GET", "/api/me").status_code == phone("GET", "/api/me").status_code == 401
        assert laptop("POST", "/api/logout").json() == {"success": True}


def test_django(database, tmp_path):
    port = free_port()
    variables = {
        "DATABASE_URL": database, "DATA": str(tmp_path), "SECRET_KEY": "x" * 50, "DEBUG": "1",
        "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
    }  # fmt: skip
    environment = clean_environment(tmp_path, variables)
    for words in (["migrate"], ["createsuperuser", "--noinput", "--username", "ada", "--email", "a@example.org"]):
        subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=EXAMPLES / "django_sessions", env=environment, check=True, capture_output=True, timeout=60,
        )  # fmt: skip

    def sign_in(browser: Browser) -> int:
        form = browser("GET", "/sign-in").text
        given = {"csrfmiddlewaretoken": token(form), "username": "ada", "password": PASSWORD}
        return browser("POST", "/sign-in", data=given).status_code

    def token(page: str) -> str:
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert found
        return found[1]

    command = (sys.executable, "manage.py", "runserver", "--noreload", f"localhost:{port}")
    with running(port, tmp_path, "django_sessions", *command, **variables) as origin, ExitStack() as stack:
        laptop, phone = stack.enter_context(Browser(origin, CHROME)), stack.enter_context(Browser(origin, IPHONE))
        assert laptop("GET", "/").status_code == 302
        assert sign_in(laptop) == sign_in(phone) == 302
        page = laptop("GET", "/").text
        assert "signed in on 2 devices" in page and "Chrome on Windows: this device" in page
        ending = re.search(r'action="(/sessions/[^"]+)"', page)
        assert ending
        assert laptop("POST", ending[1]).status_code == 403  # without the form's token
        assert laptop("POST", ending[1], data={"csrfmiddlewaretoken": token(page)}).status_code == 302
        assert phone("GET", "/").headers["location"].startswith("/sign-in")
        assert sign_in(phone) == 302
        given = {"csrfmiddlewaretoken": token(laptop("GET", "/").text)}
        assert laptop("POST", "/log-out-everywhere", data=given).headers["location"] == "/sign-in"
        for browser in (laptop, phone):
            assert browser("GET", "/").headers["location"].startswith("/sign-in")
