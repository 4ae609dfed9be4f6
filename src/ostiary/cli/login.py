"""`login`: sign in, and remember it. One session per profile."""

from __future__ import annotations

import os
from typing import Final

import click

from ostiary.cli.answers import Object, member, text
from ostiary.cli.ask import ask, hidden, on_terminal, password, secret_from_stdin
from ostiary.cli.failures import Failure, UnusableAnswer, usage
from ostiary.cli.invocation import Invocation
from ostiary.cli.options import Verb, password_stdin_option
from ostiary.cli.output.column import columns, minute
from ostiary.cli.output.text import safe
from ostiary.cli.profiles import Profile, store
from ostiary.cli.remembered import end, home, is_session, public_id
from ostiary.cli.server_calls import ServerCalls, checked_bearer
from ostiary.cli.step_up import keep_renewed

STARTED: Final = columns("id", "username:user", "server", "expires_at")


@click.command(cls=Verb)
@click.option("--username", metavar="NAME", help="Who to sign in as; asked for on a terminal.")
@password_stdin_option
@click.option(
    "--token",
    metavar="[TOKEN]",
    is_flag=False,
    flag_value="-",
    help="Remember this CLI token or session token instead of signing in. Without a value it is asked for, or read "
    "from stdin, so that it shows in no list of processes.",
)
@click.option(
    "--step-up",
    is_flag=True,
    help="Prove the password again in the session that is remembered, for acts that need a fresh sign-in.",
)
@click.pass_obj
def login(invocation: Invocation, username: str | None, password_stdin: bool, token: str | None, step_up: bool) -> None:
    """Sign in, and remember it in the profile.

    Starts one session of the kind `cli` on the server. A session that the profile remembered before is ended. The
    password comes from a terminal, --password-stdin or OSTIARY_PASSWORD, and is not kept. Over plain http to another
    machine nothing is sent unless --allow-plain-http is given.

    \b
    Examples:
      ostiary login --server https://auth.example.org --username web_user
      ostiary login --password-stdin --username web_user < password.txt
      ostiary login --profile staging --token < token.txt
      ostiary login --step-up
    """
    _ = invocation.profile  # a file that is not understood stops here, before anything is made
    invocation.ensure_protected()
    if step_up:
        if token is not None or username is not None:
            raise usage("--step-up takes neither --username nor --token: it is about the session that is remembered")
        _prove_again(invocation, password_stdin)
        return
    if token is not None:
        if username or password_stdin:
            raise usage("--token takes neither --username nor --password-stdin")
        user, held, bearer = _check_token(invocation, _given(token))
    else:
        user, held, bearer = _sign_in(invocation, username, password_stdin)
    who = text(user, "username") or text(user, "id")
    before = _remember(invocation, who, bearer)
    _end_earlier(invocation, before, bearer)
    url, expires_at = invocation.address.url, held.get("expires_at")
    until = f" until {minute(expires_at)} UTC" if expires_at else ""
    result = {"id": held.get("id"), "username": who, "server": url, "expires_at": expires_at}
    if os.environ.get("OSTIARY_TOKEN"):
        invocation.note("OSTIARY_TOKEN is set and comes before what was remembered now.")
    invocation.done(f"Signed in as {who}. Remembered for {url}{until}.", result, STARTED)


def _prove_again(invocation: Invocation, password_stdin: bool) -> None:
    """The same session under a new secret, with a fresh sign-in time."""
    calls = invocation.calls()
    answer = calls.ask("reauthenticate", password=password("Password: ", from_stdin=password_stdin))
    keep_renewed(invocation, answer)
    who = text(member(answer, "user"), "username")
    held = member(answer, "session")
    result = {"id": held.get("id"), "username": who, "server": invocation.address.url, "expires_at": held["expires_at"]}
    invocation.done(f"Signed in as {who} again, in the same session.", result, STARTED)


def _sign_in(invocation: Invocation, username: str | None, password_stdin: bool) -> tuple[Object, Object, str]:
    if username is None:
        if not on_terminal():
            raise usage("no terminal to ask for the username; use --username")
        username = ask("Username: ")
    secret = password(f"Password for {safe(username)}: ", from_stdin=password_stdin)
    answer = invocation.calls_as_nobody().ask("sign_in", username=username, password=secret, transport="bearer")
    bearer = text(answer, "token")
    if not bearer:
        raise UnusableAnswer(invocation.address.url, "it gave no token")
    return member(answer, "user"), member(answer, "session"), checked_bearer(bearer)


def _given(token: str) -> str:
    if token != "-":
        return token
    return hidden("Token: ").strip() if on_terminal() else secret_from_stdin("token").strip()


def _check_token(invocation: Invocation, bearer: str) -> tuple[Object, Object, str]:
    calls = ServerCalls(invocation.address, bearer, trace=invocation.trace())
    try:
        answer = calls.ask("who_am_i")
    except Failure as failure:
        failure.hint = None  # "run 'ostiary login'" is what is being done
        raise
    return member(answer, "user"), member(answer, "session") or member(answer, "token"), bearer


def _remember(invocation: Invocation, username: str, bearer: str) -> Profile:
    """Store it; answers what the profile held before."""
    address = invocation.address
    plain = not address.is_protected  # allowed just now; remembered for this origin only
    profile = Profile(invocation.profile_name, address.url, username, bearer, address.origin, plain)
    try:
        return store(invocation.config_path, profile)
    except Failure:
        if is_session(bearer):
            end(ServerCalls(address, bearer))  # nobody would hold its secret
        raise


def _end_earlier(invocation: Invocation, before: Profile, bearer: str) -> None:
    """Best effort: signing in again leaves one session, not two."""
    old = before.credential
    if old is None or not is_session(old) or before.issued_for is None:
        return  # a CLI token has its own lifecycle
    if before.issued_for == invocation.address.origin and public_id(old) == public_id(bearer):
        return
    problem = end(ServerCalls(home(before), old, trace=invocation.trace()))
    if problem is not None:
        invocation.note(f"the session remembered before, {public_id(old)}, could not be ended: {problem.message}")
