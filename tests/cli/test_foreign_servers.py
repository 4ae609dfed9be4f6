"""Whatever answers instead of a server of ours: one line, the right exit code, no credential where it is not for."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ostiary.cli.address import parse_address
from ostiary.cli.transport import send
from tests.support.processes import CommandLine, free_port

Answer: TypeAlias = bytes | Callable[[socket.socket], None]

TOKEN = "sess_aaaaaaaaaaaaaaaaaaaaaaaaaa.0123456789012345678901234567890123456789012"


class Stranger:
    """Listens, keeps what it is sent, answers the same bytes each time."""

    def __init__(self, answer: Answer, tls: ssl.SSLContext | None) -> None:
        self.answer = answer
        self.tls = tls
        self.heard: list[bytes] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                self._talk(self.tls.wrap_socket(connection, server_side=True) if self.tls else connection)

    def _talk(self, connection: socket.socket) -> None:
        with connection:
            self.heard.append(connection.recv(65536))
            if callable(self.answer):
                self.answer(connection)
            else:
                connection.sendall(self.answer)


@contextmanager
def stranger(answer: Answer, tls: ssl.SSLContext | None = None) -> Iterator[Stranger]:
    listening = Stranger(answer, tls)
    try:
        yield listening
    finally:
        listening.listener.close()


def http(body: str, status: str = "200 OK", kind: str = "application/json", more: str = "") -> bytes:
    content = body.encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(content)}\r\n{more}\r\n"
    return head.encode() + content


def at(home, url: str, **environment: str) -> CommandLine:
    return CommandLine(home, OSTIARY_SERVER=url, **{"OSTIARY_TOKEN": TOKEN, **environment})


CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"


def drip_forever(connection: socket.socket) -> None:
    connection.sendall(CHUNKED)
    block = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    while True:
        connection.sendall(block)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(http("<html>hello</html>", kind="text/html"), id="html"),
        pytest.param(http("<html>not here</html>", "404 Not Found", "text/html"), id="html-404"),
        pytest.param(http("{", kind="application/json"), id="broken-json"),
        pytest.param(http("[" * 100_000, kind="application/json"), id="deep-json"),
        pytest.param(http('{"a": ' + "9" * 100_000 + "}"), id="huge-number"),
        pytest.param(http('{"sessions": []}'), id="object-for-a-list"),
        pytest.param(http("[1, 2]"), id="list-of-numbers"),
        pytest.param(http("", "204 No Content"), id="nothing"),
        pytest.param(http("{}", "302 Found", more="Location: http://127.0.0.1:1/\r\n"), id="redirect"),
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", id="not-http"),
        pytest.param(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n", id="many-headers"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n", id="long-header"),
        pytest.param(drip_forever, id="endless"),
        pytest.param(http("[]", more="Content-Length: 3\r\n"), id="two-lengths"),
        pytest.param(http("[]", more="Transfer-Encoding: chunked\r\n"), id="length-and-chunks"),
        pytest.param(http("[]").replace(b"\r\n\r\n", b"\r\nNo Colon\r\n\r\n"), id="broken-header"),
        pytest.param(CHUNKED + b"zz\r\n[]\r\n0\r\n\r\n", id="broken-chunk"),
        pytest.param(b"HTTP/1.1 101 Other\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nhello", id="upgrade"),
        pytest.param(http("oops", "500 Internal Server Error", "text/plain"), id="500"),
        pytest.param(http("<html>", "502 Bad Gateway", "text/html"), id="502"),
    ],
)
def test_an_answer_that_is_not_ours_is_one_line_and_exit_7(tmp_path, answer):
    with stranger(answer) as listening:
        done = at(tmp_path, listening.url)("session", "list")
    assert done.returncode == 7
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("error: ")


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"", id="closed"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n[]", id="cut"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Ty", id="cut-in-the-head"),
        pytest.param(CHUNKED + b"2\r\n[]\r\n", id="cut-between-chunks"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n", id="cut-after-an-interim-answer"),
    ],
)
def test_a_connection_that_is_cut_is_exit_8(tmp_path, answer):
    with stranger(answer) as listening:
        done = at(tmp_path, listening.url)("session", "list")
    assert (done.returncode, done.stdout) == (8, "")
    assert "whether it was done is not known" in done.stderr


def one_byte_at_a_time(connection: socket.socket) -> None:
    for byte in http("[]"):
        connection.sendall(bytes([byte]))


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(http("[]"), id="with-its-length"),
        pytest.param(CHUNKED + b"1\r\n[\r\n1\r\n]\r\n0\r\n\r\n", id="in-chunks"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[]", id="to-the-end-of-the-connection"),
        pytest.param(b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n[]", id="http-1.0"),
        pytest.param(b"HTTP/1.1 103 Early\r\nContent-Length: 9\r\n\r\n" + http("[]"), id="after-an-interim-answer"),
        pytest.param(http("[]") + b"HTTP/1.1 500 Not asked\r\n\r\n", id="with-more-behind-it"),
        pytest.param(one_byte_at_a_time, id="one-byte-at-a-time"),
    ],
)
def test_an_answer_in_any_shape_of_http_is_read(tmp_path, answer):
    with stranger(answer) as listening:
        done = at(tmp_path, listening.url)("session", "list", "--format", "json")
    assert (done.returncode, json.loads(done.stdout)) == (0, [])


def test_what_is_sent_is_one_plain_request(tmp_path):
    with stranger(http("[]")) as listening:
        at(tmp_path, listening.url + "/below")("session", "list", "--ended")
    head, _, body = listening.heard[0].partition(b"\r\n\r\n")
    line, *fields = head.decode().split("\r\n")
    sent = dict(field.split(": ", 1) for field in fields)
    assert line == "GET /below/api/v1/auth/sessions?include=ended HTTP/1.1"
    assert (sent["Host"], sent["Authorization"]) == (listening.url.removeprefix("http://"), f"Bearer {TOKEN}")
    assert len(sent) == len(fields) and "Content-Length" not in sent and not body


@pytest.mark.parametrize("injected", ["x\r\nX-Evil: y", "x\n", "x y", "x\0"])
def test_a_request_is_never_two(injected):
    with stranger(http("[]")) as listening:
        address = parse_address(listening.url)
        with pytest.raises(ValueError, match="another line"):
            send(address, "GET", f"/{injected}", headers={})
    assert listening.heard == []
    with stranger(http("[]")) as listening, suppress(ValueError):
        send(parse_address(listening.url), "POST", "/x", headers={"X-Words": injected})
    assert all(b"\r\nX-Evil" not in sent and b"\0" not in sent for sent in listening.heard)


def test_nobody_listening_is_exit_8_and_says_what_to_look_at(alone):
    done = alone("session", "list", "--server", f"http://127.0.0.1:{free_port()}", "--format", "json")
    assert done.returncode == 4  # no credential for it: nothing is sent
    done = CommandLine(alone.home, OSTIARY_TOKEN=TOKEN)(
        "session", "list", "--server", f"http://127.0.0.1:{free_port()}", "--format", "json"
    )
    assert done.returncode == 8
    first, second = done.stderr.splitlines()
    assert first.startswith("error: cannot reach http://127.0.0.1:")
    assert json.loads(second)["code"] == "unreachable"


def test_an_unknown_host_is_exit_8(tmp_path):
    done = at(tmp_path, "https://nobody.invalid")("whoami")
    assert done.returncode == 8
    assert done.stderr.startswith("error: cannot reach https://nobody.invalid: ")


def test_words_of_a_server_cannot_forge_a_line_or_move_the_cursor(tmp_path):
    problem = {"code": "x", "status": 409, "message": "a\n✓ Signed in as root.\x1b[2J\u202e"}
    with stranger(http(json.dumps(problem), "409 Conflict", "application/problem+json")) as listening:
        done = at(tmp_path, listening.url)("session", "list")
    assert done.returncode == 5
    assert done.stderr == "error: a ✓ Signed in as root.\\x1b[2J\\u202e\n"


def test_an_ambiguous_beginning_lists_the_matches_and_ends_nothing(tmp_path):
    ids = ["sess_abcd" + letter * 22 for letter in "xyz"]
    with stranger(http(json.dumps([{"id": one} for one in ids]))) as listening:
        ostiary = at(tmp_path, listening.url)
        done = ostiary("session", "revoke", "sess_abcd", "--yes")
        assert done.returncode == 2
        assert done.stderr == f'error: "sess_abcd" matches 3 sessions: {", ".join(ids)}; write more of the id\n'
        ostiary("session", "revoke", "abcdy", "--yes")
        asked = [request.split(b" HTTP", 1)[0] for request in listening.heard]
    listing = b"GET /api/v1/auth/sessions?include=ended"
    assert asked == [listing, listing, f"POST /api/v1/auth/sessions/{ids[1]}/revoke".encode()]


def test_a_certificate_that_nobody_vouches_for_is_refused_before_anything_is_sent(tmp_path):
    certificate, context = self_signed(tmp_path)

    def refuse_or_answer(connection: socket.socket) -> None:
        raise AssertionError("nothing in the clear is expected")

    with stranger(refuse_or_answer, context) as listening:
        port = listening.url.rsplit(":", 1)[1]
        done = at(tmp_path, f"https://localhost:{port}")("session", "list")
        assert done.returncode == 8
        assert "its certificate is not trusted" in done.stderr
        assert listening.heard == []
    with stranger(http("[]"), context) as listening:
        port = listening.url.rsplit(":", 1)[1]
        trusting = at(tmp_path, f"https://localhost:{port}", SSL_CERT_FILE=str(certificate))
        assert trusting("session", "list", "--format", "json").stdout == "[]\n"
        other_name = at(tmp_path, f"https://127.0.0.1:{port}", SSL_CERT_FILE=str(certificate))("session", "list")
        assert other_name.returncode == 8


def self_signed(directory: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for `localhost` and only that."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    path = directory / "certificate.pem"
    path.write_bytes(certificate.public_bytes(pem))
    secret = directory / "key.pem"
    unprotected = serialization.NoEncryption()
    secret.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, unprotected))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path, secret)
    return path, context


def test_pages_that_never_end_are_given_up(tmp_path):
    with stranger(http('{"users": [{"username": "x"}], "next_cursor": "same"}')) as listening:
        done = at(tmp_path, listening.url)("user", "list")
    assert done.returncode == 7


def test_a_login_that_gives_no_token_stores_nothing(alone):
    with stranger(http('{"user": {"username": "x"}, "session": {}}', "201 Created")) as listening:
        done = alone("login", "--server", listening.url, "--username", "x", "--password-stdin", stdin="p\n")
    assert done.returncode == 7
    assert not (alone.home / "config").exists()


@pytest.mark.parametrize("token", ["a b", "a\r\nX-Evil: 1", "é", "\x1b"])
def test_what_is_no_token_is_never_sent(tmp_path, token):
    with stranger(http("[]")) as listening:
        done = at(tmp_path, listening.url, OSTIARY_TOKEN=token)("session", "list")
        assert done.returncode == 2
        assert token not in done.stderr
        assert listening.heard == []


def test_a_stored_credential_is_sent_to_no_other_port_host_or_scheme(tmp_path):
    with stranger(http('{"user": {"id": "u", "username": "ada"}, "session": {"id": "sess_a"}, "token": null}')) as home:
        person = CommandLine(tmp_path)
        person.ok("login", "--server", home.url, "--token", TOKEN)
        assert f"Bearer {TOKEN}".encode() in home.heard[-1]
        with stranger(http("[]")) as elsewhere:
            port = elsewhere.url.rsplit(":", 1)[1]
            for url in (elsewhere.url, f"http://localhost:{port}", f"https://127.0.0.1:{port}"):
                done = person("session", "list", "--server", url)
                assert done.returncode == 4
                assert "run 'ostiary login'" in done.stderr
            config = tmp_path / "config" / "ostiary" / "config.toml"
            text = config.read_text()
            config.write_text(text.replace(f'server = "{home.url}"', f'server = "{elsewhere.url}"'))
            assert person("session", "list").returncode == 4
            assert elsewhere.heard == []


def test_a_redirect_takes_no_credential_along(tmp_path):
    with stranger(http("[]")) as target:
        moved = http("", "307 Temporary Redirect", more=f"Location: {target.url}/\r\n")
        with stranger(moved) as listening:
            done = at(tmp_path, listening.url)("session", "revoke", "--yes", "sess_" + "a" * 26)
        assert done.returncode == 7
        assert target.heard == []


def test_plain_http_to_another_machine_is_refused_before_anything_is_sent(alone):
    done = alone("login", "--server", "http://192.0.2.1", "--username", "x", "--password-stdin", stdin="p\n")
    assert done.returncode == 2
    assert "--allow-plain-http" in done.stderr
    done = CommandLine(alone.home, OSTIARY_TOKEN=TOKEN)("whoami", "--server", "http://192.0.2.1")
    assert done.returncode == 2
