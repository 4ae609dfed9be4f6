"""What the protocol takes from uvicorn beyond its interface: so only the version that was tested is allowed."""

from __future__ import annotations

import ast
import asyncio
import re
import tomllib
from pathlib import Path

import pytest
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from ostiary.server import protocol, shortcut

ROOT = Path(__file__).parents[2]


def used(module, name: str) -> set[str]:
    """The attributes of itself, or of what it calls `protocol`, that a class reads without making them."""
    tree = ast.parse(Path(module.__file__).read_text())
    (found,) = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name]
    made = {part.name for part in ast.walk(found) if isinstance(part, ast.FunctionDef)}
    made |= {part.id for part in ast.walk(found) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}
    read = {
        part.attr
        for part in ast.walk(found)
        if isinstance(part, ast.Attribute)
        and isinstance(part.value, ast.Name)
        and part.value.id in {"self", "protocol"}
    }
    supers = {
        part.attr
        for part in ast.walk(found)
        if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Call) and ast.unparse(part.value) == "super()"
    }
    return (read - made) | supers


@pytest.fixture(scope="module")
def has() -> set[str]:
    """What there is: methods, and what a protocol of this version has once it was made."""
    config = uvicorn.Config(lambda *_: None, ws="none", lifespan="off", log_config=None)
    config.load()
    loop = asyncio.new_event_loop()
    made = HttpToolsProtocol(config, ServerState(), {}, loop)
    loop.close()
    # `url` is made by a request that begins.
    made.on_message_begin()
    return set(dir(made)) | set(vars(made)) | set(dir(RequestResponseCycle)) | {"scope", "transport", "keep_alive"}


def test_every_part_of_uvicorn_that_the_protocol_uses_is_there(has):
    ours = set(dir(shortcut.ShortcutProtocol)) | set(vars(shortcut.Inquiry))
    ours |= {"request_id", "_protocol", "_scope", "_url", "is_read"}
    for module, name in (
        (protocol, "BoundedProtocol"), (shortcut, "ShortcutProtocol"), (shortcut, "Inquiry"),
    ):  # fmt: skip
        found = used(module, name)
        assert len(found) > 5
        assert found - ours <= has, name
    assert {"_start_asgi_task", "_unset_keepalive_if_required"} <= has


def test_only_the_version_that_is_tested_is_allowed():
    """Anything else may hang under a refusal, as 0.38 to 0.44 did."""
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["server"]
    (said,) = [one for one in wanted if one.startswith("uvicorn")]
    bounds = re.fullmatch(r"uvicorn>=(\d+\.\d+),<(\d+\.\d+)", said)
    assert bounds is not None
    low, high = bounds.groups()
    assert float(high) - float(low) == pytest.approx(0.01)
    (pinned,) = re.findall(r"^uvicorn==(\S+)", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert pinned == uvicorn.__version__
    assert pinned.startswith(f"{low}.")
