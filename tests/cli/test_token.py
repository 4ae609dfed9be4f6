"""`token` against the real server."""

from __future__ import annotations

import json

import pytest

# Through a server the command line cannot tell one kind of database from another.
pytestmark = pytest.mark.parametrize("server", ["sqlite"], indirect=True)


def test_the_secret_goes_to_stderr_unless_it_is_asked_for(ada):
    done = ada.ostiary("token", "create", "ci")
    assert "ost_" in done.stdout
    secret = done.stderr.splitlines()[-1]
    assert secret.startswith("ost_")
    assert secret.partition(".")[2] not in done.stdout
    quiet = ada.ostiary("token", "create", "ci", "--quiet")
    assert quiet.stdout.count("\n") == 1
    assert ada.server.get("/api/v1/auth/whoami", bearer=quiet.stdout.strip())[0] == 200


def test_a_machine_format_carries_the_secret_on_purpose(ada):
    made = json.loads(
        ada.ostiary.ok("token", "create", "ci", "--expires-in", "30d", "--scope", "sessions:read", "-f", "json")
    )
    assert made["token"].startswith(f"{made['id']}.")
    assert made["scopes"] == ["sessions:read"]
    assert made["expires_at"] is not None


def test_a_file_for_the_secret_is_private_and_never_overwritten(ada):
    done = ada.ostiary("token", "create", "ci", "--output-file", "ci.token", "--format", "json")
    path = ada.ostiary.home / "ci.token"
    secret = path.read_text().strip()
    assert path.stat().st_mode & 0o777 == 0o600
    assert secret.partition(".")[2] not in done.stdout + done.stderr
    before = json.loads(ada.ostiary.ok("token", "list", "-f", "json"))
    refused = ada.ostiary("token", "create", "again", "--output-file", "ci.token")
    assert refused.returncode == 1
    assert "--force" in refused.stderr
    assert json.loads(ada.ostiary.ok("token", "list", "-f", "json")) == before
    ada.ostiary.ok("token", "rotate", secret.partition(".")[0], "--output-file", "ci.token", "--force")
    assert path.read_text().strip() != secret


def test_rotating_keeps_the_id_and_refuses_the_old_secret(ada):
    old = ada.ostiary.ok("token", "create", "ci", "--quiet").strip()
    new = ada.ostiary.ok("token", "rotate", old.partition(".")[0], "--quiet").strip()
    assert new.partition(".")[0] == old.partition(".")[0]
    assert ada.server.get("/api/v1/auth/whoami", bearer=old)[0] == 401
    assert ada.server.get("/api/v1/auth/whoami", bearer=new)[0] == 200


def test_list_validate_and_revoke(ada, new_terminal):
    secret = ada.ostiary.ok("token", "create", "ci", "--expires-in", "1d12h", "--quiet").strip()
    token_id = secret.partition(".")[0]
    listed = ada.ostiary.ok("token", "list")
    assert listed.splitlines()[0].split() == ["ID", "NAME", "STATUS", "CREATED", "LAST", "USED", "EXPIRES", "SCOPES"]
    job = new_terminal(OSTIARY_TOKEN=secret)
    valid = json.loads(job.ok("token", "validate", "--format", "json"))
    assert (valid["valid"], valid["token_id"], valid["username"]) == (True, token_id, ada.name)
    assert ada.ostiary("token", "validate").returncode == 4  # a session is no CLI token
    revoked = ada.ostiary("token", "revoke", token_id[:12])
    assert revoked.stderr == f"✓ CLI token {token_id} revoked.\n"
    assert ada.ostiary("token", "revoke", token_id).returncode == 0
    assert job("token", "validate").returncode == 4
    assert json.loads(ada.ostiary.ok("token", "list", "-f", "json"))[0]["status"] == "revoked"


def test_a_token_never_makes_one_that_can_do_more(ada, new_terminal):
    secret = ada.ostiary.ok("token", "create", "t", "--scope", "tokens:manage", "--expires-in", "1h", "-q").strip()
    job = new_terminal(OSTIARY_TOKEN=secret)
    assert job("token", "create", "more", "--scope", "sessions:read").returncode == 4
    assert job("token", "create", "longer", "--expires-in", "2h").returncode == 4
    assert job("session", "list").returncode == 4
    job.ok("token", "create", "same", "--expires-in", "30m")


@pytest.mark.parametrize("span", ["0s", "0d", "-1h", "1y", "99999d"])
def test_a_bad_expiry_makes_nothing(ada, span):
    done = ada.ostiary("token", "create", "ci", f"--expires-in={span}")
    assert done.returncode == 2
    assert json.loads(ada.ostiary.ok("token", "list", "-f", "json")) == []


def test_an_unknown_scope_or_token_is_refused(ada):
    assert ada.ostiary("token", "create", "ci", "--scope", "all").returncode == 2
    assert ada.ostiary("token", "revoke", "ost_" + "a" * 26).returncode == 3
    assert ada.ostiary("token", "rotate", "ost_zzzz").returncode == 3
