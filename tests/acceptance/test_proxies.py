"""The proxies of the guides, with the configurations that stand there, in front of a small application."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.acceptance.conftest import add_people
from tests.support.databases import skip
from tests.support.people import PASSWORD
from tests.support.processes import CommandLine, Server, free_port

GUIDES = Path(__file__).parents[2] / "docs" / "guides"
APP, AUTH = "app.example.org", "auth.example.org"
OURS = ("ostiary-user", "ostiary-session", "ostiary-roles", "ostiary-tenant")
NAVIGATES = {"Sec-Fetch-Mode": "navigate", "Accept": "text/html"}


class Application(BaseHTTPRequestHandler):
    """Tells what it was asked; speaks to a socket after an upgrade."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        if self.headers.get("upgrade"):
            self.send_response(101)
            self.send_header("Upgrade", "websocket")
            self.send_header("Connection", "Upgrade")
            key = self.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 1.3
            self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
            self.end_headers()
            self.wfile.write(b"hello " + self.rfile.read(4))
            self.close_connection = True
            return
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
        told = json.dumps([self.command, self.path, self.headers.items(), body]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 - names of the base class

    def log_message(self, *_: object) -> None:
        pass


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: str

    @property
    def seen(self) -> list[tuple[str, str]]:
        """The headers that the application got."""
        return [(name.lower(), value) for name, value in json.loads(self.body)[2]]

    def told(self, name: str) -> list[str]:
        return [value for found, value in self.seen if found.replace("_", "-") == name]


@dataclass
class House:
    """A proxy with TLS, the authority and the application behind it."""

    port: int
    server: Server
    ostiary: CommandLine

    def ask(self, host: str, method: str, path: str, *headers: tuple[str, str], body: bytes | None = None) -> Answer:
        """Exactly these headers, in this order, and `Host`."""
        with _tls(self.port, host) as connection:
            lines = [f"{method} {path} HTTP/1.1", f"Host: {host}:{self.port}", *(f"{n}: {v}" for n, v in headers)]
            if not any(name.lower() == "connection" for name, _ in headers):
                lines.append("Connection: close")
            if body is not None:
                lines.append(f"Content-Length: {len(body)}")
            connection.sendall("\r\n".join([*lines, "", ""]).encode() + (body or b""))
            answer = http.client.HTTPResponse(connection, method=method)
            answer.begin()
            # Of several with one name the first: of a sign-in's cookies, the session's.
            found = {name.lower(): value for name, value in reversed(answer.getheaders())}
            return Answer(answer.status, found, answer.read().decode())

    def get(self, path: str = "/", **headers: str) -> Answer:
        return self.ask(APP, "GET", path, *((name.replace("_", "-"), value) for name, value in headers.items()))

    def sign_in(self) -> tuple[str, str]:
        """Session id, and the cookie as a browser under the domain sends it."""
        asked = {"username": "ada", "password": PASSWORD, "transport": "cookie"}
        answer = self.ask(
            AUTH, "POST", "/api/v1/auth/sessions", ("Content-Type", "application/json"),
            ("Sec-Fetch-Site", "same-origin"), body=json.dumps(asked).encode(),
        )  # fmt: skip
        assert answer.status == 201, answer.body
        assert "Domain=example.org" in answer.headers["set-cookie"]
        return json.loads(answer.body)["session"]["id"], answer.headers["set-cookie"].partition(";")[0]


def _tls(port: int, host: str) -> ssl.SSLSocket:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(socket.create_connection(("127.0.0.1", port), timeout=20), server_hostname=host)


def configuration(page: str, language: str) -> str:
    """The configuration of a guide, as it stands there."""
    found = re.findall(rf"^```{language}\n(.*?)^```", (GUIDES / page).read_text(), re.MULTILINE | re.DOTALL)
    return "\n".join(found)


def placed(text: str, changes: dict[str, str]) -> str:
    """With this test's ports and files in it; each has to be there."""
    for old, new in changes.items():
        assert old in text, f"{old!r} is not in the guide"
        text = text.replace(old, new)
    return text


def nginx(home: Path, port: int, changes: dict[str, str], certificate: tuple[Path, Path]) -> list[str]:
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        skip("no nginx")
    text = placed(
        configuration("nginx.md", "nginx"),
        {
            "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
            "/etc/ssl/example.org.pem": str(certificate[0]),
            "/etc/ssl/example.org.key": str(certificate[1]),
            **changes,
        },
    )
    temporary = "".join(
        f"{kind}_temp_path {home}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    file = home / "nginx.conf"
    user = "user root;\n" if home.stat().st_uid == 0 else ""
    file.write_text(
        f"{user}daemon off;\npid {home}/pid;\nerror_log {home}/error.log;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{temporary}{text}}}\n"
    )
    return [str(program), "-c", str(file), "-e", str(home / "error.log")]


def caddy(home: Path, port: int, changes: dict[str, str], certificate: tuple[Path, Path]) -> list[str]:
    program = shutil.which("caddy")
    if program is None:
        skip("no caddy")
    text = placed(configuration("caddy.md", "caddyfile"), changes)
    for host in (APP, AUTH):
        text = placed(text, {f"{host} {{\n": f"https://{host}:{port} {{\n\ttls {certificate[0]} {certificate[1]}\n"})
    file = home / "Caddyfile"
    options = "\tadmin off\n\tauto_https off\n\tdefault_bind 127.0.0.1\n\tstorage file_system " + str(home / "storage")
    file.write_text(f"{{\n{options}\n}}\n{text}")
    return [str(program), "run", "--config", str(file), "--adapter", "caddyfile"]


def haproxy(home: Path, port: int, changes: dict[str, str], certificate: tuple[Path, Path]) -> list[str]:
    program = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
    if program is None:
        skip("no haproxy")
    script, both, file = home / "ostiary.lua", home / "both.pem", home / "haproxy.cfg"
    script.write_text(configuration("haproxy.md", "lua"))
    both.write_text("".join(part.read_text() for part in certificate))
    text = placed(
        configuration("haproxy.md", "haproxy"),
        {"bind :443": f"bind 127.0.0.1:{port}", "/etc/haproxy/example.org.pem": str(both),
         "/etc/haproxy/ostiary.lua": str(script), **changes},
    )  # fmt: skip
    file.write_text(text)
    return [str(program), "-db", "-f", str(file)]


def envoy(home: Path, port: int, changes: dict[str, str], certificate: tuple[Path, Path]) -> list[str]:
    program = shutil.which("envoy")
    if program is None:
        skip("no envoy")
    both = {"8420": "127.0.0.1:8420", "3000": "127.0.0.1:3000"}
    text = placed(
        configuration("envoy.md", "yaml"),
        {"address: 0.0.0.0, port_value: 443": f"address: 127.0.0.1, port_value: {port}",
         "/etc/ssl/example.org.pem": str(certificate[0]), "/etc/ssl/example.org.key": str(certificate[1]),
         **{f"port_value: {old}": f"port_value: {changes[whole].rpartition(':')[2]}" for old, whole in both.items()}},
    )  # fmt: skip
    file = home / "envoy.yaml"
    file.write_text(text)
    return [str(program), "-c", str(file), "--concurrency", "1", "--disable-hot-restart"]


def traefik(home: Path, port: int, changes: dict[str, str], certificate: tuple[Path, Path]) -> list[str]:
    program = shutil.which("traefik")
    if program is None:
        skip("no traefik")
    text = placed(configuration("traefik.md", "yaml"), changes)
    file = home / "dynamic.yaml"
    file.write_text(f"{text}\ntls:\n  certificates:\n    - {{certFile: {certificate[0]}, keyFile: {certificate[1]}}}\n")
    static = home / "traefik.yaml"
    static.write_text(
        f"entryPoints: {{https: {{address: '127.0.0.1:{port}'}}}}\nproviders: {{file: {{filename: {file}}}}}\n"
        "global: {checkNewVersion: false, sendAnonymousUsage: false}\n"
    )
    return [str(program), f"--configfile={static}"]


# Each with what it can do: lead a person to the sign-in page, take one cookie out of a request.
PROXIES = {nginx: {"leads", "cleans"}, caddy: {"leads", "cleans"}, haproxy: {"leads", "cleans"}, envoy: set(),
           traefik: {"leads"}}  # fmt: skip


def those_that(what: str) -> pytest.MarkDecorator:
    """Only the proxies that can do it; the guides of the others say that they cannot."""
    able = [proxy for proxy, abilities in PROXIES.items() if what in abilities]
    return pytest.mark.parametrize("house", able, indirect=True, ids=lambda proxy: proxy.__name__)


@pytest.fixture(scope="module")
def application() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Application)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> tuple[Path, Path]:
    home = tmp_path_factory.mktemp("certificate")
    file, key = home / "cert.pem", home / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-keyout", str(key), "-out", str(file), "-subj", "/CN=example.org",
         "-addext", f"subjectAltName=DNS:{APP},DNS:{AUTH}"],
        check=True, capture_output=True,
    )  # fmt: skip
    return file, key


@pytest.fixture(scope="module", params=PROXIES, ids=lambda proxy: proxy.__name__)
def house(request, tmp_path_factory, application, certificate, anyio_backend) -> Iterator[House]:
    with built(request.param, tmp_path_factory.mktemp("house"), application, certificate) as made:
        yield made


def settings_of(proxy: str) -> str:
    """The settings of a guide. Those of two are Caddy's."""
    return configuration(f"{proxy}.md", "toml") or configuration("caddy.md", "toml")


@contextmanager
def built(proxy, home: Path, application: int, certificate: tuple[Path, Path]) -> Iterator[House]:
    port = free_port()
    database = f"sqlite:///{home / 'ostiary.db'}"
    (home / "ostiary.toml").write_text(
        placed(
            settings_of(proxy.__name__),
            {f"https://{AUTH}": f"https://{AUTH}:{port}", f"https://{APP}": f"https://{APP}:{port}"},
        )
    )
    command = CommandLine(home, OSTIARY_DATABASE_URL=database)
    command.ok("migrate")
    add_people(database, ada="member", root="admin member")
    server = Server(database, home).start()
    changes = {"127.0.0.1:8420": f"127.0.0.1:{server.port}", "127.0.0.1:3000": f"127.0.0.1:{application}"}
    log = home / "proxy.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            proxy(home, port, changes, certificate), stdout=out, stderr=out, cwd=home,
            env={"HOME": str(home), "PATH": "/usr/bin:/usr/sbin:/bin"},
        )  # fmt: skip
    try:
        house = House(port, server, CommandLine(home, OSTIARY_DATABASE_URL=database))
        deadline = time.monotonic() + 20
        while True:
            try:
                # Some listen before they have read all of their configuration, and know no host until then.
                if house.ask(AUTH, "GET", "/sign-in").status == 200:
                    break
            except (OSError, http.client.HTTPException):
                pass
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield house
    finally:
        process.terminate()
        process.wait(20)
        server.stop()


def test_revoked_is_refused_at_the_very_next_request(house):
    session, cookie = house.sign_in()
    answer = house.get(Cookie=cookie)
    assert answer.status == 200, answer.body
    assert [answer.told(name) for name in OURS] == [["ada"], [session], ["member"], ["default"]]
    assert house.get(Cookie=cookie).status == 200
    house.ostiary.ok("auth-session", "logout", "ada", "--session", session)
    assert house.get(Cookie=cookie).status == 401


@those_that("leads")
def test_a_person_is_led_to_sign_in_and_back_and_a_script_is_not(house):
    answer = house.ask(APP, "GET", "/a/b?c=d&e=f%20g", *NAVIGATES.items())
    assert answer.status == 302
    where = urlsplit(answer.headers["location"])
    assert f"{where.scheme}://{where.netloc}{where.path}" == f"https://{AUTH}:{house.port}/sign-in"
    (there,) = parse_qs(where.query)["next"]
    assert there == f"https://{APP}:{house.port}/a/b?c=d&e=f%20g"
    page = house.ask(AUTH, "GET", f"{where.path}?{where.query}", ("Accept", "text/html"))
    assert (page.status, f'value="{there.replace("&", "&amp;")}"' in page.body) == (200, True)
    for headers in ({"Sec-Fetch-Mode": "cors"}, {}):
        answer = house.ask(APP, "GET", "/", *headers.items())
        assert (answer.status, "location" in answer.headers) == (401, False)
    assert house.ask(APP, "POST", "/", *NAVIGATES.items(), body=b"x").status == 401


FORGED = [
    [("Ostiary-User", "root")],
    [("ostiary-user", "root"), ("OSTIARY-USER", "root"), ("Ostiary-User", "root")],
    [("ostiary_user", "root"), ("Ostiary_Roles", "admin"), ("OSTIARY_SESSION", "x"), ("ostiary_tenant", "x")],
    [("Ostiary-Roles", "admin,member"), ("Ostiary-Tenant", "acme"), ("Ostiary-Session", "sess_x")],
    [("X-Forwarded-User", "root"), ("Ostiary-User", "ada"), ("Ostiary-User", "root")],
]


@pytest.mark.parametrize("forged", FORGED, ids=lambda forged: forged[0][0])
def test_what_a_client_sends_under_our_names_never_arrives(house, forged):
    session, cookie = house.sign_in()
    answer = house.ask(APP, "GET", "/", ("Cookie", cookie), *forged)
    if answer.status == 400 and any("_" in name for name, _ in forged):
        return  # refused, as Envoy does
    assert answer.status == 200
    assert [answer.told(name) for name in OURS] == [["ada"], [session], ["member"], ["default"]]
    assert house.ask(APP, "GET", "/", *forged).status == 401


@pytest.mark.parametrize("hop", ["Ostiary-User", "close, ostiary-roles", "Cookie", "X-Forwarded-Uri, X-Forwarded-Host"])
def test_a_hop_by_hop_trick_takes_no_identity_away(house, hop):
    """`Connection: Ostiary-User` asks a proxy to drop the header that it has just been told to set."""
    session, cookie = house.sign_in()
    answer = house.ask(APP, "GET", "/", ("Cookie", cookie), ("Ostiary-User", "root"), ("Connection", hop))
    if answer.status == 200:
        assert [answer.told(name) for name in OURS] == [["ada"], [session], ["member"], ["default"]]
    else:
        assert answer.status in {400, 401}


@those_that("leads")
def test_a_forged_return_address_leads_nowhere(house):
    for forged in ("evil.example", f"{APP}.evil.example"):
        sent = [("X-Forwarded-Host", forged), ("X-Forwarded-Proto", "http"), ("X-Forwarded-Uri", "@evil.example")]
        answer = house.ask(APP, "GET", "/x", *NAVIGATES.items(), *sent, ("X-Original-URL", "https://evil.example"))
        assert answer.status == 302
        assert "evil" not in answer.headers["location"]


@those_that("cleans")
def test_the_cookie_stays_with_the_proxy(house):
    _, cookie = house.sign_in()
    for sent in (cookie, f"a=1; {cookie}; b=2", f"{cookie}; a=1", f"a=1; {cookie}", f"{cookie}; {cookie}"):
        answer = house.get(Cookie=sent)
        assert answer.status == 200
        assert "session=" not in str(answer.seen)
        assert all(part in "".join(answer.told("cookie")) for part in ("a=1", "b=2") if part in sent)


def test_method_path_and_body_arrive(house):
    _, cookie = house.sign_in()
    body = b"x" * 200_000
    for method in ("POST", "PUT", "DELETE"):
        answer = house.ask(APP, method, "/a%2Fb?c=d", ("Cookie", cookie), body=body)
        assert json.loads(answer.body)[:2] == [method, "/a%2Fb?c=d"]
        assert json.loads(answer.body)[3] == body.decode()


def test_a_websocket_opens_for_who_is_signed_in_only(house):
    _, cookie = house.sign_in()
    for sent, status in ((cookie, "101"), ("a=1", "401")):
        with _tls(house.port, APP) as connection:
            connection.sendall(
                f"GET /ws HTTP/1.1\r\nHost: {APP}:{house.port}\r\nCookie: {sent}\r\nConnection: Upgrade\r\n"
                "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                "Sec-Fetch-Mode: websocket\r\n\r\n".encode()
            )
            connection.settimeout(20)
            head = connection.recv(65536).decode("latin-1")
            assert head.split()[1] == status
            if status == "101":
                connection.sendall(b"ping")
                got = head
                while "hello ping" not in got:
                    part = connection.recv(1024)
                    assert part
                    got += part.decode()


def test_while_the_authority_is_down_nobody_passes(house):
    _, cookie = house.sign_in()
    house.server.stop()
    try:
        for headers in ({"Cookie": cookie}, NAVIGATES, {"Cookie": cookie, "Ostiary-User": "ada"}):
            assert house.ask(APP, "GET", "/", *headers.items()).status >= 500
    finally:
        house.server.start()
    assert house.get(Cookie=cookie).status == 200


@pytest.mark.parametrize(
    "forged",
    [
        [("Forwarded", "for=6.6.6.6;proto=http;host=evil.test")],
        [("Forwarded", 'for="6.6.6.6'), ("Forwarded", ";;,,")],
        [("X-Forwarded-For", "6.6.6.6")],
        [("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-For", "6.6.6.6"), ("Forwarded", "for=6.6.6.6")],
        [("X-Forwarded-Proto", "http"), ("X-Real-IP", "6.6.6.6"), ("Client-IP", "6.6.6.6")],
    ],
    ids=lambda forged: forged[0][0],
)
def test_the_address_is_the_clients_whatever_it_sends(house, forged):
    asked = json.dumps({"username": "ada", "password": PASSWORD, "transport": "cookie"}).encode()
    sent = [("Content-Type", "application/json"), ("Sec-Fetch-Site", "same-origin")]
    plain = house.ask(AUTH, "POST", "/api/v1/auth/sessions", *sent, body=asked)
    ip = json.loads(plain.body)["session"]["ip"]  # of this machine: Envoy names a loopback client by another one
    answer = house.ask(AUTH, "POST", "/api/v1/auth/sessions", *sent, *forged, body=asked)
    assert (answer.status, json.loads(answer.body)["session"]["ip"]) == (201, ip), answer.body
    cookie = answer.headers["set-cookie"].partition(";")[0]
    session = cookie.partition("=")[2].partition(".")[0]
    assert house.ask(APP, "GET", "/", ("Cookie", cookie), *forged).status in {200, 400}
    listed = house.ask(AUTH, "GET", "/api/v1/auth/sessions", ("Cookie", cookie), *forged)
    assert [one["ip"] for one in json.loads(listed.body) if one["id"] == session] == [ip]


def test_a_trailer_is_no_header_behind_a_proxy_either(house):
    """Some proxies pass trailers on."""
    _, cookie = house.sign_in()
    body = json.dumps({"username": "ada", "password": PASSWORD, "transport": "bearer"}).encode()
    head = f"Host: {AUTH}:{house.port}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n"
    sign_in = f"POST /api/v1/auth/sessions HTTP/1.1\r\n{head}Content-Type: application/json\r\n\r\n".encode()
    sign_in += b"%x\r\n%b\r\n0\r\nX-Forwarded-For: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\n\r\n" % (len(body), body)
    assert b"6.6.6.6" not in raw(house, AUTH, sign_in)
    asked = f"POST /api/v1/auth/whoami HTTP/1.1\r\n{head}\r\n".replace("POST", "GET").encode()
    asked += f"0\r\nCookie: {cookie}\r\nAuthorization: Bearer {cookie.partition('=')[2]}\r\n\r\n".encode()
    assert b" 200 " not in raw(house, AUTH, asked).split(b"\r\n")[0]


def raw(house: House, host: str, request: bytes) -> bytes:
    with _tls(house.port, host) as connection:
        connection.sendall(request)
        got = b""
        while part := connection.recv(65536):
            got += part
        return got


def test_metrics_are_not_to_be_had_from_outside(house):
    _, cookie = house.sign_in()
    for path in (
        "/metrics",
        "/metrics/",
        "/metrics%2f",
        "//metrics",
        "/%6detrics",
        "/metrics?x",
        "/./metrics",
        "/x/../metrics",
    ):
        for headers in ([], [("Cookie", cookie)]):
            answer = house.ask(AUTH, "GET", path, *headers)
            assert "ostiary_" not in answer.body and answer.status in {301, 307, 400, 404}, (path, answer.status)


@pytest.mark.parametrize("page", ["production.md"])
def test_a_block_of_nginx_that_stands_alone_is_accepted(page, tmp_path, certificate):
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        skip("no nginx")
    paths = {"/etc/ssl/example.org.pem": str(certificate[0]), "/etc/ssl/example.org.key": str(certificate[1])}
    text = placed(configuration(page, "nginx"), paths)
    file = tmp_path / "nginx.conf"
    file.write_text(f"pid {tmp_path}/pid;\nerror_log {tmp_path}/error.log;\nevents {{}}\nhttp {{\n{text}}}\n")
    command = [str(program), "-t", "-c", str(file), "-e", str(tmp_path / "log")]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
