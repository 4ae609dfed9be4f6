#!/usr/bin/env python3
"""Everything a developer runs here, with nothing but Python and pip.

    python3 dev.py serve [args]    start the server             (environment: .venv)
    python3 dev.py test [args]     run the tests with pytest    (environment: .venv-dev)
    python3 dev.py check           format, lint, types, imports
    python3 dev.py check-long      the tests that take too long for every change, one after the other; and `pythons`
    python3 dev.py floors [args]   a part of the tests with the lowest versions that pyproject.toml allows
    python3 dev.py pythons [args]  the same part under every other Python that is here
    python3 dev.py coverage [args] the tests, and which statements they reach; slower than without
    python3 dev.py mutants [files] put faults into the source, and list those that no test notices; takes a night
    python3 dev.py format          format, and fix what can be fixed
    python3 dev.py bench [args]    run the benchmarks
    python3 dev.py pins [args]     write constraints.txt anew; `pins --upgrade` takes newer versions
    python3 dev.py document        write docs/openapi.json anew, at a release: what clients may rely on from then on
    python3 dev.py words [--add de]  write what the pages say into their catalogues; or begin a language
    python3 dev.py message FILE    judge a commit's message; the hook that `prepare` sets asks it
    python3 dev.py prepare         only prepare .venv-dev, and let git ask `message` before each commit
    python3 dev.py clean           remove the environments and every cache

An environment is made on first use, and again when what decides its content changes. Every package in it is
pinned and checked against the hashes in constraints.txt.
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

# Before anything below that an older Python would stumble over.
if sys.version_info < (3, 11):  # noqa: UP036 -- pip is not there yet to hold requires-python
    sys.exit("error: Ostiary needs Python 3.11 or newer; this is " + sys.version.split()[0])

ROOT = Path(__file__).resolve().parent
PROJECT = ROOT / "pyproject.toml"
PINS = ROOT / "constraints.txt"
FLOORS = ROOT / "constraints-floors.txt"
UNAVAILABLE = ROOT / "tests" / "unavailable.toml"
STAMP = "prepared-for"

# What each environment holds: the extras of pyproject.toml.
EXTRAS = {".venv": ["sdk", "server"], ".venv-dev": ["sdk", "server", "dev"]}

# constraints.txt has two parts; .venv gets only what stands above this line.
DEVELOPMENT_PART = "# For development only:"

# What `pip install ostiary[…]` may bring; each has its floor in constraints-floors.txt.
RUNTIME_EXTRAS = ["sdk", "redis", "nats", "server"]
# What QUICK needs beside them, as constraints.txt has it.
QUICK_TOOLS = ["anyio", "hypothesis", "pytest", "pytest-timeout", "pytest-xdist"]
# A minute at most: every module is imported, every verb is done by every door, the protocol and real servers are tried.
QUICK = [
    "tests/test_imports.py",
    "tests/contract",
    "tests/http/test_front.py",
    "tests/http/test_direct.py",
    "tests/http/test_serving.py",
    "tests/sdk/test_calls.py",
    "tests/sdk/test_operations.py",
]

MUTATOR = "cosmic-ray==8.7.0"

FIRST_LINE = 72  # characters of a commit's message; CONTRIBUTING.md

CHECKS = {
    "format": ["ruff", "format", "--check", "."],
    "lint": ["ruff", "check", "."],
    "types": ["mypy"],
    "imports": ["lint-imports"],
}


def main(arguments: list[str]) -> int:
    verb, *rest = arguments or ["help"]
    if verb in ("help", "-h", "--help"):
        print(__doc__)
        return 0
    verbs = {
        "serve": serve,
        "test": test,
        "check": check,
        "check-long": check_long,
        "floors": floors,
        "pythons": pythons,
        "coverage": coverage,
        "mutants": mutants,
        "format": reformat,
        "bench": bench,
        "pins": pins,
        "document": document,
        "words": words,
        "message": message,
        "prepare": prepare,
        "clean": clean,
    }
    if verb not in verbs:
        print(f"error: unknown verb {verb!r}; one of {', '.join(verbs)}", file=sys.stderr)
        return 2
    try:
        return verbs[verb](rest)
    except Failed as failed:
        print(f"error: {failed}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130  # what a shell reports for an interrupted program


class Failed(Exception):
    """Something outside this script went wrong; the message says what, and what to do."""


# The verbs.


def serve(arguments: list[str]) -> int:
    # In the caller's directory: a path in the arguments means what it means there.
    return replace_by(environment(".venv") / "ostiary", "serve", *arguments)


def test(arguments: list[str]) -> int:
    tools = environment(".venv-dev")
    os.chdir(ROOT)
    return replace_by(tools / "python", "-m", "pytest", *arguments)


def check(_: list[str]) -> int:
    tools = environment(".venv-dev")
    failed = []
    for name, (tool, *arguments) in CHECKS.items():
        run = subprocess.run([tools / tool, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
        print(f"{name:8} {'ok' if run.returncode == 0 else 'FAILED'}", flush=True)
        if run.returncode:
            failed.append(name)
            print(run.stdout + run.stderr, flush=True)
    if failed:
        raise Failed(f"failed: {', '.join(failed)}")
    return 0


def check_long(arguments: list[str]) -> int:
    """With arguments for pytest, only of these tests."""
    if not arguments and (status := pythons([])):
        return status
    tools = environment(".venv-dev")
    os.chdir(ROOT)
    # One process: they load the machine, and each should find it as the others did. Unbuffered: what is printed (the
    # seeds) has to be there also of a run that somebody stops.
    whole = ["-m", "long", "-n", "0", "-v", "-s", "--durations=0"]
    return replace_by(tools / "python", "-u", "-m", "pytest", *whole, *arguments)


def floors(arguments: list[str]) -> int:
    """Raises Failed if this Python is not the oldest that is supported: the floors are of that one."""
    if sys.version_info[:2] != (3, 11):
        raise Failed("the floors are of Python 3.11; run it with that one")
    pins = FLOORS.read_text()
    return quick(beside(".venv-floors", sys.executable, pins, RUNTIME_EXTRAS), arguments)


def pythons(arguments: list[str]) -> int:
    """Raises Failed if a supported Python is not here, and should be."""
    import tomllib

    own = "{}.{}".format(*sys.version_info)
    found, unavailable = interpreters(), tomllib.loads(UNAVAILABLE.read_text())
    missing = [version for version in supported() if version != own and version not in found]
    for version in missing:
        print(f"Python {version}: not here", flush=True)
    unexpected = [version for version in missing if f"python-{version}" not in unavailable]
    if unexpected and os.environ.get("OSTIARY_TEST_REQUIRE") == "all":
        raise Failed(f"required here: Python {', '.join(unexpected)}; or tests/unavailable.toml says why not")
    failed = []
    for version, python in found.items():
        if version == own:
            continue
        tools = beside(f".venv-{version}", python, PINS.read_text(), EXTRAS[".venv-dev"])
        print(f"Python {version}: {python}", flush=True)
        if quick(tools, arguments):
            failed.append(version)
    if failed:
        raise Failed(f"failed under Python {', '.join(failed)}")
    return 0


def quick(tools: Path, arguments: list[str]) -> int:
    return subprocess.run(
        [tools / "python", "-m", "pytest", "-q", *QUICK, *arguments], cwd=ROOT, check=False
    ).returncode


def coverage(arguments: list[str]) -> int:
    """Every process is measured: those of pytest, and the servers and commands that the tests start."""
    tools = environment(".venv-dev")
    os.chdir(ROOT)
    for old in ROOT.glob(".coverage*"):
        old.unlink()
    tested = subprocess.run([tools / "coverage", "run", "-m", "pytest", *arguments], check=False)
    run([tools / "coverage", "combine", "--quiet"])
    run([tools / "coverage", "json", "--quiet", "-o", ".coverage.json"])
    files = json.loads((ROOT / ".coverage.json").read_text())["files"]
    lines: dict[str, list[int]] = {}
    for file, measured in files.items():
        within = Path(file).relative_to("src/ostiary").parts
        for package in (within[0] if len(within) > 1 else "(top)", "all"):
            of = lines.setdefault(package, [0, 0])
            of[0] += measured["summary"]["covered_lines"]
            of[1] += measured["summary"]["num_statements"]
    for package, (covered, all_) in sorted(lines.items()):
        print(f"{package:14}{covered:7,} of {all_:7,} statements {100 * covered / all_:6.1f} %")
    return tested.returncode


def mutants(arguments: list[str]) -> int:
    tools = environment(".venv-dev")
    os.chdir(ROOT)
    programs = ROOT / ".venv-mutants" / "bin"
    if not (programs / "cosmic-ray").exists():
        with progress("preparing .venv-mutants"):
            # In an environment of its own, and not pinned by hash: it is a program that imports nothing of ours, and
            # one of its requirements comes as source only.
            create_venv(programs.parent)
            pip(programs.parent, MUTATOR)
    return replace_by(tools / "python", "-m", "tests.mutants", "--tools", str(programs), *arguments)


def reformat(_: list[str]) -> int:
    tools = environment(".venv-dev")
    # Fixes first: they may leave lines that want formatting.
    fixed = subprocess.run([tools / "ruff", "check", "--fix", "."], cwd=ROOT, check=False)
    formatted = subprocess.run([tools / "ruff", "format", "."], cwd=ROOT, check=False)
    return fixed.returncode or formatted.returncode


def bench(arguments: list[str]) -> int:
    if not (ROOT / "bench" / "__main__.py").exists():
        raise Failed("there is nothing to run: bench/__main__.py is missing")
    tools = environment(".venv-dev")
    os.chdir(ROOT)
    return replace_by(tools / "python", "-m", "bench", *arguments)


def document(_: list[str]) -> int:
    tools = environment(".venv-dev")
    code = "import json; from ostiary.http.openapi import document; print(json.dumps(document(), indent=1))"
    written = subprocess.run([tools / "python", "-c", code], cwd=ROOT, capture_output=True, check=True)
    (ROOT / "docs" / "openapi.json").write_bytes(written.stdout)
    return 0


def words(arguments: list[str]) -> int:
    tools = environment(".venv-dev")
    os.chdir(ROOT)
    return replace_by(tools / "python", "-m", "tests.catalogues", *arguments)


def message(arguments: list[str]) -> int:
    """Raises Failed for a first line that is too long, or a message that does not say why."""
    lines = Path(arguments[0]).read_text(encoding="utf-8").splitlines()
    # Below the scissors is the difference that `git commit --verbose` shows.
    kept = itertools.takewhile(lambda line: " >8 ---" not in line, lines)
    first, *rest = [line.rstrip() for line in kept if not line.startswith("#")] or [""]
    if first.startswith(("Merge ", "fixup! ", "squash! ", "amend! ")):
        return 0
    if len(first) > FIRST_LINE:
        raise Failed(f"the first line has {len(first)} characters, at most {FIRST_LINE}: {first}")
    if not any(rest):
        raise Failed("a body is missing: it says why")
    if rest[0]:
        raise Failed("an empty line is missing between the first line and the body")
    return 0


def prepare(_: list[str]) -> int:
    environment(".venv-dev")
    if (ROOT / ".git").exists() and shutil.which("git"):
        run(["git", "-C", str(ROOT), "config", "core.hooksPath", ".githooks"])
    return 0


def clean(_: list[str]) -> int:
    names = [
        ".venv",
        ".venv-dev",
        ".venv-proxies",
        ".venv-mutants",
        ".venv-floors",
        *(path.name for path in ROOT.glob(".venv-3.*")),
        ".mutants",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".import_linter_cache",
    ]
    for path in [*map(ROOT.joinpath, [*names, ".hypothesis", "dist", ".bench"]), *ROOT.glob("*/**/__pycache__")]:
        shutil.rmtree(path, ignore_errors=True)
    return 0


def pins(arguments: list[str]) -> int:
    """Resolve every extra for all supported Pythons and write constraints.txt, and constraints-floors.txt.

    The resolver (uv) comes into a throwaway environment and is needed for nothing else. Versions already in
    constraints.txt are kept where they still fit; arguments go to `uv pip compile`, such as `--upgrade` or
    `--upgrade-package NAME`.
    """
    with tempfile.TemporaryDirectory() as directory, progress("resolving pins"):
        scratch = Path(directory)
        create_venv(scratch / "venv")
        pip(scratch / "venv", "uv")
        everything = scratch / "everything.txt"
        if PINS.exists():
            shutil.copy(PINS, everything)
        pinned = resolve(scratch, EXTRAS[".venv-dev"], everything, *arguments)
        served = resolve(scratch, EXTRAS[".venv"], scratch / "served.txt", "--constraint", str(everything))
        tools = [pinned[name].split()[0].partition(";")[0] for name in QUICK_TOOLS]
        lowest = ["--resolution", "lowest-direct", "--no-universal", "--only-binary=:all:"]
        least = resolve(scratch, RUNTIME_EXTRAS, scratch / "floors.txt", *lowest, also=tools)
    FLOORS.write_text(
        "# The lowest versions that pyproject.toml allows, with what tests need. Written by `make pins`.\n\n"
        + "".join(least.values())
    )
    PINS.write_text(
        "# Every package an environment may hold, pinned by version and hash. Written by `make pins`.\n"
        + "\n# To build and to serve:\n"
        + "".join(pins for package, pins in pinned.items() if package in served)
        + f"\n{DEVELOPMENT_PART}\n"
        + "".join(pins for package, pins in pinned.items() if package not in served)
    )
    return 0


def resolve(scratch: Path, extras: list[str], output: Path, *options: str, also: Sequence[str] = ()) -> dict[str, str]:
    """What the project with these extras, its build, and `also` need: pins by package."""
    build = scratch / "build.txt"
    build.write_text("\n".join([*project_file()["build-system"]["requires"], *also]))
    # No header, annotations or index: they would name the machine and the registry used.
    form = ["--no-header", "--no-annotate", "--no-emit-index-url", "--generate-hashes"]
    wanted = [f"--extra={extra}" for extra in extras]
    uv = [str(scratch / "venv" / "bin" / "uv"), "pip", "compile", "--quiet", "--universal"]
    run([*uv, "--python-version", "3.11", *form, *wanted, *options, "--output-file", output, PROJECT, build])
    return pins_by_package(output.read_text())


# The environments.


def environment(name: str) -> Path:
    """Make sure that the environment is there and current; answer the directory of its programs."""
    return prepared(ROOT / name, fingerprint(sys.version, PINS.read_text()), install)


def beside(name: str, python: str, pins: str, extras: list[str]) -> Path:
    """Likewise for another Python, or other versions, by uv: it links what another environment of this machine has."""
    uv = str(environment(".venv-dev") / "uv")

    def install_beside(venv: Path) -> None:
        run([python, "-m", "venv", "--clear", "--without-pip", venv])
        requirements = venv / "requirements.txt"
        requirements.write_text(pins)
        install_ = [uv, "pip", "install", "--quiet", "--python", str(venv / "bin" / "python")]
        run([*install_, "--require-hashes", "--only-binary=:all:", "--requirement", requirements])
        package = f"{ROOT}[{','.join(extras)}]"
        run([*install_, "--no-index", "--no-build-isolation", "--editable", package])

    version = subprocess.run([python, "-VV"], capture_output=True, text=True, check=True).stdout
    return prepared(ROOT / name, fingerprint(version, pins), install_beside)


def prepared(venv: Path, wanted: str, install: Callable[[Path], None]) -> Path:
    """Make sure that what is there is what is wanted; answer the directory of its programs."""
    venv.mkdir(exist_ok=True)
    lock = os.open(venv, os.O_RDONLY)
    stamp = venv / STAMP
    try:
        # Two terminals may ask at once; the second waits, then finds it done.
        fcntl.flock(lock, fcntl.LOCK_EX)
        # An interpreter that was upgraded or removed leaves a dangling link behind.
        if not ((venv / "bin" / "python").exists() and stamp.exists() and stamp.read_text() == wanted):
            with progress(f"preparing {venv.name}"):
                stamp.unlink(missing_ok=True)
                install(venv)
                stamp.write_text(wanted)
    finally:
        os.close(lock)
    return venv / "bin"


def fingerprint(version: str, pins: str) -> str:
    """Hash of all that decides the content of an environment. The settings of the tools do not."""
    project = project_file()
    parts = [version, repr(project["build-system"]), repr(project["project"]), pins, str(ROOT)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def install(venv: Path) -> None:
    # From nothing: packages that are no longer pinned must not linger and hide a missing requirement.
    create_venv(venv)
    pinned = PINS.read_text()
    if venv.name == ".venv":
        pinned = pinned.partition(DEVELOPMENT_PART)[0]
    requirements = venv / "requirements.txt"
    requirements.write_text(pinned)
    # Wheels only: building a source package would fetch its build requirements, which nothing here pins.
    pip(venv, "--require-hashes", "--only-binary=:all:", "--requirement", str(requirements))
    # The package itself, built by the pinned backend. Without an index nothing comes in that is not pinned:
    # a requirement that `make pins` has not seen yet is an error here.
    package = f"{ROOT}[{','.join(EXTRAS[venv.name])}]"
    try:
        pip(venv, "--no-index", "--no-build-isolation", "--editable", package)
    except Failed as failed:
        raise Failed(f"{failed}\nIf pyproject.toml asks for something new, run `make pins` first.") from None


def create_venv(venv: Path) -> None:
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        raise Failed(
            "this Python cannot create virtual environments.\n"
            "On Debian and Ubuntu: sudo apt-get install python3-venv; then run this again."
        )
    run([sys.executable, "-m", "venv", "--clear", venv])


def pip(venv: Path, *arguments: str) -> None:
    quietly = ["--quiet", "--disable-pip-version-check", "--no-input"]
    run([venv / "bin" / "python", "-m", "pip", "install", *quietly, *arguments])


# The Pythons.


def supported() -> list[str]:
    """The versions of Python that pyproject.toml names."""
    named = "Programming Language :: Python :: 3."
    return [one.rpartition(" ")[2] for one in project_file()["project"]["classifiers"] if one.startswith(named)]


def interpreters() -> dict[str, str]:
    """Every CPython from 3.11 on that runs here, by its version: what the path has, else what pyenv has."""
    found = {}
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for minor in range(11, 20):
        on_path = shutil.which(f"python3.{minor}")
        for python in [*([on_path] if on_path else []), *sorted(map(str, pyenv.glob(f"3.{minor}.*/bin/python")))]:
            asked = [python, "-c", "import sys; print(sys.implementation.name, *sys.version_info[:2])"]
            # A shim of pyenv is on the path of every version, and refuses for those that are not chosen.
            if subprocess.run(asked, capture_output=True, text=True, check=False).stdout.split() == [
                "cpython", "3", str(minor),
            ]:  # fmt: skip
                found[f"3.{minor}"] = python
                break
    return found


# Small parts.


def project_file() -> dict[str, Any]:
    import tomllib

    return tomllib.loads(PROJECT.read_text())


def pins_by_package(text: str) -> dict[str, str]:
    """Each package's pins with their hashes; comments are left out.

    A package has two pins where one version does not fit every supported Python.
    """
    pinned: dict[str, str] = {}
    package = ""
    for line in text.splitlines(keepends=True):
        if line.startswith("#") or not line.strip():
            continue
        if not line.startswith(" "):
            package = line.partition("==")[0]
        pinned[package] = pinned.get(package, "") + line
    return pinned


def run(command: Sequence[str | Path]) -> None:
    """Run to the end, silently; what it printed matters only if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        told = (done.stdout + done.stderr).strip()
        raise Failed(f"this failed: {' '.join(map(str, command))}\n{told}")


@contextlib.contextmanager
def progress(what: str) -> Iterator[None]:
    """One line on stderr while something takes its time."""
    began = time.monotonic()
    print(f"{what} …", end=" ", file=sys.stderr, flush=True)
    try:
        yield
    except BaseException:
        print("failed", file=sys.stderr, flush=True)
        raise
    print(f"done in {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)


def replace_by(program: Path, *arguments: str) -> NoReturn:
    """Become the tool: its exit code and its signals are then ours."""
    sys.stdout.flush()
    os.execv(program, [str(program), *arguments])  # noqa: S606 -- no shell is wanted


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
