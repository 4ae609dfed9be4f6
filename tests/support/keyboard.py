"""A person at a terminal: a process whose stdin and stderr are a pseudo-terminal, and what they type."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from dataclasses import dataclass

from tests.support.processes import CommandLine

PATIENCE = 30.0  # seconds for a question to appear


@dataclass(frozen=True)
class Seen:
    """What a command left behind; `screen` is what a person saw on stderr, their own typing included."""

    exit_code: int
    stdout: str
    screen: str


def at_terminal(ostiary: CommandLine, *words: str, answers: list[tuple[str, str]]) -> Seen:
    """Run a command and answer its questions.

    Args:
        answers: what to wait for on the screen, and what to type then.
    """
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "ostiary", *words],
        stdin=slave,
        stdout=subprocess.PIPE,
        stderr=slave,
        env=ostiary.environment,
        cwd=ostiary.home,
        start_new_session=True,  # so that no other terminal is found, as /dev/tty
    )
    os.close(slave)
    screen = ""
    for question, answer in answers:
        screen += _read_until(master, screen, question)
        os.write(master, answer.encode())
    stdout, _ = process.communicate(timeout=PATIENCE)
    screen += _read_rest(master)
    os.close(master)
    return Seen(process.returncode, stdout.decode(), screen.replace("\r\n", "\n"))


def _read_until(master: int, before: str, question: str) -> str:
    read = ""
    deadline = time.monotonic() + PATIENCE
    while question not in read:
        ready, _, _ = select.select([master], [], [], deadline - time.monotonic())
        if not ready:
            raise AssertionError(f"{question!r} was not asked; on the screen: {before + read!r}")
        read += _read(master)
    return read


def _read_rest(master: int) -> str:
    read = ""
    while part := _read(master):
        read += part
    return read


def _read(master: int) -> str:
    try:
        return os.read(master, 65536).decode()
    except OSError:  # the other end is closed
        return ""
