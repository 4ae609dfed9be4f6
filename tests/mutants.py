"""Faults put into the source one at a time, and whether a test notices: `make mutants [ARGS="core/session.py ..."]`.

cosmic-ray makes them, in a copy of the tree. It has a whole night: where nothing notices a fault, every test of that
part has run. What was noticed by nothing is printed, with a summary of each file; docs/reference/mutants.md keeps it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
WORK = ROOT / ".mutants"
SOURCE = "src/ostiary"
TIMEOUT = 300  # seconds; a fault that makes a test wait for ever is noticed, too

# An operator is replaced by one other, not by all eleven: what notices the one notices the rest. A comparison by its
# opposite, and by the one beside it, which differs only where both sides are equal. The `|` of a type is never
# evaluated, so that nothing could notice it.
OPERATORS = "Add_Sub|Sub_Add|Mul_Div|Div_Mul|FloorDiv_Mul|BitAnd_BitOr"
COMPARISONS = (
    "Eq_NotEq|NotEq_Eq|Lt_LtE|Lt_GtE|LtE_Lt|LtE_Gt|Gt_GtE|Gt_LtE|GtE_Gt|GtE_Lt|Is_IsNot|IsNot_Is|In_NotIn|NotIn_In"
)
LEFT_OUT = (
    rf"core/ReplaceBinaryOperator_(?!({OPERATORS})$)",
    rf"core/ReplaceComparisonOperator_(?!({COMPARISONS})$)",
)

# SQLite is enough to notice a fault in a rule; the random races take longer than all the rest of their part.
UNWANTED = "not postgresql and not test_races"


@dataclass(frozen=True)
class Part:
    """Files, and the tests that promise to notice a fault in them: the fast ones first."""

    files: tuple[str, ...]
    tests: tuple[str, ...]


PARTS = (
    Part(("core/oauth",), ("tests/core", "tests/oauth")),
    Part(("core",), ("tests/core", "tests/authority", "tests/contract")),
    Part(("authority",), ("tests/authority", "tests/contract", "tests/held")),
    Part(
        (
            "storage/live.py",
            "storage/sessions.py",
            "storage/selecting.py",
            "storage/callers.py",
            "storage/suspended.py",
        ),
        ("tests/storage", "tests/authority", "tests/contract"),
    ),
    Part(("feed/reading.py",), ("tests/feed",)),
    Part(("sdk/verifier",), ("tests/sdk/verifier",)),
)


def main() -> int:
    """Each file asked for, or all of them; 0 if no fault was missed."""
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("files", nargs="*", metavar="core/session.py", help="below src/ostiary; none: every part")
    parser.add_argument("--tools", type=Path, required=True, help=argparse.SUPPRESS)
    options = parser.parse_args()
    known = {file: part for part in reversed(PARTS) for file in _files_of(part)}
    unknown = [file for file in options.files if file not in known]
    if unknown:
        parser.error(f"in no part of PARTS in {Path(__file__).name}: {', '.join(unknown)}")
    missed = sum(_mutate(file, known[file], options.tools) for file in options.files or known)
    print(f"{missed} faults were noticed by no test")
    return 1 if missed else 0


def _files_of(part: Part) -> list[str]:
    there = [ROOT / SOURCE / file for file in part.files]
    found = [path for one in there for path in (sorted(one.rglob("*.py")) if one.is_dir() else [one])]
    return [
        str(path.relative_to(ROOT / SOURCE)) for path in found if path.stat().st_size and path.name != "__init__.py"
    ]


def _mutate(file: str, part: Part, tools: Path) -> int:
    """Print what no test noticed; how many that were."""
    tree = WORK / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    unwanted = shutil.ignore_patterns(".*", "__pycache__", "node_modules", "images")
    shutil.copytree(ROOT, tree, ignore=unwanted)
    name = file.removesuffix(".py").replace("/", "-")
    config, session = WORK / f"{name}.toml", WORK / f"{name}.sqlite"
    tests = f"{sys.executable} -m pytest -x -q -n 0 -p no:cacheprovider -k '{UNWANTED}' {' '.join(part.tests)}"
    config.write_text(
        f'[cosmic-ray]\nmodule-path = "{SOURCE}/{file}"\ntimeout = {TIMEOUT}\nexcluded-modules = []\n'
        f'test-command = "{tests}"\ndistributor.name = "local"\n'
        f"[cosmic-ray.filters.operators-filter]\nexclude-operators = {list(LEFT_OUT)}\n"
    )
    session.unlink(missing_ok=True)
    # The tests import the copy, not the tree that the environment was made for.
    environment = {**os.environ, "PYTHONPATH": str(tree / "src"), "PYTHONDONTWRITEBYTECODE": "1"}

    def run(tool: str, *arguments: str | Path) -> str:
        done = subprocess.run(
            [tools / tool, *arguments], cwd=tree, env=environment, check=True, stdout=subprocess.PIPE, text=True
        )
        return done.stdout

    run("cosmic-ray", "init", config, session)
    run("cr-filter-operators", session, config)
    run("cosmic-ray", "baseline", config)  # without a fault the tests pass, or none of what follows means anything
    run("cosmic-ray", "exec", config, session)
    report = run("cr-report", "--surviving-only", "--show-diff", session)
    print(f"== {file}\n{report}", flush=True)
    return report.count("[job-id]")


if __name__ == "__main__":
    sys.exit(main())
