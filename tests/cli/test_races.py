"""`doctor --races`, as an operator runs it."""

from __future__ import annotations

import json
import sqlite3

from ostiary.cli.checks import races
from tests.support import databases
from tests.support.processes import CommandLine


async def test_doctor_races_against_the_operators_own_database(tmp_path, tmp_path_factory):
    url = await databases.new_sqlite(tmp_path, tmp_path_factory.getbasetemp() / "template.db")
    ostiary = CommandLine(tmp_path, OSTIARY_DATABASE_URL=url)
    done = ostiary("doctor", "--races", "--seed", "7", "--format", "json")
    found = next(one for one in json.loads(done.stdout) if one["check"] == "races")
    assert found["verdict"] == "ok", found
    assert f"{races.OPERATIONS} operations" in found["found"] and "seed 7" in found["found"]
    with sqlite3.connect(url.removeprefix("sqlite:///")) as file:
        for table in ("users", "sessions"):
            assert file.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


def test_a_database_that_is_not_there_is_a_finding(tmp_path):
    ostiary = CommandLine(tmp_path, OSTIARY_DATABASE_URL="postgresql://postgres@127.0.0.1:1/none")
    done = ostiary("doctor", "--races", "--format", "json")
    found = next(one for one in json.loads(done.stdout) if one["check"] == "races")
    assert (found["verdict"], done.returncode) == ("broken", 1)
