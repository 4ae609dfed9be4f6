"""The Node example, as it stands, against a real server: two people on several devices."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.support.databases import skip
from tests.support.people import PASSWORD
from tests.support.processes import Server, clean_environment, free_port

EXAMPLE = Path(__file__).parents[2] / "examples" / "node" / "server.mjs"


@dataclass(frozen=True)
class Shop:
    """The application, and the authority where its users sign in."""

    url: str
    authority: Server

    @contextmanager
    def sign_in(self, username: str) -> Iterator[httpx2.Client]:
        """A browser: to the application, on to the authority, where its user is signed in, and back."""
        _, cookie = self.authority.sign_in(username, agent=f"browser of {username}")
        with httpx2.Client(base_url=self.url, headers={"sec-fetch-site": "same-origin"}) as browser:
            there = browser.get("/login")
            assert urlsplit(there.headers["location"]).path == "/oauth/authorize"
            held = {"cookie": f"__Host-session={cookie}", "user-agent": f"browser of {username}"}
            back = httpx2.get(there.headers["location"], headers=held)
            assert back.status_code == 303, back.text
            done = browser.get(back.headers["location"])
            assert (done.status_code, done.headers["location"]) == (303, "/")
            yield browser


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> Iterator[Shop]:
    node = shutil.which("node")
    if node is None:
        skip("no node")
    home = tmp_path_factory.mktemp("node-example")
    database, port = f"sqlite:///{home}/ostiary.db", free_port()

    def ostiary(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "ostiary", *words, "--database-url", database],
            env=clean_environment(home, {"OSTIARY_PASSWORD": PASSWORD}), cwd=home, capture_output=True, check=True,
        )  # fmt: skip
        return done.stdout.decode()

    for username in ("ada", "eve"):
        ostiary("user", "add", username)
    callback = f"http://127.0.0.1:{port}/callback"
    added = json.loads(ostiary("client", "add", "Shop", "--redirect-uri", callback, "--format", "json"))
    authority = Server(database, home).start()
    environment = {
        "AUTHORITY": authority.url,
        "CLIENT_ID": added["client_id"],
        "CLIENT_SECRET": added["client_secret"],
        "PORT": str(port),
    }
    application = subprocess.Popen([str(node), str(EXAMPLE)], env=clean_environment(home, environment), cwd=home)
    try:
        _wait_for(port)
        yield Shop(f"http://127.0.0.1:{port}", authority)
    finally:
        application.terminate()
        application.wait(10)
        authority.stop()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            httpx2.get(f"http://127.0.0.1:{port}/", timeout=2)
        except httpx2.TransportError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the example did not start")


def current(browser: httpx2.Client) -> str:
    listed = browser.get("/api/sessions").json()["sessions"]
    return str(next(one["id"] for one in listed if one["current"]))


def test_a_person_sees_their_devices_and_ends_one(shop):
    with shop.sign_in("ada") as laptop, shop.sign_in("ada") as phone, shop.sign_in("eve") as eve:
        listed = laptop.get("/api/sessions").json()
        assert {current(laptop), current(phone)} <= {one["id"] for one in listed["sessions"]}
        assert listed["total"] == len(listed["sessions"])
        assert {one["device"] for one in listed["sessions"]} == {"browser of ada"}  # not the application's server
        foreign = laptop.post(f"/api/sessions/{current(eve)}/revoke")
        unknown = laptop.post(f"/api/sessions/sess_{'a' * 26}/revoke")
        assert (foreign.status_code, foreign.content) == (unknown.status_code, unknown.content)
        assert foreign.status_code == 404
        lost = current(phone)
        assert laptop.post(f"/api/sessions/{lost}/revoke").json()["success"] is True
        assert phone.get("/api/sessions").status_code == 401
        assert "access_token" not in phone.cookies  # the refresh was refused: the session is over, so all is forgotten
        assert eve.get("/api/sessions").status_code == 200
        assert laptop.post("/api/logout").json() == {"success": True}
        assert laptop.get("/api/sessions").status_code == 401


def test_a_bearer_will_do_as_well(shop):
    with shop.sign_in("ada") as browser:
        token = browser.cookies["access_token"]
        with httpx2.Client(base_url=shop.url, headers={"authorization": f"Bearer {token}"}) as script:
            assert current(script) == current(browser)


def test_an_access_token_that_is_gone_is_replaced_once(shop):
    with shop.sign_in("ada") as browser:
        before = browser.cookies["refresh_token"]
        browser.cookies.delete("access_token")
        assert browser.get("/api/sessions").status_code == 200
        assert browser.cookies["refresh_token"] != before
        assert "access_token" in browser.cookies


def test_log_out_everywhere_ends_what_was_captured_before(shop):
    with shop.sign_in("ada") as laptop, shop.sign_in("ada") as phone, shop.sign_in("eve") as eve:
        captured = dict(phone.cookies)
        assert laptop.post("/api/logout-all").json()["message"].startswith("Logged out of ")
        with httpx2.Client(base_url=shop.url, cookies=captured) as thief:
            assert thief.get("/api/sessions").status_code == 401
        assert eve.get("/api/sessions").status_code == 200


def test_another_site_cannot_act_and_another_browser_cannot_finish_a_sign_in(shop):
    with shop.sign_in("ada") as browser:
        refused = browser.post("/api/logout-all", headers={"sec-fetch-site": "cross-site"})
        assert refused.status_code == 403
        assert browser.get("/api/sessions").status_code == 200
        assert httpx2.get(f"{shop.url}/callback?code=code_x&state=y").status_code == 400
