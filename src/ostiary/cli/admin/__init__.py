"""`admin`: what administrators do about anybody's sessions."""

from __future__ import annotations

import click

from ostiary.cli.admin.neutralise import neutralise
from ostiary.cli.admin.session import session
from ostiary.cli.options import Noun


@click.group(cls=Noun)
def admin() -> None:
    """Anybody's sessions and credentials, for administrators."""


admin.add_command(session)
admin.add_command(neutralise)
