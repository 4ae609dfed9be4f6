"""What can be installed, and under which Pythons: the floors are true, and every supported Python is met."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import dev
from tests.support import unavailable

PROJECT = dev.project_file()["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
PINNED = {name: text.split()[0] for name, text in dev.pins_by_package(dev.PINS.read_text()).items()}
AT_THE_FLOOR = {name: text.split()[0] for name, text in dev.pins_by_package(dev.FLOORS.read_text()).items()}
REQUIREMENT = re.compile(r"(?P<name>[\w-]+)(?:\[[\w,]+\])?>=(?P<floor>[\d.]+)(?:,<[\d.]+)?")
RUNTIME = [*PROJECT["dependencies"], *(one for extra in dev.RUNTIME_EXTRAS for one in EXTRAS[extra])]


@pytest.mark.parametrize("requirement", RUNTIME)
def test_the_lowest_version_that_may_be_installed_is_one_that_is_tried(requirement):
    """`dev.py floors` runs with these. Where the resolver had to take a newer one, no installation has the floor."""
    found = REQUIREMENT.fullmatch(requirement)
    assert found, f"{requirement}: a floor, and no more than an upper bound"
    name, _, version = AT_THE_FLOOR[found["name"]].partition("==")
    assert release(version) == release(found["floor"]), f"raise the floor of {name} to {version}"


def release(version: str) -> tuple[int, ...]:
    numbers = [int(one) for one in version.split(".")]
    while numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def test_every_extra_of_a_user_has_floors():
    assert {*dev.RUNTIME_EXTRAS, "dev"} == EXTRAS.keys()


@pytest.mark.parametrize("tool", dev.QUICK_TOOLS)
def test_the_tests_at_the_floors_run_by_the_tools_of_all_others(tool):
    assert AT_THE_FLOOR[tool] == PINNED[tool]


@pytest.mark.parametrize("path", dev.QUICK)
def test_what_is_tried_everywhere_is_there(path):
    assert (dev.ROOT / path).exists()


@pytest.mark.parametrize("version", dev.supported())
def test_every_supported_python_is_here(version):
    """What `dev.py pythons` runs the tests under."""
    if version not in dev.interpreters():
        unavailable.skip_for_want_of(f"python-{version}")


def test_the_python_of_this_run_is_found_and_supported():
    own = "{}.{}".format(*sys.version_info)
    assert own in dev.supported()
    assert own in dev.interpreters()


def test_what_cannot_be_had_has_a_reason_and_what_comes_nearest():
    for name, entry in unavailable.LISTED.items():
        assert entry.keys() == {"reason", "nearest"} and all(entry.values()), name


def test_what_cannot_be_had_is_something_that_a_test_asks_for():
    asked = {f"python-{version}" for version in dev.supported()}
    for path in dev.ROOT.glob("tests/**/test_*.py"):
        asked |= set(re.findall(r'skip_for_want_of\("([\w.-]+)"\)', path.read_text(encoding="utf-8")))
    assert unavailable.LISTED.keys() <= asked


SKIPS = """
import pytest
from tests.support import databases, unavailable

def test_listed():
    unavailable.skip_for_want_of("python-3.13")

def test_not_listed():
    pytest.skip("because")
"""


@pytest.mark.parametrize(("required", "failed"), [("", 0), ("all", 1)])
def test_where_all_is_required_only_a_listed_want_is_a_skip(tmp_path, monkeypatch, required, failed):
    (tmp_path / "test_skips.py").write_text(SKIPS)
    monkeypatch.setenv("OSTIARY_TEST_REQUIRE", required)
    command = [sys.executable, "-m", "pytest", "-n", "0", "-q", "-p", "tests.conftest", "-c", str(dev.PROJECT)]
    done = subprocess.run(
        [*command, "--rootdir", str(dev.ROOT), str(tmp_path)], cwd=dev.ROOT, capture_output=True, text=True, check=False
    )
    assert f"{2 - failed} skipped" in done.stdout, done.stdout + done.stderr
    assert (f"{failed} failed" in done.stdout) is bool(failed)


def test_no_test_file_of_the_quick_part_needs_more_than_its_tools():
    """At the floors there is nothing of the frameworks and checkers that other tests have."""
    known = sys.stdlib_module_names | {"tests", "ostiary", "dev", "_pytest"}
    known |= {name.replace("-", "_") for name in AT_THE_FLOOR} | {"yaml", "jwt", "nats"}
    files = [file for path in map(Path, dev.QUICK) for file in ([path] if path.suffix else path.rglob("*.py"))]
    for file in files:
        for name in re.findall(r"^(?:import|from) (\w+)", (dev.ROOT / file).read_text(encoding="utf-8"), re.MULTILINE):
            assert name in known, f"{file} imports {name}"
