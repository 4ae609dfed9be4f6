"""One run of the command: what was asked for, from where, and where the answer goes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Literal, TextIO, TypeAlias

from ostiary.cli.failures import SIGN_IN, Failure, not_signed_in, usage
from ostiary.cli.output import MACHINE_FORMATS, Style, render, render_one
from ostiary.cli.output.text import safe

if TYPE_CHECKING:  # each is imported when a command needs it
    from ostiary.cli.address import Address
    from ostiary.cli.calls import Calls
    from ostiary.cli.output.column import Column, Record
    from ostiary.cli.profiles import Profile, Profiles
    from ostiary.cli.server_calls import ServerCalls

Colour: TypeAlias = Literal["green", "yellow", "red"]

_CODES = {"green": 32, "yellow": 33, "red": 31}


class Invocation:
    """The global options, filled while the command line is read, and what follows from them."""

    def __init__(self) -> None:
        self.server: str | None = None
        self.profile_name_given: str | None = None
        self.database_url: str | None = None
        self.form = "table"
        self.no_color = False
        self.verbose = False
        self.allow_plain_http = False

    # Where

    @cached_property
    def config_path(self) -> str:
        """The configuration file."""
        from ostiary.cli.config_file import config_path

        return config_path()

    @cached_property
    def profiles(self) -> Profiles:
        """What the configuration file says.

        Raises:
            Failure: it is not understood.
        """
        from ostiary.cli.profiles import load

        return load(self.config_path)

    @cached_property
    def profile_name(self) -> str:
        """`--profile`, `OSTIARY_PROFILE`, or the current one of the file."""
        from ostiary.cli.profiles import check_name

        given = self.profile_name_given or os.environ.get("OSTIARY_PROFILE")
        return check_name(given) if given else self.profiles.current

    @property
    def profile(self) -> Profile:
        """The profile in force, as the file has it now."""
        return self.profiles.get(self.profile_name)

    def server_source(self) -> tuple[str, str]:
        """The server's URL as given, and where from: `--server`, `OSTIARY_SERVER`, the profile, or the default."""
        from ostiary.cli.address import DEFAULT_SERVER

        if self.server:
            return self.server, "--server"
        if named := os.environ.get("OSTIARY_SERVER"):
            return named, "OSTIARY_SERVER"
        if self.profile.server:
            return self.profile.server, f"profile {self.profile_name}"
        return DEFAULT_SERVER, "default"

    @cached_property
    def address(self) -> Address:
        """The server to call.

        Raises:
            Failure: its URL is none.
        """
        from ostiary.cli.address import parse_address

        text, source = self.server_source()
        try:
            return parse_address(text)
        except ValueError as why:
            raise usage(f'{source}: "{text}" {why}') from None

    def bearer(self) -> str | None:
        """`OSTIARY_TOKEN`, else what the profile holds for exactly this server, else None."""
        return os.environ.get("OSTIARY_TOKEN") or self.profile.credential_for(self.address.origin)

    def calls(self) -> ServerCalls:
        """The server's API as the signed-in user.

        Raises:
            Failure: not signed in to this server; the credential would cross a network in the clear.
        """
        from ostiary.cli.server_calls import ServerCalls
        from ostiary.cli.step_up import reauthenticate

        bearer = self.bearer()
        if bearer is None:
            raise not_signed_in(self.address.url, self.profile_name)
        self.ensure_protected()
        return ServerCalls(
            self.address, bearer, reauthenticate=lambda calls: reauthenticate(self, calls), trace=self.trace()
        )

    def calls_as_nobody(self) -> ServerCalls:
        """The server's API without a credential."""
        from ostiary.cli.server_calls import ServerCalls

        return ServerCalls(self.address, trace=self.trace())

    def administration(self, *, create: bool = False) -> Calls:
        """The same API on the database where one is named, as its operator; else as `calls`.

        Args:
            create: make a SQLite file that is missing.

        Raises:
            Failure: as `calls`.
        """
        if self.database_url:
            from ostiary.cli.database import DatabaseCalls

            return DatabaseCalls(self.database_url, create=create)
        try:
            return self.calls()
        except Failure as failure:
            if failure.code == "no_credentials":
                failure.hint = f"{failure.hint}, or work on the database itself with --database-url"
            raise

    def ensure_protected(self) -> None:
        """Return if a secret may be sent to the server.

        Raises:
            Failure: plain http to another machine, which was not allowed.
        """
        if self.address.is_protected or self.allow_plain_http or self._plain_http_was_allowed():
            return
        raise usage(
            f"{self.address.url} is plain http on another machine: secrets could be read on the way; "
            "use https, or add --allow-plain-http"
        )

    def _plain_http_was_allowed(self) -> bool:
        profile = self.profile
        return profile.allow_plain_http and profile.issued_for == self.address.origin

    # What is said

    def show(self, records: Sequence[Record], columns: Sequence[Column], style: Style = "columns") -> None:
        """Write many things to stdout in the chosen format."""
        self.write(render(records, columns, self.form, style))

    def show_one(self, record: Record, columns: Sequence[Column]) -> None:
        """Write one thing to stdout in the chosen format."""
        self.write(render_one(record, columns, self.form))

    def show_all(self, records: Sequence[Record], columns: Sequence[Column]) -> None:
        """Write what several acts answered: one as an object, more as a list."""
        if len(records) == 1:
            self.show_one(records[0], columns)
        else:
            self.show(records, columns)

    def done(self, words: str, result: Record, columns: Sequence[Column]) -> None:
        """Say that an act is done: words for people on stderr; its result on stdout in any format but `table`."""
        if self.form == "table":
            self.say(f"{self.paint('✓', 'green', sys.stderr)} {safe(words)}")
        else:
            self.show_one(result, columns)

    def write(self, text: str) -> None:
        """Write data to stdout: what programs read is UTF-8, whatever the terminal speaks."""
        if self.form not in {"table", "records"}:
            sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
        sys.stdout.write(text)

    def say(self, words: str) -> None:
        """Write one line of words to stderr. What came from elsewhere is made safe by the caller."""
        sys.stderr.write(f"{words}\n")

    def warn(self, words: str) -> None:
        """A yellow line on stderr."""
        self.say(self.paint(safe(words), "yellow", sys.stderr))

    def note(self, words: str) -> None:
        """A yellow line on stderr that begins with `Note:`."""
        self.warn(f"Note: {words}")

    def trace(self) -> Callable[[str], None] | None:
        """Where requests are told of with `--verbose`."""
        return (lambda line: self.say(safe(line))) if self.verbose else None

    def paint(self, text: str, colour: Colour, stream: TextIO) -> str:
        """The text in a colour where that is wanted and possible."""
        if self.no_color or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not stream.isatty():
            return text
        return f"\x1b[{_CODES[colour]}m{text}\x1b[0m"

    def report(self, failure: Failure) -> None:
        """Say what went wrong: one line, and with a machine format the problem object on the next."""
        if failure.hint == SIGN_IN and os.environ.get("OSTIARY_TOKEN"):
            failure.hint = f"OSTIARY_TOKEN is what was refused: replace or unset it, or {SIGN_IN}"
        self.say(self.paint(failure.line, "red", sys.stderr))
        if self.form in MACHINE_FORMATS:
            from ostiary.cli.output.structured import to_json_line

            sys.stderr.write(to_json_line(dict(failure.problem)))
