"""json, ndjson and yaml say the same; csv, tsv, sql, html and raw escape by their own rules; no line can be forged."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from html.parser import HTMLParser

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ostiary.cli.output import FORMATS, render, render_one
from ostiary.cli.output.column import Column

COLUMNS = (Column("id", "id"), Column("is_current", "current"), Column("used_at", "used"), Column("agent", "agent"))
FORGED = "x\nsess_forged  yes\r\x1b[2K\x9b1A\u202e\u2028\ttab"
RECORD = {"id": "sess_a", "is_current": True, "used_at": None, "agent": FORGED, "count": 3, "amr": ["pwd"]}
LINES = {  # how many lines two records make, however their values look
    "table": 3, "ndjson": 2, "csv": 3, "tsv": 3, "records": 10, "sql": 9, "html": 7, "raw": 20, "quiet": 2,
}  # fmt: skip


@pytest.mark.parametrize("form", sorted(LINES))
def test_a_hostile_value_adds_no_line(form):
    assert len(render([RECORD, RECORD], COLUMNS, form).splitlines()) == LINES[form]


@pytest.mark.parametrize("form", FORMATS)
def test_no_format_carries_a_character_that_a_terminal_obeys(form):
    text = render([RECORD], COLUMNS, form)
    allowed = "\n\t" if form == "tsv" else "\n"
    assert [character for character in text if not character.isprintable() and character not in allowed] == []


@given(st.text(), st.integers() | st.booleans() | st.none() | st.lists(st.text()))
def test_json_ndjson_and_yaml_carry_the_same_exact_values(agent, value):
    record = {"agent": agent, "value": value, "inner": {"text": agent}}
    assert json.loads(render([record], COLUMNS, "json")) == [record]
    assert json.loads(render([record], COLUMNS, "ndjson")) == record
    try:
        agent.encode()
    except UnicodeEncodeError:
        return  # YAML has no lone surrogates
    assert yaml.safe_load(render([record], COLUMNS, "yaml")) == [record]


def test_one_thing_is_an_object_not_a_list():
    assert json.loads(render_one(RECORD, COLUMNS, "json")) == RECORD
    assert yaml.safe_load(render_one(RECORD, COLUMNS, "yaml")) == RECORD
    assert json.loads(render_one(RECORD, COLUMNS, "ndjson")) == RECORD


def test_nothing_is_an_empty_list_in_json_and_yaml():
    assert json.loads(render([], COLUMNS, "json")) == []
    assert yaml.safe_load(render([], COLUMNS, "yaml")) == []
    assert render([], COLUMNS, "ndjson") == ""


def test_csv_quotes_by_rfc_4180():
    record = {"id": 'a"b,c', "is_current": False, "used_at": None, "agent": "1+1"}
    assert list(csv.reader(io.StringIO(render([record], COLUMNS, "csv")))) == [
        ["id", "is_current", "used_at", "agent"],
        ['a"b,c', "false", "", "1+1"],
    ]


def test_tsv_tells_a_tab_from_a_typed_backslash_t():
    text = render([{"id": "a\tb", "agent": "a\\tb"}], COLUMNS, "tsv")
    assert text.splitlines()[1] == "a\\tb\t\t\ta\\\\tb"


def test_sql_loads_with_its_types_and_cannot_be_broken_out_of():
    record = {"id": "'); DROP TABLE results; --", "is_current": True, "used_at": None, "agent": "it's"}
    database = sqlite3.connect(":memory:")
    database.executescript(render([record], COLUMNS, "sql"))
    assert database.execute("SELECT * FROM results").fetchall() == [(record["id"], 1, None, "it's")]
    database.close()


def test_html_escapes_markup():
    text = render([{"id": "<script>", "agent": '"&'}], COLUMNS, "html")
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    HTMLParser().feed(text)


def test_raw_says_the_length_of_each_value_in_bytes():
    assert render([{"id": "é"}], COLUMNS[:1], "raw") == "# 1 columns\n# row 1\n## 2\né\n# 1 rows\n"


def test_quiet_is_the_ids_only():
    assert render([{"id": "sess_a"}, {"id": "sess_b"}], COLUMNS, "quiet") == "sess_a\nsess_b\n"


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\uff1d1", '=cmd|" /C calc"!A0']


@pytest.mark.parametrize("form", ["csv", "tsv"])
@pytest.mark.parametrize("value", FORMULAS)
def test_no_cell_is_a_formula_and_numbers_stay_numbers(form, value):
    text = render([{"id": value, "is_current": -1, "used_at": -1.5, "agent": value}], COLUMNS, form)
    cells = list(csv.reader(io.StringIO(text), delimiter="," if form == "csv" else "\t"))[1]
    assert cells[1:3] == ["-1", "-1.5"]
    assert all(cell.startswith("'") for cell in (cells[0], cells[3]))


def test_quiet_is_the_id_wherever_it_stands():
    columns = (Column("username", "username"), Column("session_id", "session", is_id=True))
    assert render([{"username": "ada", "session_id": "sess_a"}], columns, "quiet") == "sess_a\n"
    assert render([{"username": "ada", "id": "user_a"}], columns[:1], "quiet") == "user_a\n"
