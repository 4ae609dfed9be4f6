"""What the settings let proxies and the applications behind them do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ostiary.cli.checks import Finding
from ostiary.settings import Network, Settings

WIDEST: Final = {4: 16, 6: 48}  # bits of a prefix; more addresses than one site's proxies have


def behind_proxies(settings: Settings) -> Iterator[Finding]:
    """Networks that are believed, hosts that get the cookie, addresses and rules."""
    for network in settings.trusted_proxies:
        if is_too_wide(network):
            yield Finding(
                "trusted_proxies",
                "unsafe",
                f"anybody in {network} can forge the address that is recorded and limited, and a return address",
                "name the proxies' own addresses",
            )
    if settings.cookie_domain is not None:
        yield Finding(
            "cookie_domain",
            "info",
            f"every host under {settings.cookie_domain} gets the session token",
            "take it out at the proxy, and see that no host there is somebody else's",
        )
    for origin in settings.return_addresses:
        if origin.startswith("http://") and (settings.public_url or "").startswith("https://"):
            yield Finding("return_addresses", "unsafe", f"{origin} leads a sign-in back to plain http", "use https")
    for rule in settings.gateway_rules:
        yield Finding("gateway rule", "ok", str(rule))


def is_too_wide(network: Network) -> bool:
    """True for a network outside private ranges, or a public one that no single site has."""
    if network.prefixlen == 0:
        return True
    return not network.is_private and network.prefixlen < WIDEST[network.version]
