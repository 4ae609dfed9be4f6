"""The credential that a profile remembers: whose it is, and ending it where it is from."""

from __future__ import annotations

from ostiary.cli.address import Address, parse_address
from ostiary.cli.failures import REFUSED, Failure, usage
from ostiary.cli.profiles import Profile
from ostiary.cli.server_calls import ServerCalls


def is_session(bearer: str) -> bool:
    """True for a session token: it ends with the sign-in. A CLI token has its own lifecycle."""
    return bearer.startswith("sess_")


def public_id(bearer: str | None) -> str | None:
    """The part of a credential that is no secret; None when it has no such part."""
    identity, separator, _ = (bearer or "").partition(".")
    return identity if separator and identity.startswith(("sess_", "ost_")) else None


def home(profile: Profile) -> Address:
    """Where the remembered credential is from; with the path of the server's URL, which an origin has not.

    Raises:
        Failure: the file was changed by hand, and holds no URL there.
    """
    try:
        origin = parse_address(profile.issued_for or "")
        server = parse_address(profile.server or origin.url)
    except ValueError as why:
        raise usage(f"profile {profile.name}: a server's URL in it {why}") from None
    return server if server.origin == origin.origin else origin


def end(calls: ServerCalls) -> Failure | None:
    """End the session that the credential is of; what stood in the way, if it may live on."""
    try:
        calls.ask("sign_out")
    except Failure as failure:
        return None if failure.exit_code == REFUSED else failure  # refused: it had ended already
    return None
