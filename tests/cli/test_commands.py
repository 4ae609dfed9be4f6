"""What holds for every command: help with an example, global options on both sides, usage errors, plain words."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from ostiary.cli import COMMANDS, root
from ostiary.cli.output import FORMATS

DOCUMENTED = {
    *("serve", "login", "logout", "whoami", "doctor", "migrate", "purge", "completion"),
    *("session list", "session revoke", "session revoke-others", "session revoke-all"),
    *("token list", "token create", "token revoke", "token rotate", "token validate"),
    *("auth-session login", "auth-session logout", "auth-session revoke", "auth-session list", "verifier list"),
    *("user add", "user list", "user show", "user disable", "user enable", "user passwd", "user delete"),
    *("user export", "user erase"),
    *("client add", "client list", "client show", "client rotate-secret", "client remove"),
    *("resource add", "resource list", "resource show", "resource remove"),
    *("event list", "event tail", "event export", "event verify", "event checkpoint", "event receipt"),
    *("admin session list", "admin session plan", "admin session revoke", "admin session apply", "admin session undo"),
    *("admin session plans", "admin neutralise"),
    *("keys rotate", "keys generate"),
    *("profile list", "profile show", "profile use", "profile remove"),
}


def commands() -> dict[str, click.Command]:
    found: dict[str, click.Command] = {}
    context = click.Context(root)
    for name in COMMANDS:
        command = root.get_command(context, name)
        assert command is not None
        found |= inside(name, command)
    return found


def inside(name: str, command: click.Command) -> dict[str, click.Command]:
    """The command itself, or all that are further in."""
    if not isinstance(command, click.Group):
        return {name: command}
    found: dict[str, click.Command] = {}
    for verb, inner in command.commands.items():
        found |= inside(f"{name} {verb}", inner)
    return found


def test_every_documented_command_is_there():
    assert set(commands()) == DOCUMENTED


@pytest.mark.parametrize("name", sorted(DOCUMENTED))
def test_every_command_says_what_it_does_with_an_example(name):
    command = commands()[name]
    with click.Context(command, info_name=name) as context:
        text = command.get_help(context)
    assert "Examples:" in text
    assert f"ostiary {name}" in text
    assert "--format" in text or name == "serve"
    assert all(line.isprintable() for line in text.splitlines())


def test_help_of_the_whole_lists_every_noun_and_imports_none(alone):
    listed = alone.ok("--help")
    assert all(f"  {name} " in listed for name in COMMANDS)
    loaded = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "ostiary", "--help"], capture_output=True, text=True, check=True
    ).stderr
    for module in ("ostiary.cli.session", "ostiary.settings", "http.client", "json", "yaml", "sqlalchemy", "msgspec"):
        assert f" {module}\n" not in loaded


def test_a_listing_imports_no_framework():
    loaded = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "ostiary", "session", "list", "--server", "http://127.0.0.1:1"],
        capture_output=True,
        text=True,
        env={**os.environ, "OSTIARY_TOKEN": "sess_x.y"},
        check=False,
    ).stderr
    assert " httptools\n" in loaded
    for module in (
        "http.client",
        "email",
        "ssl",
        "hashlib",
        "encodings.idna",
        "msgspec",
        "sqlalchemy",
        "litestar",
        "httpx2",
        "yaml",
        "csv",
        "tomllib",
        "ostiary.settings",
        "asyncio",
    ):
        assert f" {module}\n" not in loaded


@pytest.mark.parametrize(
    "words",
    [
        ("session", "list", "--format", "xml"),
        ("--format", "xml", "session", "list"),
        ("session", "list", "--nonsense"),
        ("session", "nonsense"),
        ("nonsense",),
        ("session", "revoke"),
        ("session", "list", "--warn-stale-days", "many"),
        ("whoami", "extra"),
        ("whoami", "--server", "nonsense"),
        ("whoami", "--profile", "no such name"),
        ("token", "create", "ci", "--force"),
        ("token", "create", "ci", "--expires-in", "0h"),
        ("auth-session", "login", "x", "--expire-after", "1d"),
        ("auth-session", "list", "--status", "gone"),
        ("auth-session", "list", "--limit", "0"),
        ("completion", "tcsh"),
    ],
)
def test_a_usage_error_is_one_line_and_exit_2(alone, words):
    alone.environment["OSTIARY_TOKEN"] = "sess_x.y"
    done = alone(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


def test_bytes_that_are_no_text_are_a_usage_error(alone):
    done = subprocess.run(
        [sys.executable, "-m", "ostiary", "user", "show", b"\xff\x1b[2J"],
        capture_output=True, env=alone.environment, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith(b'error: "\\udcff\\x1b[2J" is not UTF-8')


def test_an_unknown_format_lists_the_known_ones(alone):
    done = alone("whoami", "--format", "xml")
    assert all(form in done.stderr for form in FORMATS)


def test_a_noun_alone_shows_its_help_and_is_a_usage_error(alone):
    done = alone("session")
    assert done.returncode == 2
    assert "revoke-others" in done.stderr


@pytest.mark.parametrize("words", [("whoami", "--format", "json"), ("--format", "json", "whoami")])
def test_global_options_stand_on_either_side_and_a_machine_format_gets_the_problem(alone, words):
    done = alone(*words)
    assert done.returncode == 4
    first, second = done.stderr.splitlines()
    assert first == "error: not signed in to http://127.0.0.1:8420; run 'ostiary login'"
    assert '"code": "no_credentials"' in second


def test_what_stands_further_right_wins(alone):
    done = alone("--server", "http://127.0.0.1:1", "whoami", "--server", "http://127.0.0.1:2")
    assert "http://127.0.0.1:2;" in done.stderr


def test_a_malformed_configuration_file_stops_what_needs_it_and_nothing_else(alone):
    path = alone.home / "config" / "ostiary" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text("[profiles\n")
    said = f"error: {path} is not valid TOML (line 1); fix or remove it\n"
    for words in (("whoami",), ("login", "--username", "x"), ("profile", "list"), ("logout",)):
        done = alone(*words)
        assert (done.returncode, done.stderr) == (2, said)
    assert alone("--help").returncode == 0
    assert alone("completion", "bash").returncode == 0
    assert path.read_text() == "[profiles\n"


def test_ctrl_c_anywhere_is_aborted(alone):
    process = subprocess.Popen(
        [sys.executable, "-m", "ostiary", "login", "--username", "x", "--password-stdin"],
        stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=alone.environment, text=True,
    )  # fmt: skip
    assert process.stdin is not None
    try:
        time.sleep(1)  # until it reads stdin; no event tells
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 1
    assert said.strip() == "aborted"


def test_a_reader_that_leaves_early_is_no_error(alone):
    done = subprocess.run(
        f"{sys.executable} -m ostiary --help | true; {sys.executable} -m ostiary completion bash | head -1",
        shell=True, capture_output=True, text=True, env=alone.environment, check=False,
    )  # fmt: skip
    assert done.stderr == ""


def test_a_full_disk_is_an_error(alone):
    device = Path("/dev/full")
    if not device.exists():
        pytest.skip("no /dev/full")
    with device.open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "ostiary", "completion", "bash"],
            stdout=full, stderr=subprocess.PIPE, text=True, env=alone.environment, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


def test_a_terminal_that_knows_only_ascii_gets_escapes_instead_of_a_crash(alone):
    alone.environment["PYTHONIOENCODING"] = "ascii"
    assert alone("user", "--help").returncode == 0
    assert alone("--help").returncode == 0


def coloured(alone, *words: str, **environment: str) -> bool:
    """Whether stderr has colour when it is a terminal."""
    master, slave = pty.openpty()
    subprocess.run(
        [sys.executable, "-m", "ostiary", *words],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=slave,
        env={**alone.environment, "TERM": "xterm", **environment}, check=False,
    )  # fmt: skip
    os.close(slave)
    text = os.read(master, 65536)
    os.close(master)
    return b"\x1b[" in text


def test_colour_is_for_terminals_and_can_be_refused(alone):
    assert coloured(alone, "whoami")
    assert not coloured(alone, "whoami", "--no-color")
    assert not coloured(alone, "whoami", NO_COLOR="1")
    assert not coloured(alone, "whoami", TERM="dumb")
    assert "\x1b[" not in alone("whoami").stderr


def test_an_unexpected_error_shows_no_traceback_unless_asked(alone):
    alone.environment["OSTIARY_CONFIG"] = "\udcff"  # no such encoding
    broken = alone.home / "sitecustomize.py"
    broken.write_text(
        "import ostiary.cli.whoami as w\ndef boom(*a): raise RuntimeError('inside')\nw.whoami.callback = boom\n"
    )
    alone.environment["PYTHONPATH"] = str(alone.home)
    done = alone("whoami")
    assert done.returncode == 7
    assert done.stderr.startswith("error: this should not have happened (RuntimeError); ")
    assert "Traceback" not in done.stderr
    assert "Traceback" in alone("whoami", "--verbose").stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_the_shells_script(alone, shell):
    assert "_OSTIARY_COMPLETE" in alone.ok("completion", shell)


def test_completion_completes(alone):
    alone.environment |= {"_OSTIARY_COMPLETE": "bash_complete", "COMP_WORDS": "ostiary session rev", "COMP_CWORD": "2"}
    assert alone.ok().split() == ["plain,revoke", "plain,revoke-all", "plain,revoke-others"]
