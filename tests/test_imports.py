"""Every module can be imported, whichever of the supported Pythons and versions of packages it meets."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src"
# Alembic runs these; the rest of the program never imports them.
RUN_BY_ALEMBIC = "ostiary.storage.migrations."
# The integrations need the framework that they are for; an application that has none of them imports none.
FRAMEWORKS = {"django", "fastapi", "flask"}
EACH = f"""
import importlib, sys
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as missing:
        if missing.name.partition(".")[0] not in {FRAMEWORKS!r}:
            raise
    print(name)
"""


def test_every_module_is_imported_without_a_warning():
    files = [path.relative_to(SOURCE).with_suffix("") for path in sorted(SOURCE.rglob("*.py"))]
    names = [".".join(one.parts).removesuffix(".__init__") for one in files]
    wanted = [name for name in names if not name.startswith(RUN_BY_ALEMBIC)]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", EACH, *wanted], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == wanted
    assert len(wanted) > 300
