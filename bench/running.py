"""A server on its core: started, looked at from outside (CPU, memory), stopped with all that it started."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE = CORES[0]
LOAD_CORES = CORES[1:] or CORES
READY = re.compile(r"http://[\d.]+:\d+")
START_TIMEOUT = 180.0  # seconds; peers make their users first, with slow hashes
TICKS = os.sysconf("SC_CLK_TCK")


class Failed(Exception):
    """A contender that could not do its part: why, in one line."""


class Running:
    """One server process and its children.

    Attributes:
        url: where it listens.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], cwd: Path, log: Path) -> None:
        """Start it on the server's core, and wait until it says where it listens."""
        self._log = log
        cores = ",".join(map(str, CORES[: int(environment.get("BENCH_SERVER_CORES", "1"))]))
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                ["taskset", "-c", cores, *command],
                env=dict(environment), cwd=cwd, stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + START_TIMEOUT
        while (found := READY.search(log.read_text(errors="replace"))) is None:
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise Failed(f"did not start: {self.last_words()}")
            time.sleep(0.05)
        self.url = found[0]
        self.address = (found[0].split("/")[2].split(":")[0], int(found[0].rsplit(":", 1)[1]))

    def last_words(self) -> str:
        lines = [line.strip() for line in self._log.read_text(errors="replace").splitlines() if line.strip()]
        return " / ".join(lines[-3:])[-300:] or "nothing was said"

    def cpu_seconds(self) -> float:
        """Of the whole tree so far, children that have ended included."""
        return sum(_cpu(pid) for pid in self._tree())

    def memory_mib(self) -> float:
        """Proportional set size of the tree: what it takes from the machine, shared pages shared out."""
        return sum(_pss_kib(pid) for pid in self._tree()) / 1024

    def _tree(self) -> list[int]:
        found, waiting = [], [self._process.pid]
        while waiting:
            pid = waiting.pop()
            found.append(pid)
            with contextlib.suppress(OSError):
                for task in Path(f"/proc/{pid}/task").iterdir():
                    waiting += map(int, (task / "children").read_text().split())
        return found

    def stop(self) -> None:
        """End it and all that it started: they are in a session of their own."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(8)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(8)


def _cpu(pid: int) -> float:
    """Of the process by its own clock, to the nanosecond; of its children that have ended, in ticks (proc(5))."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        own = time.clock_gettime(~pid << 3 | 2)  # clock_getcpuclockid(3), which Python has for threads only
    except OSError:
        return 0.0
    return own + sum(int(ticks) for ticks in fields[13:15]) / TICKS


def _pss_kib(pid: int) -> int:
    try:
        found = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M)
    except OSError:
        return 0
    return int(found[1]) if found else 0


@contextlib.contextmanager
def running(command: Sequence[str], environment: Mapping[str, str], cwd: Path, log: Path) -> Iterator[Running]:
    server = Running(command, environment, cwd, log)
    try:
        yield server
    finally:
        server.stop()


def machine() -> str:
    """What it was measured on, in one line."""
    model = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.M)
    memory = re.search(r"^MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text(), re.M)
    parts = [
        f"{len(CORES)} cores ({model[1].strip() if model else os.uname().machine})",
        f"{int(memory[1]) / 2**20:.0f} GiB" if memory else "",
        f"{os.uname().sysname} {os.uname().release.split('-')[0]}",
        f"Python {'.'.join(map(str, sys.version_info[:3]))}",
    ]
    return ", ".join(part for part in parts if part)
