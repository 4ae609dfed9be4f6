"""Questions on a terminal. They go to stderr, so that stdout stays data; without a terminal nothing is ever guessed."""

from __future__ import annotations

import os
import sys

from ostiary.cli.failures import Aborted, usage
from ostiary.cli.output.text import safe


def on_terminal() -> bool:
    """True if somebody can answer."""
    return sys.stdin is not None and sys.stdin.isatty()


def ask(question: str) -> str:
    """One line.

    Raises:
        Aborted: end of input.
    """
    sys.stderr.write(question)
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line:
        raise Aborted
    return line.strip()


def confirm(question: str, *, yes: bool) -> None:
    """Return if the user agrees; `yes` agrees beforehand.

    Raises:
        Aborted: no, or nobody to ask.
    """
    if yes:
        return
    if not on_terminal():
        raise Aborted("no terminal to ask on; confirm with --yes")
    if ask(f"{safe(question)} [y/N] ").casefold() not in {"y", "yes"}:
        raise Aborted


def hidden(question: str) -> str:
    """A password, not shown while it is typed.

    Raises:
        Aborted: end of input.
    """
    import getpass

    try:
        return getpass.getpass(question, stream=sys.stderr)
    except EOFError:
        raise Aborted from None


def password(question: str, *, from_stdin: bool, twice: bool = False) -> str:
    """A password from the one place that was chosen: `--password-stdin`, `OSTIARY_PASSWORD`, or a terminal.

    Args:
        from_stdin: read stdin to its end; exactly one line ending is taken off, nothing else.
        twice: on a terminal, ask again, as a new password cannot be looked up.

    Raises:
        Failure: two places at once; nowhere to ask; not UTF-8; the two entries differ.
        Aborted: end of input on the terminal.
    """
    from_environment = os.environ.get("OSTIARY_PASSWORD")
    if from_stdin and from_environment is not None:
        raise usage("--password-stdin and OSTIARY_PASSWORD were both given; choose one")
    if from_stdin:
        return secret_from_stdin("password")
    if from_environment is not None:
        if not is_utf8(from_environment):
            raise usage("OSTIARY_PASSWORD is not UTF-8")
        return from_environment
    if not on_terminal():
        raise usage("no terminal to ask for the password; use --password-stdin or OSTIARY_PASSWORD")
    typed = hidden(question)
    if twice and hidden("Again: ") != typed:
        raise usage("the two passwords differ")
    return typed


def is_utf8(text: str) -> bool:
    """False for what the system handed over as bytes that are no text."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def secret_from_stdin(noun: str) -> str:
    """All of stdin without exactly one line ending.

    Raises:
        Failure: longer than any secret, or not UTF-8.
    """
    content = sys.stdin.buffer.read(65537)
    if len(content) > 65536:
        raise usage(f"the {noun} on stdin is too long")
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise usage(f"the {noun} on stdin is not UTF-8") from None
    return text.removesuffix("\n").removesuffix("\r") if text.endswith("\n") else text
