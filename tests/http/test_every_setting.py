"""Every setting reaches every worker: asked of the fields of `Settings`, so that what is added later is held, too."""

from __future__ import annotations

import json
import re
from dataclasses import MISSING, fields, replace
from datetime import timedelta
from typing import Any

import pytest

from ostiary.core.gateway import Rule
from ostiary.http.serving import to_environment
from ostiary.settings import Settings, load
from tests.support.people import PASSWORD
from tests.support.processes import CommandLine, serving

RULES = (
    Rule(
        "wiki", hosts=("wiki.example.org",), roles=("member", "admin"), tenant="north, \"south\"",
        credentials=("browser", "token"), max_sign_in_age=timedelta(hours=1, microseconds=1),
    ),
    Rule("shop"),
)  # fmt: skip
SAMPLES: dict[str, Any] = {  # where nothing of the list below is a value
    "gateway_rules": RULES,
    "database_url": "postgresql://user:p%2C=%20%27@host:5432/na,me",
    "key": "B" * 42 + "A",
    "metrics_address": "127.0.0.1:9464",
}
TRIED = (
    *("true", "false", "61s", "90m", "25h", "48h", "7", "100", "200000", "none", "https://auth.example.org"),
    *(
        "192.0.2.0/24, 2001:db8::/32",
        "https://a.example.org https://b.example.org",
        "example.org",
        "a file, with = in it",
    ),
)


def another(row) -> Any:
    """A value of a setting that is not its default: found by its own parser, so that no list has to be kept."""
    default = row.default if row.default is not MISSING else row.default_factory()
    if row.name in SAMPLES:
        return SAMPLES[row.name]
    words = list(TRIED)
    try:
        row.metadata["parse"]("no such word")
    except (ValueError, TypeError) as why:
        words = re.findall(r"[\w-]+", str(why).partition("one of ")[2]) + words
    for word in words:
        try:
            found = row.metadata["parse"](word)
        except (ValueError, TypeError):
            continue
        if found not in (default, None):
            return found
    raise AssertionError(f"no value of {row.name} is known: add one to SAMPLES")


@pytest.mark.parametrize("name", [row.name for row in fields(Settings)])
def test_a_worker_reads_the_value_that_the_first_process_had(name):
    row = next(row for row in fields(Settings) if row.name == name)
    value = another(row)
    given = replace(Settings(), **{name: value})
    assert given != Settings()
    text = to_environment(given)[f"OSTIARY_{name.upper()}"]
    assert row.metadata["parse"](text) == value


def test_all_of_them_at_once_as_load_reads_them():
    values = {row.name: another(row) for row in fields(Settings)}
    values |= {
        "public_url": "https://auth.example.org", "cookie_domain": "example.org",
        "return_addresses": ("https://a.example.org",), "policy": "default",
        "lifetime": timedelta(days=3), "idle_timeout": timedelta(days=2), "browser_idle": timedelta(days=1, hours=1),
    }  # fmt: skip
    given = Settings(**values)
    assert load(environ=to_environment(given)).settings == given


def test_defaults_and_an_empty_file_are_read_back_too():
    assert load(environ=to_environment(Settings())).settings == Settings()


def test_two_workers_serve_by_the_rules_of_the_file(tmp_path):
    url = f"sqlite:///{tmp_path / 'ostiary.db'}"
    CommandLine(tmp_path).ok("user", "add", "ada", "--password-stdin", "--database-url", url, stdin=PASSWORD)
    (tmp_path / "ostiary.toml").write_text(
        '[[gateway_rules]]\napplication = "wiki"\nroles = ["member"]\nmax_sign_in_age = "1h"\n'
        '[[gateway_rules]]\napplication = "vault"\nroles = ["admin"]\n'
    )
    with serving(url, tmp_path, "--workers", "2") as server:
        _, token = server.sign_in("ada")
        for _ in range(8):  # whichever worker answers
            answers = [server.get(f"/verify?app={name}", bearer=token)[0] for name in ("wiki", "vault", "other")]
            assert answers == [200, 403, 403], json.dumps(answers)
