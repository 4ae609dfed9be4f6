"""Options that many commands share. The global ones may stand before the noun or after the verb."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any, Final

import click

from ostiary.cli.invocation import Invocation
from ostiary.cli.output import FORMATS


def _sets(name: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def callback(context: click.Context, parameter: click.Parameter, value: Any) -> None:
        if value and isinstance(context.obj, Invocation):  # absent, it leaves what stood further left
            setattr(context.obj, name, value)

    return callback


def global_options() -> list[click.Option]:
    """New option objects, as click wants one set per command."""
    return [
        click.Option(
            ["--server"],
            metavar="URL",
            expose_value=False,
            callback=_sets("server"),
            help="The server to call. [OSTIARY_SERVER; default: the profile's, else http://127.0.0.1:8420]",
        ),
        click.Option(
            ["--profile"],
            metavar="NAME",
            expose_value=False,
            callback=_sets("profile_name_given"),
            help="The stored server and credential to use. [OSTIARY_PROFILE; default: the current one]",
        ),
        click.Option(
            ["--format", "-f"],
            type=click.Choice(FORMATS),
            metavar="FORMAT",
            expose_value=False,
            is_eager=True,
            callback=_sets("form"),
            help=f"How to write data: {', '.join(FORMATS)}. [default: table]",
        ),
        click.Option(
            ["--allow-plain-http"],
            is_flag=True,
            expose_value=False,
            callback=_sets("allow_plain_http"),
            envvar="OSTIARY_ALLOW_PLAIN_HTTP",
            help="Send secrets over plain http to another machine, too.",
        ),
        click.Option(
            ["--no-color"],
            is_flag=True,
            expose_value=False,
            is_eager=True,
            callback=_sets("no_color"),
            help="No colour. [NO_COLOR]",
        ),
        click.Option(
            ["--verbose", "-v"],
            is_flag=True,
            expose_value=False,
            is_eager=True,
            callback=_sets("verbose"),
            help="Tell of every request on stderr; show where an unexpected error came from.",
        ),
    ]


def options(*several: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Several options as one decorator; help shows them in this order."""
    return lambda command: reduce(lambda made, option: option(made), reversed(several), command)


class Verb(click.Command):
    """A command that takes the global options, too, and lists them apart."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        taken = {name for parameter in self.params for name in parameter.opts}
        self._global = [option for option in global_options() if not taken & set(option.opts)]
        self.params += self._global

    def format_options(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the command's own options, then the global ones."""
        rows = [(parameter, parameter.get_help_record(context)) for parameter in self.get_params(context)]
        for title, belongs in (("Options", False), ("Global options", True)):
            found = [record for parameter, record in rows if record and (parameter in self._global) is belongs]
            if found:
                with formatter.section(title):
                    formatter.write_dl(found)


class Noun(click.Group):
    """A group whose verbs take the global options."""

    command_class = Verb


yes_option: Final = click.option("--yes", "-y", is_flag=True, help="Do not ask.")
password_stdin_option: Final = click.option(
    "--password-stdin", is_flag=True, help="Read the password from stdin; one line ending is taken off."
)
database_url_option: Final = click.option(
    "--database-url",
    metavar="URL",
    envvar="OSTIARY_DATABASE_URL",
    expose_value=False,
    callback=_sets("database_url"),
    help="Work directly on this database, without a server: sqlite:///path or postgresql://user:password@host/name. "
    "Recorded as done by an operator. [OSTIARY_DATABASE_URL]",
)
own_database_url_option: Final = click.option(  # without envvar: `settings` reads it, and knows where it is from
    "--database-url",
    metavar="URL",
    help="The database: sqlite:///path or postgresql://user:password@host/name. [OSTIARY_DATABASE_URL; default: as for "
    "'ostiary serve']",
)
