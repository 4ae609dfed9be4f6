"""How long `ostiary session list` takes, from the command to its table, beside the least that Python can do.

That is a new process which makes the same HTTP call by the standard library and prints the answer.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.running import LOAD_CORES, Running

BARE = """
import http.client, sys
connection = http.client.HTTPConnection(sys.argv[1])
connection.request("GET", "/api/v1/auth/sessions", headers={"Authorization": "Bearer " + sys.argv[2]})
print(connection.getresponse().read().decode())
"""


def ratio(server: Running, username: str, password: str, token: str, rounds: int) -> float:
    """The command's time by that of the bare process, which has a token: medians of `rounds`, interleaved."""
    host, port = server.address
    with tempfile.TemporaryDirectory() as home:
        environment = {
            **os.environ, "HOME": home, "OSTIARY_CONFIG": str(Path(home, "config.toml")), "OSTIARY_PASSWORD": password,
        }  # fmt: skip
        # An installer compiles what it installs. Where the environment of a checkout forbids it, the command would
        # compile our modules at each start, while the bare process has nothing to compile.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        ostiary = [str(Path(sys.executable).with_name("ostiary"))]  # as it was installed
        _run([*ostiary, "login", "--server", server.url, "--username", username], environment)
        command, bare = [*ostiary, "session", "list"], [sys.executable, "-c", BARE, f"{host}:{port}", token]
        times: dict[int, list[float]] = {0: [], 1: []}
        for number in range(rounds + 1):
            for place, words in enumerate((command, bare)):
                began = time.perf_counter()
                _run(words, environment)
                if number:  # the first one reads files that are not in memory yet
                    times[place].append(time.perf_counter() - began)
    return statistics.median(times[0]) / statistics.median(times[1])


def _run(words: Sequence[str], environment: Mapping[str, str]) -> None:
    cores = ",".join(map(str, LOAD_CORES))
    done = subprocess.run(["taskset", "-c", cores, *words], env=dict(environment), capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words[2:4])} failed: {done.stderr.decode()[-200:]}")
