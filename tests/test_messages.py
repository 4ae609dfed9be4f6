"""What `git commit` is asked before it takes a message."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GOOD = {
    "a body": "Feed: a hole is forgotten\n\nIt was looked into.\n",
    "72 characters": f"{'a' * 72}\n\nWhy.\n",
    "what git adds": "First\n\nWhy.\n# Please enter the commit message\n# ------------------------ >8 ----\n"
    + "x" * 80,
    "a merge": "Merge list mine\n",
    "of a rebase": "fixup! Feed: a hole is forgotten\n",
}
BAD = {
    "73 characters": (f"{'a' * 73}\n\nWhy.\n", "73 characters"),
    "no body": ("Feed: a hole is forgotten\n", "a body is missing"),
    "a body of comments": ("Feed: a hole\n\n# On branch main\n", "a body is missing"),
    "no empty line": ("Feed: a hole\nis forgotten\n", "an empty line is missing"),
    "nothing": ("", "a body is missing"),
}


def commit(at: Path, text: str) -> subprocess.CompletedProcess[str]:
    """In a repository whose hooks are ours."""
    (at / "dev.py").symlink_to(ROOT / "dev.py")
    who = {f"GIT_{one}_{what}": "ada@example.org" for one in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | who
    subprocess.run(["git", "init", "-q", at], check=True, env=environment)
    subprocess.run(["git", "-C", at, "config", "core.hooksPath", ROOT / ".githooks"], check=True, env=environment)
    return subprocess.run(
        ["git", "-C", at, "commit", "-q", "--allow-empty", "--cleanup=scissors", "-F", "-"],
        input=text, capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_a_message_that_says_why_is_taken(tmp_path, name):
    done = commit(tmp_path, GOOD[name])
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", BAD)
def test_another_is_refused_with_the_reason(tmp_path, name):
    text, why = BAD[name]
    done = commit(tmp_path, text)
    assert done.returncode != 0
    assert not text or why in done.stderr
