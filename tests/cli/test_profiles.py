"""The configuration file: private, replaced in one step, never lost, and its credential goes nowhere else."""

from __future__ import annotations

import os
import stat
import threading
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.cli.config_file import read, rewrite
from ostiary.cli.failures import USAGE, Failure
from ostiary.cli.profiles import Profile, check_name, load, remove, store, use

SECRET = "sess_abc.secret"


@pytest.fixture
def path(tmp_path, monkeypatch) -> Path:
    monkeypatch.delenv("OSTIARY_CONFIG", raising=False)
    directory: Path = tmp_path / "ostiary"
    return directory / "config.toml"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def stored(path: Path, name: str = "default", **changes: object) -> Profile:
    profile = Profile(name, "https://a.example", "ada", SECRET, "https://a.example:443")
    values = {field: changes.get(field, getattr(profile, field)) for field in Profile.__slots__}
    store(str(path), Profile(**values))  # type: ignore[arg-type]
    return Profile(**values)  # type: ignore[arg-type]


def test_what_is_stored_is_read_back(path):
    profile = stored(path)
    assert load(str(path)).get("default") == profile


def test_a_missing_file_holds_nothing(path):
    assert load(str(path)).known == {}
    assert load(str(path)).current == "default"


def test_directory_and_file_are_private(path):
    stored(path)
    assert mode(path) == 0o600
    assert mode(path.parent) == 0o700


def test_wider_permissions_are_tightened_when_it_is_read_and_when_it_is_written(path):
    stored(path)
    path.chmod(0o644)
    path.parent.chmod(0o755)
    load(str(path))
    assert mode(path) == 0o600
    stored(path)
    assert mode(path.parent) == 0o700


def test_a_directory_that_is_not_ours_keeps_its_permissions(path, monkeypatch):
    path.parent.mkdir(mode=0o755)
    monkeypatch.setenv("OSTIARY_CONFIG", str(path))
    stored(path)
    assert mode(path.parent) == 0o755
    assert mode(path) == 0o600


@pytest.mark.parametrize(
    ("content", "line"),
    [(b'a = 1\nb = "', 2), (b"a = 1\nb = = 2\n", 2), (b"x = 1\n\xff\xfe\n", 2), (b"[profiles\n", 1)],
)
def test_a_malformed_file_is_named_with_its_line_and_never_overwritten(path, content, line):
    path.parent.mkdir()
    path.write_bytes(content)
    for act in (lambda: load(str(path)), lambda: stored(path), lambda: use(str(path), "x")):
        with pytest.raises(Failure) as failed:
            act()
        assert failed.value.line == f"error: {path} is not valid TOML (line {line}); fix or remove it"
        assert failed.value.exit_code == USAGE
        assert path.read_bytes() == content
    assert [one.name for one in path.parent.iterdir()] == ["config.toml"]


@pytest.mark.parametrize(
    "content", ["profiles = 3", "[profiles]\ndefault = 1", "[profiles.a]\ncredential = 7", "current = 1"]
)
def test_a_file_of_another_shape_is_never_overwritten(path, content):
    path.parent.mkdir()
    path.write_text(content)
    with pytest.raises(Failure, match="fix or remove it"):
        stored(path)
    assert path.read_text() == content


def test_other_profiles_and_keys_that_we_do_not_know_survive(path):
    path.parent.mkdir()
    path.write_text(
        'theme = "dark"\n[profiles.other]\nserver = "https://b.example"\nnote = "mine"\n[more]\nat = 2026-01-01\n'
    )
    before = tomllib.loads(path.read_text())
    stored(path)
    remove(str(path), "default")
    assert tomllib.loads(path.read_text()) == {**before, "current": "default"}


def test_the_first_profile_is_the_current_one_until_another_is_used(path):
    stored(path, "staging")
    stored(path, "live")
    assert load(str(path)).current == "staging"
    use(str(path), "live")
    assert load(str(path)).current == "live"
    remove(str(path), "live")
    assert load(str(path)).current == "default"


def test_storing_answers_what_stood_there(path):
    first = stored(path)
    assert store(str(path), Profile("default", "https://b.example")) == first
    assert load(str(path)).get("default").credential is None


def test_writers_at_the_same_time_all_stay(path):
    names = [f"p{number}" for number in range(12)]
    threads = [threading.Thread(target=stored, args=(path, name)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(load(str(path)).known) == set(names)


def test_a_link_of_ones_own_is_followed_and_stays(path, tmp_path):
    target = tmp_path / "dotfiles" / "config.toml"
    target.parent.mkdir()
    target.write_text("")
    path.parent.mkdir()
    path.symlink_to(target)
    stored(path)
    assert path.is_symlink()
    assert mode(target) == 0o600
    assert SECRET in target.read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a link to somebody else")
def test_a_link_that_somebody_else_placed_is_refused(path, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("")
    path.parent.mkdir()
    path.symlink_to(victim)
    os.lchown(path, 12345, 12345)
    with pytest.raises(Failure, match="belongs to another user"):
        stored(path)
    assert victim.read_text() == ""


def test_a_pipe_or_a_directory_is_no_configuration_file(path):
    path.parent.mkdir()
    os.mkfifo(path)
    with pytest.raises(Failure, match="not a configuration file"):
        load(str(path))
    path.unlink()
    path.mkdir()
    with pytest.raises(Failure):
        load(str(path))


@pytest.mark.parametrize(
    "origin", ["http://a.example:443", "https://a.example:444", "https://b.example:443", "https://a.example.evil:443"]
)
def test_a_credential_is_for_its_scheme_host_and_port_only(path, origin):
    profile = stored(path)
    assert profile.credential_for("https://a.example:443") == SECRET
    assert profile.credential_for(origin) is None


@pytest.mark.parametrize("name", ["", "a b", "../x", "a\nb", "-x", "x" * 65, "ü"])
def test_names_that_mislead_are_refused(name):
    with pytest.raises(Failure):
        check_name(name)


VALUES = st.recursive(
    st.text(st.characters(exclude_categories=["Cs"]))
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), VALUES, max_size=4))
def test_what_toml_is_written_is_read_back(document):
    with TemporaryDirectory() as home:
        path = str(Path(home) / "config.toml")
        rewrite(path, lambda _: document)
        assert read(path) == document
