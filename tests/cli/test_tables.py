"""The two styles of table, byte for byte as documented."""

from __future__ import annotations

from ostiary.cli import auth_session, session
from ostiary.cli.output import render, render_one
from ostiary.cli.output.column import Column, Record

SESSIONS = [
    {
        "id": "sess_abc1234567",
        "is_current": True,
        "status": "active",
        "created_at": "2026-05-19T09:02:11Z",
        "last_used_at": "2026-05-19T14:51:40.123456Z",
        "ip": "10.0.4.7",
        "user_agent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)",
    },
    {
        "id": "sess_xyz9876543",
        "is_current": False,
        "status": "stale",
        "created_at": "2026-04-30T13:18:00+02:00",
        "last_used_at": "2026-05-18T16:30:00Z",
        "ip": None,
        "user_agent": None,
    },
]

SESSION_LIST = """\
ID               CURRENT  STATUS  CREATED           LAST USED         IP        USER AGENT
sess_abc1234567  yes      active  2026-05-19 09:02  2026-05-19 14:51  10.0.4.7  Mozilla/5.0 (Macintosh; In
sess_xyz9876543  -        stale   2026-04-30 11:18  2026-05-18 16:30  -         -
"""

# The layout of the requirement document: two spaces of margin, centred titles, a ruler one wider at both ends.
LOGIN = """\
  username |     session ID     |                       authentication cookie
-----------+--------------------+---------------------------------------------------------------------
  web_user | 784445853689282561 | session=CIGAtrWQq7rxChIQTXxYNNQxAYjyLAjHWxgUMQ==; Path=/; HttpOnly
(1 row)
"""
LOGOUT = """\
  username |     session ID     |          revoked
-----------+--------------------+-----------------------------
  web_user | 784445853689282561 | 2022-08-02 18:24:50.819614
  web_user | 784447132063662081 | 2022-08-02 18:24:50.819614
(2 rows)
"""
LIST = (
    "  username |     session ID     |          created           |          expires           |"
    "          revoked           |         last used\n"
    "-----------+--------------------+----------------------------+----------------------------+"
    "----------------------------+-----------------------------\n"
    "  root     | 784428093743988737 | 2022-08-02 16:47:36.342338 | 2022-08-02 17:47:36.341997 |"
    " NULL                       | 2022-08-02 16:47:36.342338\n"
    "  web_user | 784447132063662081 | 2022-08-02 18:24:26.37664  | 2022-08-02 19:24:26.376299 |"
    " 2022-08-02 18:24:50.819614 | 2022-08-02 18:24:26.37664\n"
    "(2 rows)\n"
)


def test_session_list_is_without_borders_and_without_trailing_spaces():
    assert render(SESSIONS, session.COLUMNS, "table") == SESSION_LIST


def test_auth_session_login_is_laid_out_as_documented():
    row = {
        "username": "web_user",
        "session_id": "784445853689282561",
        "cookie": "session=CIGAtrWQq7rxChIQTXxYNNQxAYjyLAjHWxgUMQ==; Path=/; HttpOnly",
    }
    assert render([row], auth_session.MINTED, "table", "query") == LOGIN


def test_auth_session_logout_is_laid_out_as_documented():
    rows: list[Record] = [
        {"username": "web_user", "session_id": one, "revoked": "2022-08-02T18:24:50.819614Z"}
        for one in ("784445853689282561", "784447132063662081")
    ]
    assert render(rows, auth_session.ENDED, "table", "query") == LOGOUT


def test_auth_session_list_is_laid_out_as_documented():
    rows: list[Record] = [
        {
            "username": "root",
            "session_id": "784428093743988737",
            "created_at": "2022-08-02T16:47:36.342338Z",
            "expires_at": "2022-08-02T17:47:36.341997Z",
            "revoked_at": None,
            "last_used_at": "2022-08-02T16:47:36.342338Z",
        },
        {
            "username": "web_user",
            "session_id": "784447132063662081",
            "created_at": "2022-08-02T18:24:26.376640Z",
            "expires_at": "2022-08-02T19:24:26.376299Z",
            "revoked_at": "2022-08-02T18:24:50.819614Z",
            "last_used_at": "2022-08-02T18:24:26.376640Z",
        },
    ]
    assert render(rows, auth_session.LISTED, "table", "query") == LIST


def test_no_rows_is_a_header_and_zero_rows():
    assert render([], auth_session.ENDED, "table", "query") == (
        "  username | session ID | revoked\n-----------+------------+----------\n(0 rows)\n"
    )
    assert render([], session.COLUMNS, "table") == "ID  CURRENT  STATUS  CREATED  LAST USED  IP  USER AGENT\n"


def test_columns_line_up_under_wide_characters():
    rows = [{"name": "日本", "status": "x"}, {"name": "abc", "status": "y"}]
    columns = (Column("name", "name"), Column("status", "status"))
    assert render(rows, columns, "table") == "NAME  STATUS\n日本  x\nabc   y\n"


def test_records_show_whole_values_one_a_line():
    columns = (Column("name", "name"), Column("agent", "user agent", limit=3))
    assert render([{"name": "a", "agent": "abcdef"}, {"name": None, "agent": "x"}], columns, "records") == (
        "-[ RECORD 1 ]\nname       | a\nuser agent | abcdef\n-[ RECORD 2 ]\nname       | NULL\nuser agent | x\n"
    )


def test_one_thing_is_one_field_a_line():
    columns = (Column("username", "user"), Column("email", "email"))
    assert render_one({"username": "ada", "email": None}, columns, "table") == "user   ada\nemail  -\n"
