"""A server of one version of Ostiary, with people, sessions and OAuth clients that came to it by its API alone."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import itertools
import json
import os
import re
import secrets
import struct
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from bench.ours import API, CALLBACK, FORM, KEY, PASSWORD
from bench.running import Failed, Running, running
from bench.wire import Answer, Client, basic, drive, each_once, request

USERS, READERS = 64, 16
CONNECTIONS = 16
COUNTED = Path(__file__).with_name("counted.py")
JSON = "application/json"


@dataclass(frozen=True)
class Made:
    """A session or a token: its id, and the secret that it was made with."""

    id: str
    secret: str


class World:
    """What the works ask a server for before they are measured. Raises Failed where it answers otherwise."""

    def __init__(self, server: Running, counted: Path) -> None:
        self.server = server
        self.users = [f"user{number}" for number in range(USERS)]
        self._counted, self._numbers = counted, itertools.count(1)
        self._client = Client(server.address)
        self.admin = self.sign_in("root").secret
        for name in self.users:
            self.add_user(name)
        self.client = self._add_client()
        # Of people whose sessions no work ends, each with eight.
        self.own = [self.sessions(8, self.add_user(f"reader{number}"))[-1].secret for number in range(READERS)]
        self.service = self._service()

    def seconds(self) -> float:
        """CPU so far, outside of what is counted."""
        return self.server.cpu_seconds() - sum(
            value for (value,) in struct.iter_unpack("d", self._counted.read_bytes())
        )

    def ask(self, sent: bytes) -> Answer:
        answer = self._client.ask(sent)
        if answer.status >= 400:
            raise Failed(f"{sent[:60]!r} was answered by {answer.status} {answer.body[:160]!r}")
        return answer

    def tell(self, method: str, path: str, bearer: str, body: object = None) -> Any:
        """The members of the answer."""
        return json.loads(self.ask(call(method, path, bearer, body)).body)

    def new_name(self) -> str:
        return f"new{next(self._numbers)}"

    def add_user(self, name: str = "") -> str:
        name = name or self.new_name()
        self.tell("POST", f"{API}/admin/users", self.admin, {"username": name, "password": PASSWORD})
        return name

    def sign_in(self, name: str) -> Made:
        body = {"username": name, "password": PASSWORD, "transport": "bearer"}
        answer = json.loads(self.ask(call("POST", f"{API}/auth/sessions", "", body)).body)
        return Made(answer["session"]["id"], answer["token"])

    def sessions(self, number: int, name: str = "") -> list[Made]:
        """Of one user, or of all in turn: by signing in, as what an administrator mints is ended with all it made."""
        names = [name] if name else self.users
        bodies = [{"username": one, "password": PASSWORD, "transport": "bearer"} for one in names]
        asked = [call("POST", f"{API}/auth/sessions", "", body) for body in bodies]
        texts = self._texts(list(itertools.islice(itertools.cycle(asked), number)), rb"(sess_\w+\.[\w-]+)")
        return [Made(text.partition(".")[0], text) for text in texts]

    def token(self, bearer: str, scopes: Sequence[str] | None = None) -> Made:
        made = self.tell("POST", f"{API}/auth/cli-token", bearer, {"scopes": scopes} if scopes else {})
        return Made(made["id"], made["token"])

    def plan(self, name: str) -> str:
        return str(self.tell("POST", f"{API}/admin/sessions/plan", self.admin, {"user": name})["plan_id"])

    def add_client(self, **fields: object) -> tuple[str, str]:
        body = {"name": "bench", "redirect_uris": [CALLBACK], **fields}
        made = self.tell("POST", f"{API}/admin/clients", self.admin, body)
        return made["client"]["id"], made["secret"]

    def _service(self) -> str:
        """A token that reads what programs read; not every version knows all of these scopes."""
        scopes = ["sessions:read", "feed:read", "admin"]
        try:
            return self.token(self.admin, [*scopes, "metrics:read"]).secret
        except Failed:
            return self.token(self.admin, scopes).secret

    def _add_client(self) -> tuple[str, str]:
        return self.add_client(grants=["authorization_code", "refresh_token"])

    def grant(self, token: str) -> dict[str, str]:
        """What a sign-in of the OAuth client by the holder of a session token came to."""
        verifier = secrets.token_urlsafe(32)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code", "client_id": self.client[0], "redirect_uri": CALLBACK, "scope": "openid",
            "state": "s", "code_challenge": challenge, "code_challenge_method": "S256",
        }  # fmt: skip
        path = f"/oauth/authorize?{urlencode(asked)}"
        answer = self.ask(request("GET", path, Cookie=f"__Host-session={token}"))
        code = parse_qs(urlsplit(answer.header("location")).query)["code"][0]
        fields = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
        given: dict[str, str] = json.loads(self.ask(self.form("/oauth/token", redirect_uri=CALLBACK, **fields)).body)
        return given

    def form(self, path: str, **fields: str) -> bytes:
        """A request of the OAuth client."""
        by = basic(*self.client)
        return request("POST", path, body=urlencode(fields).encode(), Authorization=by, Content_Type=FORM)

    def _texts(self, asked: list[bytes], pattern: bytes) -> list[str]:
        found: list[str] = []

        def keep(answer: Answer) -> bool:
            text = re.search(pattern, answer.body)
            if text:
                found.append(text[1].decode())
            return text is not None

        supply = iter(asked)
        measured = drive(self.server.address, [each_once(supply)] * CONNECTIONS, 120, keep)
        if measured.wrong:
            raise Failed(f"{asked[0][:60]!r}: {measured.wrong} of {len(asked)} were refused")
        return found


def call(method: str, path: str, bearer: str, body: object = None) -> bytes:
    """A request of the API by the holder of a token."""
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    if body is None:
        return request(method, path, **headers)
    return request(method, path, body=json.dumps(body).encode(), Content_Type=JSON, **headers)


@contextlib.contextmanager
def world(python: str, database_url: str, directory: Path) -> Iterator[World]:
    """A server by the interpreter of an environment that has Ostiary, on an empty database."""
    directory.mkdir()
    environment = {
        **os.environ, "OSTIARY_DATABASE_URL": database_url, "OSTIARY_KEY": KEY, "OSTIARY_LOG_LEVEL": "warning",
        "OSTIARY_PASSWORD": PASSWORD, "OSTIARY_PASSWORD_MEMORY_KIB": "19456", "OSTIARY_PASSWORD_TIME_COST": "2",
    }  # fmt: skip
    environment.pop("PYTHONPATH", None)
    for words in (["migrate"], ["user", "add", "root", "--admin"]):
        command = [python, "-m", "ostiary", *words, "--database-url", database_url]
        done = subprocess.run(command, env=environment, cwd=directory, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Failed(f"{python}: {done.stderr.strip()[-300:]}")
    counted = directory / "counted"
    command = [python, str(COUNTED), str(counted), "serve", "--port", "0"]
    with running(command, environment, directory, directory / "server.log") as server:
        yield World(server, counted)
