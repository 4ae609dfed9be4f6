"""`ostiary client` and `ostiary keys`, at the database and through a server."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import pytest
from joserfc.jwk import ECKey

from ostiary.core.caller import Caller
from ostiary.core.oauth.client import Registration
from ostiary.errors import ConfigurationError
from ostiary.http.serving import to_environment
from ostiary.settings import load
from tests.oauth.party import CALLBACK
from tests.support.processes import clean_environment

KEY = ECKey.generate_key("P-256")


def test_clients_and_keys_at_the_database(tmp_path):
    def ostiary(*words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "ostiary", *words, "--database-url", f"sqlite:///{tmp_path}/o.db"],
            env=clean_environment(tmp_path, {"OSTIARY_PASSWORD": "correct horse battery"}), cwd=tmp_path,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        return done

    ostiary("user", "add", "root", "--admin")
    added = ostiary("client", "add", "Shop", "--redirect-uri", CALLBACK)
    client_id = added.stdout.split()[-1]
    secret = added.stderr.split()[-1]
    assert len(secret) == 43
    assert secret not in added.stdout
    shown = json.loads(ostiary("client", "show", client_id, "--format", "json").stdout)
    assert (shown["name"], shown["redirect_uris"]) == ("Shop", [CALLBACK])
    assert secret not in json.dumps(shown)
    ostiary("client", "add", "Said", "--confidential", "--first-party", "--redirect-uri", CALLBACK)
    listed = json.loads(ostiary("client", "list", "--format", "json").stdout)
    assert [one["name"] for one in listed] == ["Shop", "Said"]
    assert [(one["is_public"], one["third_party"]) for one in listed] == [(False, False)] * 2  # said or not
    new = json.loads(ostiary("client", "rotate-secret", client_id, "--yes", "--format", "json").stdout)
    assert new["client_secret"] != secret
    assert len(json.loads(ostiary("keys", "rotate", "--format", "json").stdout)["keys"]) == 2
    ostiary("client", "remove", client_id, "--yes")
    assert "no such client" in ostiary("client", "show", client_id, code=3).stderr
    assert "redirect_uris" in ostiary("client", "add", "Bad", "--redirect-uri", "http://x.example/", code=2).stderr


def test_resources_and_clients_that_sign_at_the_database(tmp_path):
    def ostiary(*words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "ostiary", *words, "--database-url", f"sqlite:///{tmp_path}/o.db"],
            env=clean_environment(tmp_path), cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        return done

    ostiary("migrate")
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [KEY.as_dict(private=False)]}))
    signing = ostiary("client", "add", "Signing", "--redirect-uri", CALLBACK, "--jwks", "keys.json", "--pkce", "nonce")
    client_id = signing.stdout.split()[-1]
    assert "secret" not in signing.stderr
    shown = json.loads(ostiary("client", "show", client_id, "--format", "json").stdout)
    assert (shown["pkce"], shown["jwks"]["keys"][0]["kty"]) == ("nonce", "EC")
    (tmp_path / "keys.json").write_text("[]")
    assert (
        "key set" in ostiary("client", "add", "Bad", "--redirect-uri", CALLBACK, "--jwks", "keys.json", code=2).stderr
    )
    uri = "https://notes.example/mcp"
    words = ("--name", "Notes", "--scope", "notes:read=read your notes", "--scope", "x", "--introspect", client_id)
    ostiary("resource", "add", uri, *words, "--client", "listed", "--listed", client_id)
    found = json.loads(ostiary("resource", "list", "--format", "json").stdout)
    assert [(one["uri"], one["clients"]) for one in found] == [(uri, "listed")]
    assert found[0]["scopes"] == [{"name": "notes:read", "words": "read your notes"}, {"name": "x", "words": "x"}]
    assert "notes:read, x" in ostiary("resource", "show", found[0]["id"]).stdout
    assert "there is a resource" in ostiary("resource", "add", uri, "--name", "Again", code=5).stderr
    assert "fragment" in ostiary("resource", "add", f"{uri}#x", "--name", "Bad", code=2).stderr
    ostiary("resource", "remove", found[0]["id"], "--yes")
    assert "no such resource" in ostiary("resource", "show", found[0]["id"], code=3).stderr


async def test_a_server_with_clients_does_not_start_without_its_key(make_app, settings):
    async with make_app() as app:
        if app.authority.database.is_sqlite:
            return  # there the key is made by itself
        await app.authority.oauth.ensure_ready()
        await app.authority.oauth.clients.add(
            Registration(name="Shop", redirect_uris=[CALLBACK]), by=Caller.operator("tests")
        )
    async with make_app(key=None) as keyless:
        with pytest.raises(ConfigurationError, match="OSTIARY_KEY"):
            await keyless.authority.oauth.ensure_ready()


def test_the_key_is_shown_nowhere_and_reaches_the_workers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    key = "k" * 43
    settings = load({}, {"OSTIARY_KEY": key}).settings
    assert key not in repr(settings)
    environment = to_environment(replace(settings, refresh_grace=0))
    assert load({}, environment).settings == replace(settings, refresh_grace=0)
    for wrong in ("short", "k" * 44, "!" * 43):
        with pytest.raises(ConfigurationError) as refused:
            load({}, {"OSTIARY_KEY": wrong})
        assert wrong not in str(refused.value)
