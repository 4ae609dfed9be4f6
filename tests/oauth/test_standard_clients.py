"""Clients that we did not write, against a real server: openid-client, oauth4webapi, Authlib."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.oauth.party import CALLBACK, GOODBYE
from tests.support.databases import skip
from tests.support.people import PASSWORD
from tests.support.processes import Server, clean_environment

HERE = Path(__file__).parent


@dataclass
class House:
    """A real server with one user and one confidential client."""

    server: Server
    client_id: str
    secret: str

    def cookie(self) -> str:
        status, _, answer = self.server.ask(
            "POST", "/api/v1/auth/sessions", {"username": "ada", "password": PASSWORD, "transport": "bearer"}
        )
        assert status == 201
        return str(answer["token"])


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Iterator[House]:
    home = tmp_path_factory.mktemp("standard-clients")
    database = f"sqlite:///{home}/ostiary.db"

    def ostiary(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "ostiary", *words, "--database-url", database],
            env=clean_environment(home, {"OSTIARY_PASSWORD": PASSWORD}), cwd=home, capture_output=True, check=True,
        )  # fmt: skip
        return done.stdout.decode()

    ostiary("user", "add", "ada", "--email", "ada@example.org")
    grants = [
        word for grant in ("authorization_code", "refresh_token", "client_credentials") for word in ("--grant", grant)
    ]
    added = json.loads(
        ostiary(
            "client", "add", "Shop", "--redirect-uri", CALLBACK, "--post-logout-redirect-uri", GOODBYE, *grants,
            "--format", "json",
        )
    )  # fmt: skip
    server = Server(database, home).start()
    yield House(server, added["client_id"], added["client_secret"])
    server.stop()


def test_openid_client_and_oauth4webapi_pass(house):
    if shutil.which("node") is None:
        skip("no node")
    if not (HERE / "node_modules").is_dir():
        skip("no npm packages; run npm install in tests/oauth")
    given = {
        "issuer": house.server.url,
        "id": house.client_id,
        "secret": house.secret,
        "redirect": CALLBACK,
        "goodbye": GOODBYE,
        "cookie": house.cookie(),
    }
    done = subprocess.run(
        ["node", "standard_clients.mjs"],
        input=json.dumps(given).encode(),
        cwd=HERE,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout) == [
        "openid-client: code for ada",
        "openid-client: userinfo ada@example.org",
        "openid-client: refresh true",
        "openid-client: introspection true, after revocation false",
        "openid-client: replay invalid_grant",
        "openid-client: client credentials gateway",
        "oauth4webapi: code, scope openid",
        "oauth4webapi: RFC 9068 true, sid true",
        "oauth4webapi: other audience OAUTH_JWT_CLAIM_COMPARISON_FAILED",
        "oauth4webapi: introspection true",
        "oauth4webapi: userinfo true",
        f"end-session: 303 {GOODBYE}?state=bye",
        "end-session: access token false, userinfo 401",
        "end-session: refresh invalid_grant",
        "end-session: login_required",
    ]


def test_authlib_passes(house):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the library and what it imports
        from authlib.integrations.requests_client import OAuth2Session  # type: ignore[import-untyped]
    import requests

    url = house.server.url
    metadata = requests.get(f"{url}/.well-known/openid-configuration", timeout=10).json()
    session = OAuth2Session(
        house.client_id,
        house.secret,
        scope="openid profile",
        redirect_uri=CALLBACK,
        code_challenge_method="S256",
        token_endpoint=metadata["token_endpoint"],
    )
    verifier = "v" * 64
    address, state = session.create_authorization_url(metadata["authorization_endpoint"], code_verifier=verifier)
    answer = requests.get(
        address, headers={"cookie": f"__Host-session={house.cookie()}"}, allow_redirects=False, timeout=10
    )
    token = session.fetch_token(authorization_response=answer.headers["location"], state=state, code_verifier=verifier)
    assert token["token_type"] == "Bearer"
    assert session.get(metadata["userinfo_endpoint"]).json()["preferred_username"] == "ada"
    fresh = session.refresh_token(metadata["token_endpoint"])
    assert fresh["refresh_token"] != token["refresh_token"]
    known = session.introspect_token(metadata["introspection_endpoint"], token=fresh["access_token"]).json()
    assert known["active"] is True
    session.revoke_token(metadata["revocation_endpoint"], token=fresh["refresh_token"])
    known = session.introspect_token(metadata["introspection_endpoint"], token=fresh["access_token"]).json()
    assert known == {"active": False}
