"""What clients find out by themselves: metadata (RFC 8414, OIDC Discovery 1.0) and keys (RFC 7517)."""

from __future__ import annotations

from typing import Any, Final

from ostiary.contract import oauth as contract
from ostiary.contract.oauth import Claims, Discovery
from ostiary.core.oauth.assertion import ALGORITHMS
from ostiary.core.oauth.client import GRANTS
from ostiary.core.oauth.jws import ALGORITHM
from ostiary.core.oauth.pkce import METHOD
from ostiary.core.oauth.request import PROMPTS, RESPONSE_MODES
from ostiary.core.oauth.scope import IDENTITY
from ostiary.http.exchange import Exchange
from ostiary.http.operations import Reply, serves

PUBLIC: Final = {"cache-control": "public, max-age=300"}  # the one thing here that is worth a cache
AUTHENTICATION: Final = ["client_secret_basic", "client_secret_post", "private_key_jwt"]


def metadata(issuer: str) -> dict[str, Any]:
    """The document, for both addresses: OIDC's is RFC 8414's and more."""
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/oauth/authorize",
        "token_endpoint": f"{issuer}{contract.TOKEN}",
        "jwks_uri": f"{issuer}{contract.JWKS}",
        "userinfo_endpoint": f"{issuer}{contract.USERINFO}",
        "revocation_endpoint": f"{issuer}{contract.REVOKE}",
        "introspection_endpoint": f"{issuer}{contract.INTROSPECT}",
        "end_session_endpoint": f"{issuer}/oauth/logout",
        "scopes_supported": list(IDENTITY),  # what strangers may ask for
        "response_types_supported": ["code"],
        "response_modes_supported": list(RESPONSE_MODES),
        "grant_types_supported": list(GRANTS),
        "code_challenge_methods_supported": [METHOD],
        "token_endpoint_auth_methods_supported": [*AUTHENTICATION, "none"],
        "revocation_endpoint_auth_methods_supported": [*AUTHENTICATION, "none"],
        "introspection_endpoint_auth_methods_supported": AUTHENTICATION,
        "pushed_authorization_request_endpoint": f"{issuer}{contract.PUSH}",
        "require_pushed_authorization_requests": False,
        **{
            f"{endpoint}_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS)
            for endpoint in ("token", "revocation", "introspection")
        },
        "authorization_response_iss_parameter_supported": True,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "claims_supported": [
            *("iss", "sub", "aud", "exp", "iat", "auth_time", "amr", "nonce", "sid", "tenant_id"),
            *("preferred_username", "name", "roles", "updated_at", "email", "email_verified"),
        ],
        "prompt_values_supported": list(PROMPTS),
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }


@serves(Discovery.openid, Discovery.oauth)
async def configuration(_: contract.ReadMetadata, exchange: Exchange) -> Reply[Claims]:
    """OIDC's document is RFC 8414's and more."""
    return Reply(metadata(exchange.authority.oauth.issuer), PUBLIC)


@serves(Discovery.keys)
async def jwks(_: contract.ReadKeys, exchange: Exchange) -> Reply[Claims]:
    """Those that sign, and those that signed what may still be under way."""
    return Reply({"keys": await exchange.authority.oauth.keys.published()}, PUBLIC)
