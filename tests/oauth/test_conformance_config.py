"""The module of the OpenID conformance suite's plan "Config OP", by its conditions."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from tests.http.visitors import ORIGIN, visitor
from tests.oauth.conformance import modules, named_tests

REQUIRED = {
    *("issuer", "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "scopes_supported"),
    *("response_types_supported", "subject_types_supported", "id_token_signing_alg_values_supported"),
    *("claims_supported",),
}


def test_the_page_names_every_module_of_the_plan_and_no_other():
    assert modules("Config OP") == named_tests(globals())


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_oidcc_discovery_endpoint_verification(app):
    async with visitor(app) as client:
        answer = await client.get("/.well-known/openid-configuration")
        found = answer.json()
        keys = (await client.get(urlsplit(found["jwks_uri"]).path)).json()["keys"]
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert found.keys() >= REQUIRED
    assert found["issuer"] == ORIGIN and not urlsplit(found["issuer"]).query
    for name, value in found.items():
        assert value not in ("", [], None), name
        if name.endswith("_endpoint") or name.endswith("_uri"):
            assert value.startswith(f"{ORIGIN}/"), name
    assert "code" in found["response_types_supported"] and "openid" in found["scopes_supported"]
    assert {"query", "form_post"} <= set(found["response_modes_supported"])
    assert "RS256" in found["id_token_signing_alg_values_supported"]
    assert found["subject_types_supported"] == ["public"]
    assert {"client_secret_basic", "client_secret_post"} <= set(found["token_endpoint_auth_methods_supported"])
    assert {"sub", "iss", "auth_time", "name", "email"} <= set(found["claims_supported"])
    assert found["claims_parameter_supported"] is found["request_parameter_supported"] is False
    assert found["request_uri_parameter_supported"] is False  # without it, true is meant (OIDC Discovery 3)
    for key in keys:
        assert {"kid", "kty", "alg", "use"} <= key.keys() and not {"d", "p", "q", "k"} & key.keys()
    assert len({key["kid"] for key in keys}) == len(keys)
