"""Cross-origin defence: whether a request that changes something was made by our own pages.

Browsers say where a request comes from in `Sec-Fetch-Site` (all since 2023) and in `Origin` (all, on every request that
is not a GET), and no page can forge either. A request that carries the cookie and says neither is refused: it is no
browser's. A script that posts with a cookie adds `Sec-Fetch-Site: none`; one that uses a bearer needs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ostiary.errors import NotAllowed
from ostiary.http.addresses import Arrival, without_default_port

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
OWN_SITES: Final = frozenset({"same-origin", "none"})  # `none`: the person did it, not a page


def ensure_own_origin(headers: Mapping[str, str], arrival: Arrival, public_url: str | None, *, must_say: bool) -> None:
    """Return if the request comes from our own origin.

    Args:
        must_say: True when the cookie came along; without it, silence is fine (a command line that signs in).

    Raises:
        NotAllowed: it comes from elsewhere, or does not say.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        if site.lower() not in OWN_SITES:
            raise NotAllowed("this request came from another site")
        return
    origin = headers.get("origin")
    if origin is not None:
        own = {arrival.origin, without_default_port(public_url or arrival.origin)}
        if without_default_port(origin) not in own:
            raise NotAllowed("this request came from another origin")
        return
    if must_say:
        raise NotAllowed(
            "a request with the cookie must say that it comes from here: browsers send Origin, "
            "a script sends Sec-Fetch-Site: none"
        )
