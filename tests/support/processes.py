"""Real server processes, and the real command line and curl against them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from uuid import uuid4

from tests.support.databases import skip
from tests.support.people import PASSWORD

START_TIMEOUT = 30.0  # seconds
NEEDED = ("PATH", "LANG", "TMPDIR")
MEASURED = ("COVERAGE_PROCESS_CONFIG",)  # by which coverage.py follows into a process (`dev.py coverage`)
CHEAP = {"OSTIARY_PASSWORD_MEMORY_KIB": "19456", "OSTIARY_PASSWORD_TIME_COST": "2"}


def clean_environment(home: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """An environment of a new user: nothing of the one who runs the tests but the way to programs."""
    kept = {name: os.environ[name] for name in (*NEEDED, *MEASURED) if name in os.environ}
    return kept | {"HOME": str(home), "XDG_CONFIG_HOME": str(home / "config"), **CHEAP, **(extra or {})}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """`ostiary serve`, as a process."""

    def __init__(
        self,
        database_url: str,
        home: Path,
        *options: str,
        port: int | None = None,
        module: str = "ostiary",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.module = module
        self.environment = environment or {}
        self.database_url = database_url
        self.home = home
        self.port = port or free_port()
        self.options = options
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = home / f"server-{self.port}.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Server:
        command = [sys.executable, "-m", self.module, "serve", "--port", str(self.port)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--database-url", self.database_url, *self.options],
                stdout=log, stderr=log, cwd=self.home,
                env=clean_environment(self.home, {**self._module_path(), **self.environment}),
            )  # fmt: skip
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended at once:\n{self.log.read_text()}")
            try:
                if self.get("/readyz")[0] == 200:
                    return self
            except OSError:
                pass
            time.sleep(0.05)
        raise RuntimeError(f"the server did not become ready:\n{self.log.read_text()}")

    def _module_path(self) -> dict[str, str]:
        """Where another module than our own is found: beside the tests."""
        return {} if self.module == "ostiary" else {"PYTHONPATH": str(Path(__file__).parents[2])}

    def stop(self, with_signal: int = signal.SIGTERM) -> None:
        if self.process is not None:
            self.process.send_signal(with_signal)
            self.process.wait(20)
            self.process = None

    def get(self, path: str, bearer: str | None = None) -> tuple[int, dict[str, str], Any]:
        return self.ask("GET", path, bearer=bearer)

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        bearer: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 30,
    ) -> tuple[int, dict[str, str], Any]:
        """Status, headers in lower case, and the body read as JSON where it is JSON."""
        request = Request(self.url + path, method=method)
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        if bearer is not None:
            request.add_header("Authorization", f"Bearer {bearer}")
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        try:
            with urlopen(request, timeout=timeout) as answer:
                status, found, raw = answer.status, answer.headers, answer.read()
        except HTTPError as error:
            with error:
                status, found, raw = error.code, error.headers, error.read()
        lower = {name.lower(): value for name, value in found.items()}
        return status, lower, json.loads(raw) if "json" in lower.get("content-type", "") else raw.decode()

    def answered(self, route: str) -> int:
        """Requests of a route that were answered before this call, by the log."""
        # The line of a request is written after its answer: it is there once that of a later request is.
        last = uuid4().hex
        self.ask("GET", "/healthz/none", headers={"X-Request-ID": last})
        deadline = time.monotonic() + START_TIMEOUT
        while last not in (lines := self.log.read_text()):
            assert time.monotonic() < deadline, "a request was answered and not logged"
            time.sleep(0.01)
        return lines.count(f'"{route}"')

    def sign_in(self, username: str = "ada", *, agent: str = "curl/8", password: str = PASSWORD) -> tuple[str, str]:
        """Session id and token of a new session."""
        status, _, body = self.ask(
            "POST",
            "/api/v1/auth/sessions",
            {"username": username, "password": password, "transport": "bearer"},
            headers={"User-Agent": agent},
        )
        assert status == 201, body
        return body["session"]["id"], body["token"]


@contextmanager
def serving(database_url: str, home: Path, *options: str) -> Iterator[Server]:
    server = Server(database_url, home, *options).start()
    try:
        yield server
    finally:
        server.stop()


class CommandLine:
    """`ostiary …`, as a user with a home of their own types it."""

    def __init__(self, home: Path, **environment: str) -> None:
        self.home = home
        self.environment = clean_environment(home, environment)

    def __call__(self, *words: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "ostiary", *words],
            input=stdin, stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True, text=True, timeout=60, env=self.environment, cwd=self.home, check=False,
        )  # fmt: skip

    def ok(self, *words: str, stdin: str | None = None) -> str:
        """Run it, expect success, give its data."""
        done = self(*words, stdin=stdin)
        assert done.returncode == 0, f"{words}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout


def curl(*words: str) -> subprocess.CompletedProcess[str]:
    """The real curl."""
    program = shutil.which("curl")
    if program is None:
        skip("no curl")
    return subprocess.run([str(program), "-sS", *words], capture_output=True, text=True, timeout=30, check=False)
