"""How far an ending goes: a session, what hangs under it, or its whole device."""

from __future__ import annotations

from typing import Final

import click

from ostiary.cli.answers import Object
from ostiary.cli.failures import usage
from ostiary.cli.invocation import Invocation
from ostiary.cli.options import options

extent_options: Final = options(
    click.option("--below", is_flag=True, help="End only what hangs under the session."),
    click.option("--device", is_flag=True, help="End the whole device that the session is on."),
    click.option("--standing", is_flag=True, help="End also what hangs there and acts while its user is away."),
)


def read_extent(below: bool, device: bool, standing: bool) -> Object:
    """What the options stand for, as the API takes it; what is not said is not sent.

    Raises:
        Failure: two that contradict each other.
    """
    if below and device:
        raise usage("--below and --device contradict each other: the device is what the session hangs under")
    extent: Object = {"extent": "below" if below else "device"} if below or device else {}
    return {**extent, "standing": True} if standing else extent


def tell_standing(invocation: Invocation, answer: Object, command: str) -> None:
    """Say what an ending left that acts while its user is away, and the command that ends it."""
    number = answer.get("live_standing")
    if number:
        what = "1 grant that it let in still works" if number == 1 else f"{number} grants that it let in still work"
        invocation.note(f"{what}, as it may act while its user is away; to end: {command}")
