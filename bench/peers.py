"""The peers: what people would pick instead, each in a folder of its own under `peers/`.

A folder has `peer.toml`, a server, and its parts pinned in `package.json` or `requirements.txt`; they are installed on
demand into a directory that is not committed. The server is given its store in the environment, makes its users, and
writes to the file named by BENCH_PLAN what is to be asked of it:

    {"works": {"verify": [{"path": "/me", "headers": {"Cookie": "…"}, "expect": "…"}, …]},
     "races": [{"ask": {…}, "revoke": {…}}, …]}

Then it says where it listens. What cannot be had here is skipped, with the reason in the table.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.contender import HERE, Contender, Race, Work
from bench.running import Failed, running
from bench.stores import postgres_database, redis
from bench.wire import request

PEERS = HERE / "peers"
INSTALLED = HERE.parent / ".bench"
STAMP = "installed-from"


@dataclass(frozen=True)
class Peer:
    """One form of one peer.

    Attributes:
        needs: `postgresql`, `redis`, both, or `file`.
    """

    name: str
    store: str
    folder: Path
    command: tuple[str, ...]
    needs: str
    environment: dict[str, str]
    note: str

    @contextlib.contextmanager
    def start(self, postgres: str, directory: Path) -> Iterator[Contender]:
        """Install it if need be, make its store, start it."""
        home = install(self.folder)
        with contextlib.ExitStack() as stack:
            own = directory / f"{self.name} {self.store}".replace(" ", "-").replace("(", "").replace(")", "")
            own.mkdir()
            plan = own / "plan.json"
            environment = {
                **os.environ,
                "BENCH_PLAN": str(plan),
                "BENCH_FILE": str(own / "store.db"),
                "NODE_ENV": "production",
                "PATH": f"{home}/node_modules/.bin:{home}/venv/bin:{os.environ['PATH']}",
                "PYTHONPATH": str(home),
                **self.environment,
            }
            if "postgresql" in self.needs:
                environment["BENCH_POSTGRES"] = stack.enter_context(postgres_database(postgres))
            if "redis" in self.needs:
                environment["BENCH_REDIS"] = stack.enter_context(redis(own))
            server = stack.enter_context(running(self.command, environment, home, own / "log"))
            planned = json.loads(plan.read_text())
            works = [
                Work(name, [_bytes(one) for one in asked], [one["expect"].encode() for one in asked])
                for name, asked in planned["works"].items()
            ]
            races = [Race(_bytes(one["ask"]), _bytes(one["revoke"])) for one in planned.get("races", [])]
            yield Contender(self.name, self.store, self.note, server, works, races)


def _bytes(asked: dict[str, Any]) -> bytes:
    headers = {name.replace("-", "_"): value for name, value in asked.get("headers", {}).items()}
    return request(asked.get("method", "GET"), asked["path"], body=asked.get("body", "").encode(), **headers)


def peers() -> list[Peer]:
    """All of them, as their folders tell."""
    found = []
    for file in sorted(PEERS.glob("*/peer.toml")):
        told = tomllib.loads(file.read_text())
        for form in told["form"]:
            found.append(
                Peer(
                    form.get("name", told["name"]), form["store"], file.parent,
                    tuple(form.get("command") or told["command"]),
                    form["needs"], form.get("environment", {}), form.get("note", told.get("note", "")),
                )
            )  # fmt: skip
    return sorted(found, key=lambda peer: tuple(PREFERRED).index(peer.name) if peer.name in PREFERRED else 99)


PREFERRED = (
    "better-auth",
    "express-session",
    "fastapi-users",
    "starsessions",
    "Django",
    "django-allauth",
    "oidc-provider",
)


def install(folder: Path) -> Path:
    """The peer with its parts, in a directory that is made when what it is made from has changed. Raises Failed."""
    home = INSTALLED / folder.name
    sources = sorted(path for path in folder.rglob("*") if path.is_file())
    stamp = hashlib.sha256(b"".join(path.name.encode() + path.read_bytes() for path in sources)).hexdigest()
    parts = hashlib.sha256(
        b"".join(path.read_bytes() for path in sources if path.name in ("package.json", "requirements.txt"))
    ).hexdigest()
    home.mkdir(parents=True, exist_ok=True)
    mark = home / STAMP
    if not mark.exists() or mark.read_text() != parts:
        _install_parts(folder, home)
        mark.write_text(parts)
    source_mark = home / "copied-from"
    if not source_mark.exists() or source_mark.read_text() != stamp:
        shutil.copytree(folder, home, dirs_exist_ok=True)
        source_mark.write_text(stamp)
    return home


def _install_parts(folder: Path, home: Path) -> None:
    print(f"installing {folder.name} …", file=sys.stderr, flush=True)
    if (folder / "package.json").exists():
        if shutil.which("npm") is None:
            raise Failed("no npm here (Debian: apt-get install nodejs npm)")
        shutil.copy(folder / "package.json", home)
        # With scripts: the runtimes that come as packages fetch their program in one.
        _run(["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"], home)
    if (folder / "requirements.txt").exists():
        _run([sys.executable, "-m", "venv", "--clear", str(home / "venv")], home)
        _run(
            [str(home / "venv/bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
             "--only-binary=:all:", "-r", str(folder / "requirements.txt")], home,
        )  # fmt: skip


def _run(command: list[str], cwd: Path) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=600)
    if done.returncode:
        lines = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        raise Failed(f"could not be installed: {' / '.join(lines[-2:])[-240:]}")
