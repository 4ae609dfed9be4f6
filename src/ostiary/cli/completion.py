"""`completion`: a script for the shell."""

from __future__ import annotations

import click

from ostiary.cli.failures import Failure
from ostiary.cli.invocation import Invocation
from ostiary.cli.options import Verb

SHELLS = ("bash", "zsh", "fish")


@click.command(cls=Verb)
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_obj
@click.pass_context
def completion(context: click.Context, invocation: Invocation, shell: str) -> None:
    """Write a script that completes ostiary's commands and options in your shell.

    It contacts no server and completes no ids.

    \b
    Examples:
      eval "$(ostiary completion bash)"
      ostiary completion zsh > "${fpath[1]}/_ostiary"
      ostiary completion fish > ~/.config/fish/completions/ostiary.fish
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    if kind is None:
        raise Failure(f"no completion for {shell}")
    invocation.write(kind(context.find_root().command, {}, "ostiary", "_OSTIARY_COMPLETE").source() + "\n")
