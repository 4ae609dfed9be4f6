"""The applications: each is what the guide shows, and a few routes of ours around it, in a process of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

from tests.oauth.clients import guide
from tests.oauth.clients.house import House, Shop
from tests.support.databases import skip
from tests.support.processes import clean_environment, free_port

HERE = Path(__file__).parent
MODULES = HERE.parent / "node_modules"
APACHE = Path("/usr/lib/apache2/modules")
# What our routes need beside the module that is tested.
APACHE_MODULES = ("mpm_event", "authn_core", "authz_core", "authz_user", "dir", "mime", "auth_openidc")


@contextmanager
def openid_client(house: House, home: Path) -> Iterator[Shop]:
    with _node(house, home, "openid-client", "/callback") as url:
        yield Shop("openid-client", url)


@contextmanager
def authjs(house: House, home: Path) -> Iterator[Shop]:
    with _node(house, home, "authjs", "/auth/callback/ostiary") as url:
        yield Shop("Auth.js", url, login="/auth/signin", first="Sign in with Ostiary")


@contextmanager
def passport(house: House, home: Path) -> Iterator[Shop]:
    with _node(house, home, "passport", "/callback", pkce="nonce") as url:
        yield Shop("passport-openidconnect", url)


@contextmanager
def express_example(house: House, home: Path) -> Iterator[Shop]:
    with _node(house, home, "openid-client", "/callback", "express_example.mjs") as url:
        yield Shop("the Express example", url)


@contextmanager
def authlib(house: House, home: Path) -> Iterator[Shop]:
    port = free_port()
    url = f"http://localhost:{port}"
    environment = _register(house, home, "authlib_client.py", url, "/callback")
    program = [sys.executable, str(HERE / "authlib_app.py"), str(port)]
    with _running(program, home, "authlib", environment | _python(home), url):
        yield Shop("Authlib", url)


@contextmanager
def django(house: House, home: Path) -> Iterator[Shop]:
    port = free_port()
    url = f"http://localhost:{port}"
    environment = _register(house, home, "oidc_settings.py", url, "/oidc/callback/")
    guide.write("oidc_users.py", home, issuer=house.url, client_id="", application=url)
    environment |= {"DJANGO_DATABASE": str(home / "django.db"), **_python(home)}
    program = [sys.executable, str(HERE / "django_app.py"), str(port)]
    with _running(program, home, "django", environment, url):
        yield Shop("mozilla-django-oidc", url, login="/oidc/authenticate/")


class Apache(Shop):
    """Its module says by itself who is signed in, and with which token."""

    def read(self, told: dict[str, Any]) -> dict[str, Any] | None:
        claims = told.get("userinfo")
        if not claims:
            return None
        return {"name": claims["preferred_username"], "email": claims["email"], "mark": told["access_token"]}


@contextmanager
def apache(house: House, home: Path) -> Iterator[Shop]:
    program = shutil.which("apache2", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None or not (APACHE / "mod_auth_openidc.so").exists():
        skip("no Apache with mod_auth_openidc")
    assert program is not None
    port = free_port()
    url = f"http://localhost:{port}"
    environment = _register(house, home, "mod-auth-openidc.conf", url, "/callback")
    settings = home / "mod-auth-openidc.conf"
    patience = settings.read_text()
    assert "Expiry 240 " in patience
    settings.write_text(patience.replace("Expiry 240 ", "Expiry 600 "))  # as if the token's time had come, each time
    (home / "site").mkdir(exist_ok=True)
    (home / "site" / "index.html").write_text("{}")
    names = {"mpm_event": "mpm_event_module", "auth_openidc": "auth_openidc_module"}
    lines = [f"LoadModule {names.get(one, f'{one}_module')} {APACHE}/mod_{one}.so" for one in APACHE_MODULES]
    lines += [
        f"Listen 127.0.0.1:{port}",
        *("ServerName localhost", f"ServerRoot {home}", f"PidFile {home}/apache.pid", f"DefaultRuntimeDir {home}"),
        *(f"ErrorLog {home}/apache-error.log", f"DocumentRoot {home}/site", "TypesConfig /etc/mime.types"),
        # For the tests: the module's own page tells what it holds.
        "OIDCInfoHook userinfo access_token access_token_expires",
        f"Include {home}/mod-auth-openidc.conf",
    ]
    configuration = home / "apache.conf"
    configuration.write_text("\n".join(lines) + "\n")
    environment |= {"CRYPTO_PASSPHRASE": "passphrase-of-the-tests"}
    for path in (home, *home.rglob("*")):  # it gives up being root
        path.chmod(0o777 if path.is_dir() else 0o644)
    command = [program, "-f", str(configuration), "-D", "FOREGROUND"]
    with _running(command, home, "apache", environment, url):
        yield Apache(
            "mod_auth_openidc",
            url,
            login="/",
            me="/callback?info=json",
            refresh="/",
            logout=f"/callback?logout={url.replace(':', '%3A').replace('/', '%2F')}%2F",
        )


APPLICATIONS: Mapping[str, Callable[[House, Path], Any]] = {
    "openid-client": openid_client,
    "authjs": authjs,
    "passport": passport,
    "authlib": authlib,
    "mozilla-django-oidc": django,
    "mod_auth_openidc": apache,
}


@contextmanager
def _node(
    house: House, home: Path, library: str, callback: str, program: str = "node_app.mjs", **registered: object
) -> Iterator[str]:
    node = node_program()
    port = free_port()
    url = f"http://localhost:{port}"
    environment = _register(house, home, f"{library}.mjs", url, callback, **registered)
    (home / "node_modules").symlink_to(MODULES)
    environment |= {"PORT": str(port), "GUIDE": str(home / f"{library}.mjs"), "AUTH_SECRET": "s" * 43}
    with _running([node, str(HERE / program), library], home, library, environment, url):
        yield url


def node_program() -> str:
    node = shutil.which("node")
    if node is None:
        skip("no node")
    if not (MODULES / "openid-client").is_dir() or not (MODULES / "express").is_dir():
        skip("no npm packages; run npm ci in tests/oauth")
    assert node is not None
    return node


def _register(house: House, home: Path, block: str, url: str, callback: str, **registered: object) -> dict[str, str]:
    """The client of an application, and the guide's file for it; the environment with the secret."""
    client_id, secret = house.client(block, url + callback, f"{url}/", **registered)
    guide.write(block, home, issuer=house.url, client_id=client_id, application=url)
    return {"CLIENT_SECRET": secret, "ISSUER": house.url, "CLIENT_ID": client_id, "ORIGIN": url}


def _python(home: Path) -> dict[str, str]:
    return {"PYTHONPATH": str(home), "PYTHONWARNINGS": "ignore"}


@contextmanager
def _running(
    command: list[str], home: Path, name: str, environment: Mapping[str, str], url: str
) -> Iterator[subprocess.Popen[bytes]]:
    log = home / f"{name}.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            command, cwd=home, env=clean_environment(home, environment), stdout=file, stderr=file
        )
    try:
        ask, deadline = build_opener(ProxyHandler({})), time.monotonic() + 30
        while True:
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()
            try:
                ask.open(f"{url}/nothing-here", timeout=5).close()
                break
            except OSError as refused:
                if hasattr(refused, "code"):  # an answer, whichever
                    break
                time.sleep(0.05)
        yield process
    finally:
        process.terminate()
        process.wait(20)
