"""Door 3, the terminal: `ostiary <noun> <verb>`. A noun's file is imported only when it is used."""

from __future__ import annotations

import contextlib
import os
import sys
from importlib import import_module
from typing import Final, NoReturn

import click

from ostiary import __version__
from ostiary.cli.failures import FAILED, SERVER_FAILED, USAGE, Aborted, Failure, from_error, usage
from ostiary.cli.invocation import Invocation
from ostiary.cli.options import global_options
from ostiary.cli.output.text import safe
from ostiary.errors import OstiaryError

# Name, where `<module>.<attribute>` is, and what `ostiary --help` says: known without importing any of them.
COMMANDS: Final[dict[str, tuple[str, str, str]]] = {
    "login": ("login", "login", "Sign in, and remember it."),
    "logout": ("logout", "logout", "End the remembered session and forget it."),
    "whoami": ("whoami", "whoami", "Who you are to the server."),
    "session": ("session", "session", "Your own sessions: list, revoke."),
    "token": ("token", "token", "Your CLI tokens: list, create, revoke, rotate, validate."),
    "auth-session": (
        "auth_session",
        "auth_session",
        "Sessions of any user, for administrators: login, logout, revoke, list.",
    ),
    "verifier": ("verifier", "verifier", "Programs that remember sessions, for administrators: list."),
    "user": ("user", "user", "Accounts, for administrators: add, list, show, disable, …"),
    "client": ("client", "client", "OAuth clients, for administrators: add, list, show, …"),
    "resource": ("resource", "resource", "Servers that tokens can be for, for administrators: add, list, …"),
    "admin": ("admin", "admin", "Anybody's sessions, for administrators: session, neutralise."),
    "keys": ("keys", "keys", "The keys that sign OAuth tokens: rotate, generate."),
    "event": ("event", "event", "The audit trail, for administrators: list, tail, export, verify, …"),
    "profile": ("profile", "profile", "Remembered servers: list, show, use, remove."),
    "serve": ("serve", "serve", "Run the server."),
    "migrate": ("upkeep", "migrate", "Bring a database to this version's schema."),
    "purge": ("upkeep", "purge", "Remove what ended long ago."),
    "doctor": ("doctor", "doctor", "What is in force, what is unsafe, what to do."),
    "completion": ("completion", "completion", "A script that completes commands in your shell."),
}


class Door(click.Group):
    """The root: lists its commands from the table, imports one when it is called."""

    def list_commands(self, context: click.Context) -> list[str]:
        """The names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """The command, imported now."""
        if name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[name]
        command: click.Command = getattr(import_module(f"ostiary.cli.{module}"), attribute)
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table without importing a command."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, _, about) in COMMANDS.items()])


def _window() -> int:
    """Columns for help texts. Asked here, as click would import a module for it."""
    try:
        return max(min(os.get_terminal_size(sys.stdout.fileno()).columns, 110), 50)
    except (OSError, ValueError, AttributeError):
        return 80


root: Final = Door(
    name="ostiary",
    params=list(global_options()),
    help="""Who is signed in, from where and on which device; and end any of that now, everywhere.

    \b
    Examples:
      ostiary login --server https://auth.example.org
      ostiary session list
      ostiary session revoke sess_k3v7
    """,
    context_settings={"help_option_names": ["--help", "-h"], "terminal_width": _window()},
)
click.version_option(__version__, prog_name="ostiary", message="%(prog)s %(version)s")(root)


def main() -> None:
    """Run the command line and leave with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    code = run(sys.argv[1:])
    if "asyncio" in sys.modules:  # what worked on a database or served may have left something to put away
        sys.exit(code)
    _leave(code)


def _leave(code: int) -> NoReturn:
    """End the process as it is. To take all its modules apart first took a sixth of a command's time."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # who read it has gone, or it was closed
            stream.flush()
    os._exit(code)


def run(arguments: list[str]) -> int:
    """Run one command; every outcome becomes an exit code, and every error one line."""
    invocation = Invocation()
    try:
        if not "".join(arguments).isascii():
            _ensure_text(arguments)
        code = root.main(arguments, prog_name="ostiary", standalone_mode=False, obj=invocation)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except BrokenPipeError:
        _give_up_stdout()
        return FAILED
    except (KeyboardInterrupt, click.Abort):
        sys.stderr.write("\naborted\n" if sys.stderr.isatty() else "aborted\n")  # not beside the ^C
        return FAILED
    except Aborted as why:
        sys.stderr.write(f"aborted: {why}\n" if str(why) else "aborted\n")
        return FAILED
    except click.exceptions.NoArgsIsHelpError as help_wanted:
        help_wanted.show()
        return USAGE
    except Exception as error:
        failure = _failure(error)
        if invocation.verbose and not isinstance(error, Failure | click.ClickException):
            import traceback

            traceback.print_exc()
        invocation.report(failure)
        if isinstance(error, OSError):
            _give_up_stdout()
        return failure.exit_code


def _ensure_text(arguments: list[str]) -> None:
    from ostiary.cli.ask import is_utf8

    for argument in arguments:
        if not is_utf8(argument):
            raise usage(f'"{argument}" is not UTF-8')


def _give_up_stdout() -> None:
    """Let what could not be written go, so that the flush at exit does not fail once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _failure(error: Exception) -> Failure:
    if isinstance(error, Failure):
        return error
    if isinstance(error, OstiaryError):
        return from_error(error)
    if isinstance(error, click.ClickException):
        context = getattr(error, "ctx", None)
        hint = f"see '{context.command_path} --help'" if context else None
        code = "invalid_request" if error.exit_code == USAGE else "failed"
        return Failure(error.format_message().rstrip("."), error.exit_code, hint=hint, code=code)
    if isinstance(error, OSError):
        return Failure(safe(f"{error.filename}: {error.strerror}" if error.filename else str(error)))
    words = f"this should not have happened ({type(error).__name__})"
    return Failure(words, SERVER_FAILED, hint="run it again with --verbose and report what it says", code="fault")
