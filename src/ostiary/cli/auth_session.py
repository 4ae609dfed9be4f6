"""`auth-session`: sessions of any user, for administrators."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import click

from ostiary.cli.answers import Object, member, text, texts
from ostiary.cli.calls import MAXIMUM_PAGE, Calls
from ostiary.cli.extent import extent_options, read_extent, tell_standing
from ostiary.cli.failures import rfc3339, usage
from ostiary.cli.invocation import Invocation
from ostiary.cli.matching import match
from ostiary.cli.options import Noun, database_url_option
from ostiary.cli.output.column import Column, columns, microsecond
from ostiary.cli.several import SIGNED_OUT, Several, own_id
from ostiary.cli.span import span
from ostiary.cli.waiting import REVOKED, show_revoked, wait_for, wait_options
from ostiary.core.duration import parse_duration

DEFAULT_LIMIT: Final = 1000
MATCHED: Final = 10 * MAXIMUM_PAGE  # sessions of a user in which the beginning of an id is looked for
STATUSES: Final = ("active", "stale", "expired", "revoked")

MINTED: Final = columns("username", Column("session_id", "session ID", is_id=True), "cookie:authentication cookie")
ENDED: Final = columns(
    "username", Column("session_id", "session ID", is_id=True), Column("revoked", "revoked", microsecond)
)
LISTED: Final = columns(
    "username",
    Column("session_id", "session ID", is_id=True),
    Column("created_at", "created", microsecond),
    Column("expires_at", "expires", microsecond),
    Column("revoked_at", "revoked", microsecond),
    Column("last_used_at", "last used", microsecond),
)


@click.group("auth-session", cls=Noun)
def auth_session() -> None:
    """Sessions of any user, for administrators and scripts.

    Works through a server as a signed-in administrator, or on the database itself with --database-url.
    """


@auth_session.command()
@click.argument("username")
@click.option(
    "--expire-after",
    default="1h0m0s",
    show_default=True,
    metavar="DURATION",
    help="How long it lasts: h, m and s, as 4h30m.",
)
@click.option("--reason", default="auth-session login", show_default=True, help="Why, for the audit trail.")
@click.option("--only-cookie", is_flag=True, help="Write the cookie and nothing else.")
@click.option("--cookie-jar", metavar="FILE", help="Write a file (0600) that 'curl --cookie FILE' loads.")
@click.option("--force", is_flag=True, help="Replace FILE when it exists.")
@database_url_option
@click.pass_obj
def login(
    invocation: Invocation,
    username: str,
    expire_after: str,
    reason: str,
    only_cookie: bool,
    cookie_jar: str | None,
    force: bool,
) -> None:
    """Make a session for USERNAME without their sign-in, and show its cookie once.

    The issuer is recorded. It lasts at most as long as the policy's lifetime; above it, at zero or below it nothing is
    made. The cookie jar is for the host of --server.

    \b
    Examples:
      ostiary auth-session login web_user --expire-after=4h30m
      curl --cookie "$(ostiary auth-session login web_user --only-cookie)" https://auth.example.org/api/v1/auth/whoami
      ostiary auth-session login web_user --cookie-jar jar.txt && curl --cookie jar.txt https://auth.example.org/
    """
    lifetime = f"{span('--expire-after', expire_after, parse_duration).total_seconds():f}s"
    if force and cookie_jar is None:
        raise usage("--force belongs to --cookie-jar")

    def mint() -> Object:
        calls = invocation.administration()
        return calls.ask("mint_session", username=username, expire_after=lifetime, reason=reason)

    if cookie_jar is None:
        minted = mint()
    else:
        from ostiary.cli.cookie_jar import to_cookie_jar
        from ostiary.cli.private_file import PrivateFile

        with PrivateFile(cookie_jar, replace=force) as file:  # opened first: a cookie that cannot be kept is not made
            minted = mint()
            expires_at = text(member(minted, "session"), "expires_at")
            file.write(to_cookie_jar(text(minted, "cookie"), invocation.address, expires_at))
    cookie, started = text(minted, "cookie"), member(minted, "session")
    if only_cookie:
        invocation.write(f"{cookie}\n")
        return
    row = {
        "username": text(minted, "username"),
        "session_id": text(started, "id"),
        "cookie": cookie,
        "expires_at": text(started, "expires_at"),
    }
    invocation.show([row], MINTED, "query")


@auth_session.command()
@click.argument("username")
@click.option("--session", "session_id", metavar="ID", help="End only this one; the beginning of its id will do.")
@click.option(
    "--standing", is_flag=True, help="With --session: end also what hangs there and acts while they are away."
)
@database_url_option
@click.pass_obj
def logout(invocation: Invocation, username: str, session_id: str | None, standing: bool) -> None:
    """End every session of USERNAME, and nobody else's. Nothing is asked.

    Shows those that were ended earlier, too, with their first time; of more than 1000, those that ended last, the
    newest first. CLI tokens are not touched.

    \b
    Examples:
      ostiary auth-session logout web_user
      ostiary auth-session logout web_user --session sess_k3v7
    """
    if standing and session_id is None:
        raise usage("--standing belongs to --session: without it everything of the user ends")
    calls = invocation.administration()
    own = None if invocation.database_url else own_id(invocation)
    if session_id is not None:
        one = _end_one(invocation, calls, username, session_id, standing)
        invocation.show(one, ENDED, "query")
        _note_own(invocation, own, one)
        return
    answer = calls.ask("sign_out_user", username=username)
    ended: list[Object] = answer.get("sessions") or []
    invocation.show(ended, ENDED, "query")
    _note_own(invocation, own, ended)
    if answer.get("more") is True:
        invocation.warn(f"these are the {len(ended)} that ended last; there are more, which 'auth-session list' has")


@auth_session.command()
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@extent_options
@wait_options
@click.pass_obj
def revoke(
    invocation: Invocation,
    ids: tuple[str, ...],
    below: bool,
    device: bool,
    standing: bool,
    wait: bool,
    wait_timeout: str,
) -> None:
    """End sessions by their whole ids, whosever they are. Nothing is asked.

    Of several, each is tried, the one that this command uses last, and each is told with its id. The exit code is 3 if
    only unknown ones failed, else that of the first other failure.

    Ending one that has ended is no error, and its first reason stays. --wait waits for the programs that remember
    sessions, too; when one may still accept it at the end, it is named with the time its trust runs out, and the exit
    code is 1.

    \b
    Examples:
      ostiary auth-session revoke sess_k3v7mzpq2w4x6y7a2b3c4d5e6f --wait
    """
    patience = span("--wait-timeout", wait_timeout, parse_duration)
    how_far = read_extent(below, device, standing)
    calls = invocation.calls()
    several, own = Several(invocation, ids), own_id(invocation)

    def end(session_id: str) -> Object:
        answer = calls.ask("revoke_any_session", session_id=session_id, **how_far)
        if invocation.form == "table":
            invocation.done(f"Session {session_id} revoked.", answer, REVOKED)
        tell_standing(invocation, answer, f"ostiary auth-session revoke {session_id} --standing")
        return answer

    several.do([one for one in several.names if one != own], end)
    lags = wait_for(calls, "show_any_lag", texts(several.answers, "id"), patience) if wait else []
    several.do([one for one in several.names if one == own], end)
    show_revoked(invocation, several, lags)


@auth_session.command("list")
@click.option("--user", "username", metavar="USERNAME", help="Of this user only.")
@click.option("--status", type=click.Choice(STATUSES), help="Of this status only.")
@click.option(
    "--limit", type=click.IntRange(1), default=DEFAULT_LIMIT, show_default=True, metavar="N", help="At most N."
)
@database_url_option
@click.pass_obj
def list_(invocation: Invocation, username: str | None, status: str | None, limit: int) -> None:
    """List sessions of all users, oldest first: active ones, and ended ones until they are purged.

    Where there are more than --limit, the newest are listed, the newest first, and a line says so.

    NULL in the column `revoked` says that nobody ended it; whether it expired says the status, which json, ndjson and
    yaml carry. Times are UTC.

    \b
    Examples:
      ostiary auth-session list
      ostiary auth-session list --user web_user --status active --format json
    """
    found = _newest(invocation.administration(), limit + 1, user=username, status=status)
    is_cut = len(found) > limit
    shown: list[Object] = found[:limit] if is_cut else found[::-1]
    invocation.show(shown, LISTED, "query")
    if is_cut:
        invocation.warn(f"there are more than {limit}: these are the newest; raise --limit to see older ones")


def _note_own(invocation: Invocation, own: str | None, ended: list[Object]) -> None:
    if own is not None and own in texts(ended, "session_id"):
        invocation.note(SIGNED_OUT)


def _end_one(invocation: Invocation, calls: Calls, username: str, session_id: str, standing: bool) -> list[Object]:
    """End a session of that user, named whole or by its beginning; it as a row of `ENDED`."""
    known = texts(_newest(calls, MATCHED, user=username), "session_id")
    chosen = match(session_id, known, "sess", "session")
    answer = calls.ask("revoke_any_session", session_id=chosen, **read_extent(False, False, standing))
    tell_standing(invocation, answer, f"ostiary auth-session logout {username} --session {chosen} --standing")
    if answer.get("is_current") is True:
        at = rfc3339(datetime.now(UTC))  # of our clock: nobody can ask with the session that just ended
        return [{"username": username, "session_id": chosen, "revoked": at}]
    ended = _newest(calls, 1, q=chosen)
    return [{"username": one["username"], "session_id": chosen, "revoked": one["revoked_at"]} for one in ended]


def _newest(calls: Calls, most: int, **filters: object) -> list[Object]:
    """Rows of `LISTED`, with their status."""
    size = min(most, MAXIMUM_PAGE)
    found = calls.ask_pages("search_sessions", "sessions", most=most, sort="-created_at", limit=size, **filters)
    return [_row(one) for one in found]


def _row(one: Object) -> Object:
    return {
        "username": one.get("username") or one.get("user_id"),
        "session_id": text(one, "id"),
        "created_at": one.get("created_at"),
        "expires_at": one.get("expires_at"),
        "revoked_at": one.get("revoked_at") or (one.get("ended_at") if one.get("status") == "revoked" else None),
        "last_used_at": one.get("last_used_at"),
        "status": one.get("status"),
    }
