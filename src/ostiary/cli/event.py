"""`event`: the audit trail, for administrators."""

from __future__ import annotations

import sys
import time
from itertools import count
from typing import Any, Final

import click

from ostiary.cli.calls import MAXIMUM_PAGE
from ostiary.cli.evidence import checkpoint, receipt, verify
from ostiary.cli.failures import usage
from ostiary.cli.invocation import Invocation
from ostiary.cli.options import Noun, database_url_option, options
from ostiary.cli.output.column import Column, columns, microsecond
from ostiary.cli.output.structured import to_json_line
from ostiary.cli.output.text import safe
from ostiary.cli.span import moment

POLL: Final = 1.0  # seconds between two looks of `tail`
LOOK_BACK: Final = 5  # every so many looks, `tail` reads again what can still come up late

LISTED: Final = columns(
    "position", Column("at", "at", microsecond), "kind", "user_id:user", "session_id:session", "by", "ip", "reason"
)
EXPORTED: Final = (
    "position", "at", "kind", "user_id", "session_id", "by", "ip", "user_agent", "reason", "request_id", "detail",
)  # fmt: skip

about = options(
    click.option("--user", metavar="USERNAME", help="Of this user only: a name, or an id."),
    click.option("--kind", "kinds", multiple=True, metavar="KIND", help="Of this kind only; may be repeated."),
    click.option("--session", "session_id", metavar="ID", help="About this session only."),
)
when = options(
    click.option(
        "--since",
        metavar="WHEN",
        help="From then on: a time such as 2026-05-19T09:02:00Z, or so long ago, as 24h or 30d.",
    ),
    click.option("--until", metavar="WHEN", help="Before then, written in the same way."),
)


@click.group(cls=Noun)
def event() -> None:
    """The audit trail, for administrators: read it, follow it, take it elsewhere, prove it.

    Works through a server as a signed-in administrator, or on the database itself with --database-url.
    """


@event.command("list")
@about
@when
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, metavar="N", help="At most N.")
@database_url_option
@click.pass_obj
def list_(invocation: Invocation, /, limit: int, **asked: Any) -> None:
    """List what happened, newest first.

    \b
    Examples:
      ostiary event list --user web_user --since 24h
      ostiary event list --kind session.revoked --format json
    """
    size = min(limit + 1, MAXIMUM_PAGE)
    calls = invocation.administration()
    found = calls.ask_pages("list_events", "events", most=limit + 1, limit=size, **_query(**asked))
    invocation.show(found[:limit], LISTED)
    if len(found) > limit:
        invocation.warn(f"there are more than {limit}; raise --limit to see them")


@event.command()
@about
@click.option("--after", type=click.IntRange(0), metavar="POSITION", help="Begin after this position. [default: now]")
@database_url_option
@click.pass_obj
def tail(invocation: Invocation, /, after: int | None, **asked: Any) -> None:
    """Follow what happens, one line an event, until it is stopped.

    Nothing is lost: what commits late comes late, and after an outage it goes on where it was. When it is stopped, it
    says on stderr where to go on. Lines are JSON with --format json, ndjson or yaml.

    \b
    Examples:
      ostiary event tail
      ostiary event tail --kind session.revoked --format ndjson
    """
    from ostiary.cli.following import Following

    following = Following(invocation.administration(), _query(**asked), after)
    as_json = invocation.form in {"json", "ndjson", "yaml"}
    try:
        for number in count():
            for one in following.look(back=number % LOOK_BACK == 0, on_trouble=invocation.warn):
                invocation.write(to_json_line(one) if as_json else _line(one))
            sys.stdout.flush()
            time.sleep(POLL)
    except KeyboardInterrupt:  # that is how one stops it
        pass
    finally:
        invocation.say(f"To go on from here: ostiary event tail --after {following.settled}")


@event.command()
@about
@when
@database_url_option
@click.pass_obj
def export(invocation: Invocation, /, **asked: Any) -> None:
    """Write the trail, or a part of it, to stdout, oldest first: a page at a time, however long it is.

    As JSON lines, or with --format csv, where what a spreadsheet would take for a formula gets a quote in front.

    \b
    Examples:
      ostiary event export --since 30d > events.ndjson
      ostiary event export --format csv --since 2026-01-01 --until 2026-02-01 > january.csv
    """
    from ostiary.cli.output.flat import csv_lines

    form = "ndjson" if invocation.form == "table" else invocation.form
    if form not in {"ndjson", "csv"}:
        raise usage("an export is ndjson or csv")
    query = _query(**asked)
    calls, invocation.form = invocation.administration(), form
    if form == "csv":
        invocation.write(csv_lines([dict(zip(EXPORTED, EXPORTED, strict=True))], EXPORTED))
    for page in calls.pages("list_events", "events", order="oldest", after=0, limit=MAXIMUM_PAGE, **query):
        if form == "csv":
            invocation.write(csv_lines(page["events"], EXPORTED))
        else:
            invocation.write("".join(to_json_line(one) for one in page["events"]))


def _query(
    user: str | None, kinds: tuple[str, ...], session_id: str | None, since: str | None = None, until: str | None = None
) -> dict[str, object]:
    return {
        "user": user,
        "kind": ",".join(kinds) or None,
        "session_id": session_id,
        "since": moment("--since", since),
        "until": moment("--until", until),
    }


def _line(one: dict[str, object]) -> str:
    shown = [column.in_table(one) for column in LISTED]
    return safe("  ".join(shown)).rstrip() + "\n"


for command in (verify, checkpoint, receipt):
    event.add_command(command)
