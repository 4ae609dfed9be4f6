"""The pure rules: tokens, durations, clients, settings."""

from __future__ import annotations

import hashlib
import string
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core import token
from ostiary.core.client import describe, seen
from ostiary.core.duration import format_duration, parse_duration
from ostiary.core.policy import PRESETS, Policy
from ostiary.errors import ConfigurationError, OstiaryError
from ostiary.settings import Settings, load
from tests.support.people import CHROME, FIREFOX, IPHONE


def test_a_token_has_a_public_id_and_256_random_bits():
    made = token.mint("sess")
    assert made.id.startswith("sess_")
    assert len(made.id) == len("sess_") + 26
    assert set(made.id[5:]) <= set(string.ascii_lowercase + "234567")
    assert len(made.secret) == 43
    assert made.digest == hashlib.sha256(made.secret.encode()).digest()
    assert token.parse(made.text) == made
    assert made.secret not in repr(made)
    assert made.matches(made.digest)
    assert not made.matches(None)
    assert not made.matches(token.mint("sess").digest)


@pytest.mark.parametrize("prefix", ["sess", "ost", "user", "setup", "client", "code", "ort", "key", "plan"])
def test_each_kind_is_told_by_its_prefix(prefix):
    """ASVS 5.0 9.2.2: none is ever taken for another."""
    made = token.mint(prefix)
    assert (token.parse(made.text) is not None) is (prefix in {"sess", "ost", "setup", "client", "code", "ort"})
    assert token.is_id(made.id) is (prefix in {"sess", "ost", "user", "client", "ort", "key", "plan"})
    assert token.is_session_token(made.text) is (prefix == "sess")
    assert not token.is_session_token(made.id) and not token.is_id(made.text)
    assert token.mint(prefix, made.id).id == made.id


def test_100_000_tokens_have_no_twin_and_no_bias():
    """ASVS 5.0 7.2.3: unique, and every bit as often set as not."""
    made = [token.mint("sess") for _ in range(100_000)]
    assert len({one.id for one in made}) == len({one.secret for one in made}) == 100_000
    letters = "".join(one.secret[:42] for one in made)
    expected = len(letters) / 64
    chi_square = sum((letters.count(c) - expected) ** 2 / expected for c in string.ascii_letters + string.digits + "-_")
    assert chi_square < 140  # 63 degrees of freedom: p is about 1e-7


@given(st.text(max_size=200))
def test_whatever_a_client_sends_is_read_or_refused(text):
    found = token.parse(text)
    assert found is None or found.text == text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1h0m0s", 3600),
        ("4h30m", 16200),
        ("1.5h", 5400),
        ("90s", 90),
        (".5h", 1800),
        ("+1m", 60),
        ("1h1h", 7200),
        ("2.s", 2),
    ],
)
def test_durations_as_go_writes_them(text, seconds):
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "0s",
        "-1h",
        "1",
        "h",
        "1d",
        "1 h",
        "1h ",
        "1h-1m",
        "1ms",
        "1e3s",
        "٣h",
        "9" * 40 + "h",
        "+",
        "++1h",
        "1H",
        "1h\n",
    ],
)
def test_what_is_no_duration_is_refused_in_words(text):
    with pytest.raises(ValueError, match=r"duration|positive"):
        parse_duration(text)


@given(st.integers(1, 3_000_000))
def test_a_written_duration_reads_back(seconds):
    span = timedelta(seconds=seconds)
    assert parse_duration(format_duration(span)) == span


@pytest.mark.parametrize(
    ("agent", "name", "kind"),
    [
        (FIREFOX, "Firefox on Linux", "desktop"),
        (CHROME, "Chrome on Windows", "desktop"),
        (IPHONE, "Mobile Safari on iOS", "phone"),
        ("curl/8.5.0", "curl", "cli"),
        ("ostiary/0.1.0 (Linux)", "Ostiary command line", "cli"),
        (
            "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36",
            None,
            "phone",
        ),
        (
            "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile/1 Safari/604.1",
            None,
            "tablet",
        ),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", None, "service"),
        ("\x1b[31mevil\n", "Unknown device", "unknown"),
        (None, "Unknown device", "unknown"),
        ("", "Unknown device", "unknown"),
    ],
)
def test_what_a_person_calls_an_agent(agent, name, kind):
    described = describe(agent)
    assert described.kind == kind
    assert name is None or described.name == name


@given(st.text(max_size=700), st.text(max_size=60))
def test_whatever_a_client_says_of_itself_is_bounded(agent, ip):
    client = seen(ip, agent)
    assert client.user_agent is None or len(client.user_agent) <= 512
    assert "\0" not in (client.user_agent or "")
    describe(client.user_agent)


def test_presets_keep_to_the_limits_of_their_source():
    assert PRESETS["nist-aal1"].lifetime <= timedelta(days=30)
    assert PRESETS["nist-aal2"].lifetime <= timedelta(hours=24)
    assert (PRESETS["nist-aal2"].idle_timeout or timedelta.max) <= timedelta(hours=1)
    assert PRESETS["nist-aal3"].lifetime <= timedelta(hours=12)
    assert (PRESETS["nist-aal3"].idle_timeout or timedelta.max) <= timedelta(minutes=15)
    assert all(policy.source for policy in PRESETS.values())


@pytest.mark.parametrize(
    ("least", "step"),
    [
        ({"lifetime": timedelta(microseconds=1)}, timedelta(microseconds=1)),
        ({"idle_timeout": timedelta(minutes=2)}, timedelta(microseconds=1)),
        ({"max_sessions": 1}, 1),
    ],
)
def test_a_policy_that_cannot_be_kept_is_refused(least, step):
    whole = {"name": "x", "source": "y", "lifetime": timedelta(hours=1)}
    Policy(**(whole | least))
    with pytest.raises(ValueError, match="must be"):
        Policy(**(whole | {name: value - step for name, value in least.items()}))


def test_settings_argument_beats_environment_beats_file_beats_default(tmp_path):
    file = tmp_path / "ostiary.toml"
    file.write_text('port = 1\nhost = "10.0.0.1"\npolicy = "nist-aal2"\n')
    found = load({"port": 3, "host": None}, {"OSTIARY_PORT": "2", "OSTIARY_HOST": "10.0.0.2", "OTHER": "x"}, file)
    assert (found.settings.port, found.sources["port"]) == (3, "argument")
    assert (found.settings.host, found.sources["host"]) == ("10.0.0.2", "environment")
    assert (found.settings.policy, found.sources["policy"]) == ("nist-aal2", "file")
    assert (found.settings.workers, found.sources["workers"]) == (1, "default")


@pytest.mark.parametrize(
    ("environ", "match"),
    [
        ({"OSTIARY_PORT": "x"}, r"port \(from environment\): must be a whole number"),
        ({"OSTIARY_PORT": "99999"}, "port"),
        ({"OSTIARY_POLICY": "lax"}, "policy.*must be one of"),
        ({"OSTIARY_IDLE_TIMEOUT": "10s"}, "idle_timeout must be at least"),
        ({"OSTIARY_LIFETIME": "-1h"}, "lifetime"),
        ({"OSTIARY_TRUSTED_PROXIES": "10.0.0.0/33"}, "trusted_proxies"),
        ({"OSTIARY_PUBLIC_URL": "auth.example.org"}, "public_url"),
        ({"OSTIARY_PUBLIC_URL": "https://a.example/path"}, "public_url"),
    ],
)
def test_a_wrong_setting_says_which_and_from_where(environ, match):
    with pytest.raises(ConfigurationError, match=match):
        load(environ=environ)


@pytest.mark.parametrize(("text", "match"), [("prot = 1", "unknown setting 'prot'"), ("port = ", "not valid TOML")])
def test_a_settings_file_that_is_wrong_says_where(tmp_path, text, match):
    file = tmp_path / "ostiary.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=match):
        load(environ={}, file=file)


def test_limits_change_the_preset():
    policy = Settings(policy="nist-aal2", lifetime=timedelta(hours=2), max_sessions=3, at_limit="deny").session_policy()
    assert (policy.lifetime, policy.idle_timeout) == (timedelta(hours=2), timedelta(hours=1))
    assert (policy.max_sessions, policy.at_limit) == (3, "deny")


def test_every_error_has_a_code_of_its_own_and_stands_in_the_tree():
    import ostiary.errors as module

    def below(kind):
        return [kind, *(each for child in kind.__subclasses__() for each in below(child))]

    errors = [kind for kind in below(OstiaryError) if kind.__module__ == module.__name__]
    codes = [kind.code for kind in errors]
    assert len(codes) == len(set(codes))
    tree = module.__doc__
    assert [kind.__name__ for kind in errors if kind.__name__ not in tree] == []
