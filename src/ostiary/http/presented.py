"""Which credentials a request carries, and who holds them. Knows no authority: whoever can verify may ask.

A credential is accepted in two places only: the session cookie and `Authorization: Bearer`. When both are sent, the
bearer acts, as it was sent on purpose; but if the cookie works and belongs to another user the request is refused, so
that nobody ever acts as somebody else than they think. The same holds for several cookies of one name.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias, TypeVar

from ostiary.core.account import User
from ostiary.core.client import Client
from ostiary.core.oauth import jws
from ostiary.core.oauth.claims import ACCESS_TYPE
from ostiary.core.token import Token, is_session_token, parse
from ostiary.errors import NoCredentials, SessionInvalid, Unauthenticated
from ostiary.errors.translatable import translatable
from ostiary.http.addresses import Headers

MAXIMUM_COOKIES: Final = 4  # well-formed cookies of one name that are looked up; browsers send one


@dataclass(frozen=True, slots=True)
class Presented:
    """The credentials of a request, as text and unverified. Not in the repr: they are secrets."""

    bearer: str | None
    cookies: tuple[str, ...]

    def __repr__(self) -> str:
        """Without the secrets."""
        return f"Presented(bearer={self.bearer is not None}, cookies={len(self.cookies)})"


class OfSomebody(Protocol):
    """What verifying answers with: at the least, whose it is."""

    @property
    def user(self) -> User:
        """The user."""


H = TypeVar("H", bound=OfSomebody)
Verify: TypeAlias = Callable[[str, Client | None], Awaitable[H]]


class MixedCredentials(SessionInvalid):
    """Two credentials that work, of two users. Acting as either could be what nobody meant."""

    title = translatable("The request carries credentials of two users")


def presented(headers: Headers, cookie_names: Collection[bytes]) -> Presented:
    """Read what a request carries.

    Raises:
        SessionInvalid: more than one `Authorization`.
    """
    bearers: list[str | None] = []
    cookies: list[str] = []
    for name, value in headers:
        if name == b"cookie":
            cookies += _in_cookie(value, cookie_names)
        elif name == b"authorization":
            bearers.append(_in_authorization(value))
    if len(bearers) > 1:  # of any scheme and in any order: two readers would take two of them
        raise SessionInvalid("more than one Authorization was sent")
    return Presented(bearers[0] if bearers else None, tuple(cookies))


def only_session(named: Mapping[bytes, bytes], cookie_names: Collection[bytes]) -> Token | NoCredentials | None:
    """The token of a request that carries one session's and no other credential; None for every other request.

    Args:
        named: its headers, each of which is there once.

    Returns:
        The refusal as `holder` has it where there is no credential at all.
    """
    cookie, authorization = named.get(b"cookie"), named.get(b"authorization")
    given = _in_cookie(cookie, cookie_names) if cookie is not None else []
    if authorization is not None and (bearer := _in_authorization(authorization)) is not None:
        given.append(bearer)
    if not given:
        return NoCredentials()
    return parse(given[0]) if len(given) == 1 and given[0].startswith("sess_") else None


def can_be_ours(bearer: str) -> bool:
    """True if a bearer has the shape of something that this server hands out: a token of it, or an access JWT."""
    if parse(bearer) is not None:
        return True
    try:
        jws.read_outside(bearer, ACCESS_TYPE)
    except SessionInvalid:
        return False
    return True


def _in_cookie(value: bytes, names: Collection[bytes]) -> list[str]:
    """What a `Cookie` holds under these names; an empty one counts as missing."""
    found = []
    for pair in value.split(b";"):
        key, _, content = pair.partition(b"=")
        if key.strip() in names and (content := content.strip().strip(b'"')):
            found.append(content.decode("latin-1"))
    return found


def _in_authorization(value: bytes) -> str | None:
    """The bearer of an `Authorization`; None for another scheme."""
    scheme, _, content = value.strip().partition(b" ")
    return content.strip().decode("latin-1") if scheme.lower() == b"bearer" else None


async def holder(verify: Verify[H], given: Presented, client: Client | None) -> tuple[H, bool]:
    """Who holds these credentials, and whether it was by the cookie that they came.

    Raises:
        NoCredentials: nothing was sent.
        MixedCredentials: two that work, of two users.
        SessionInvalid, SessionExpired, SessionRevoked, TokenExpired, TokenRevoked: as `Authority.verify`.
        StoreUnavailable: nothing is known.
    """
    if given.bearer is not None:
        found = await verify(given.bearer, client)
        if given.cookies:
            _ensure_one_user([found, *(await _working(verify, given.cookies))[0]])
        return found, False
    if not given.cookies:
        raise NoCredentials
    if len(given.cookies) == 1:
        if not is_session_token(given.cookies[0]):
            raise SessionInvalid  # the cookie holds sessions only: every other kind of token has its own door
        return await verify(given.cookies[0], client), True
    holders, refusal = await _working(verify, given.cookies, client)
    if not holders:
        raise refusal or SessionInvalid
    _ensure_one_user(holders)
    return holders[0], True


async def _working(
    verify: Verify[H], cookies: Collection[str], client: Client | None = None
) -> tuple[list[H], Unauthenticated | None]:
    """The holders of those cookies that work, and the most telling refusal of the others."""
    holders: list[H] = []
    refusal: Unauthenticated | None = None
    for cookie in [cookie for cookie in dict.fromkeys(cookies) if is_session_token(cookie)][:MAXIMUM_COOKIES]:
        try:
            holders.append(await verify(cookie, client))
        except Unauthenticated as why:
            if refusal is None or isinstance(refusal, SessionInvalid):
                refusal = why
    return holders, refusal


def _ensure_one_user(holders: Collection[OfSomebody]) -> None:
    if len({holder.user.id for holder in holders}) > 1:
        raise MixedCredentials
