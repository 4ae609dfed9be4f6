"""The OpenAPI document, as programs that we did not write judge it: no error, and no warning."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from ostiary.http.openapi import document
from tests.support.databases import skip

HERE = Path(__file__).parent
LINTERS = {
    "redocly": ["lint", "--config", str(HERE / "redocly.yaml"), "--max-problems", "1000"],
    "spectral": ["lint", "--ruleset", str(HERE / "spectral.yaml"), "--fail-severity", "hint"],
}
ENVIRONMENT = {**os.environ, "REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}


def test_it_is_an_openapi_document():
    OpenAPIV31SpecValidator(document()).validate()


@pytest.mark.parametrize("name", LINTERS)
def test_a_linter_has_nothing_to_say(name, tmp_path):
    done = lint(name, document(), tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", LINTERS)
def test_a_linter_sees_what_is_wrong(name, tmp_path):
    wrong = json.loads(json.dumps(document()))
    wrong["paths"]["/healthz"]["get"]["operationId"] = "is_ready"
    done = lint(name, wrong, tmp_path)
    assert done.returncode != 0 and "operationId" in done.stdout + done.stderr


def lint(name: str, content: object, home: Path) -> subprocess.CompletedProcess[str]:
    program = HERE / "node_modules" / ".bin" / name
    if shutil.which("node") is None or not program.exists():
        skip(f"no {name}; run npm install in tests/operations")
    file = home / "openapi.json"
    file.write_text(json.dumps(content))
    command = [str(program), *LINTERS[name], str(file)]
    return subprocess.run(command, capture_output=True, text=True, cwd=home, env=ENVIRONMENT, timeout=100, check=False)
