"""`admin neutralise`: a credential has leaked; see what hangs on it, and end all of it."""

from __future__ import annotations

from typing import Final

import click

from ostiary.cli.answers import Object, counted, text
from ostiary.cli.ask import confirm, hidden, is_utf8, on_terminal, secret_from_stdin
from ostiary.cli.failures import CONFLICT, Failure, usage
from ostiary.cli.invocation import Invocation
from ostiary.cli.options import Verb, database_url_option, yes_option
from ostiary.cli.output import MACHINE_FORMATS
from ostiary.cli.output.column import Column, columns, yes

MAXIMUM_FILE: Final = 65536  # bytes: a line with a credential in it, not a whole log

COLUMNS: Final = columns(
    "id",
    "what",
    Column("works", "works", yes),
    "created_at:made",
    "last_used_at",
    "expires_at",
    Column("about", "about", limit=26),
)
SUMMARY: Final = columns("id", "kind", "matches", "username", "sessions", "tokens", "applied")


@click.command(cls=Verb)
@click.argument("leaked", metavar="[ID]", required=False)
@click.option("--stdin", "from_stdin", is_flag=True, help="Read the credential from stdin.")
@click.option("--file", "path", metavar="FILE", help="Read the credential from this file.")
@click.option("--dry-run", is_flag=True, help="Only show what hangs on it.")
@yes_option
@database_url_option
@click.pass_obj
def neutralise(
    invocation: Invocation, leaked: str | None, from_stdin: bool, path: str | None, dry_run: bool, yes: bool
) -> None:
    """End everything that hangs on a leaked credential, in one act.

    Any credential will do: a session token, a whole cookie line, an access or refresh token, a code, a CLI token, or
    the id of one; ended ones, too. What was made with it, and with what was made with it, is shown and ends with it.
    Nothing of another user is touched. Without an argument, and without --stdin or --file, it is asked for and not
    shown. An argument stays in the history of the shell, so give only ids there.

    \b
    Examples:
      ostiary admin neutralise sess_k3v7mzpq2w4x6y7a2b3c4d5e6f
      ostiary admin neutralise --file leaked-line.txt --dry-run
      pbpaste | ostiary admin neutralise --stdin --yes --format json
    """
    credential = _credential(invocation, leaked, from_stdin=from_stdin, path=path)
    calls = invocation.administration()
    found = _with_things(calls.ask("preview_neutralise", credential=credential))
    if dry_run:
        _tell(invocation, found)
        _show(invocation, found)
        return
    _tell(invocation, found)
    if invocation.form == "table":
        _show(invocation, found)
    if not any(one.get("works") for one in found["things"] if one.get("what") != "session_of_another"):
        invocation.say("Nothing of it works any more: there is nothing to end.")
        if invocation.form != "table":
            _show(invocation, found)
        return
    by_id = found.get("matches") is False
    if by_id and yes:
        words = (
            f"the secret is not the one of {text(found, 'id')}; to end what hangs on that id anyway, give the id alone"
        )
        raise Failure(words, CONFLICT, code="conflict")
    question = "The secret is wrong. End what hangs on its id anyway?" if by_id else "End all of it now?"
    confirm(question, yes=yes)
    done = _with_things(calls.ask("neutralise", credential=text(found, "id") if by_id else credential))
    ended = f"{counted(done, 'sessions', 'session')} and {counted(done, 'tokens', 'CLI token')}"
    if invocation.form == "table":
        invocation.done(f"Neutralised: {ended} ended.", done, SUMMARY)
    else:
        _show(invocation, done)


def _with_things(answer: Object) -> Object:
    things = answer.get("things")
    return {**answer, "things": [one for one in things if isinstance(one, dict)] if isinstance(things, list) else []}


def _credential(invocation: Invocation, leaked: str | None, *, from_stdin: bool, path: str | None) -> str:
    """The text from the one place that was chosen.

    Raises:
        Failure: several places, none, or not a text.
    """
    if sum((leaked is not None, from_stdin, path is not None)) > 1:
        raise usage("give an id, --stdin or --file, and only one of them")
    if leaked is not None:
        if "." in leaked:
            invocation.warn(
                "A secret as an argument is in your shell's history now, and others on this machine could see it; "
                "use --stdin or --file next time."
            )
        return leaked
    if from_stdin:
        return secret_from_stdin("credential")
    if path is not None:
        return _read(path)
    if not on_terminal():
        raise usage("no terminal to ask for the credential; use --stdin or --file, or give an id")
    return hidden("The leaked credential (not shown): ")


def _read(path: str) -> str:
    with open(path, "rb") as file:
        content = file.read(MAXIMUM_FILE + 1)
    if len(content) > MAXIMUM_FILE:
        raise usage(f"{path} is larger than {MAXIMUM_FILE // 1024} KiB: give the line with the credential in it")
    found = content.decode(errors="surrogateescape")
    if not is_utf8(found):
        raise usage(f"{path} is not UTF-8")
    return found


def _tell(invocation: Invocation, found: Object) -> None:
    """In words, so that a person can decide: whose it is, how much hangs on it, and whether the secret is right."""
    kind = text(found, "kind").replace("_", " ")
    whose = text(found, "username") or text(found, "user_id")
    how_much = f"{counted(found, 'sessions', 'session')} and {counted(found, 'tokens', 'CLI token')}"
    invocation.say(f"{text(found, 'id')} ({kind}) of {whose}: {how_much} would end.")
    if found.get("matches") is False:
        invocation.warn("The secret does not match: it is old, cut off or made up. The id, which is public, is real.")
    others = [one for one in found["things"] if one.get("what") == "session_of_another" and one.get("works")]
    if others:
        ids = " ".join(text(one, "id") for one in others[:10])
        invocation.warn(f"It also made sessions for other users, which are not ended with it: {ids}")


def _show(invocation: Invocation, found: Object) -> None:
    if invocation.form in MACHINE_FORMATS:
        invocation.show_one(found, SUMMARY)
    else:
        invocation.show(found["things"], COLUMNS)
