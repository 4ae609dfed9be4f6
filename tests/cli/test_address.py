"""What may be a server's URL, and what a credential is bound to."""

import pytest

from ostiary.cli.address import parse_address


@pytest.mark.parametrize(
    ("text", "origin", "url"),
    [
        ("https://Auth.Example.org", "https://auth.example.org:443", "https://auth.example.org"),
        ("https://auth.example.org:443/", "https://auth.example.org:443", "https://auth.example.org"),
        ("http://127.0.0.1:8420", "http://127.0.0.1:8420", "http://127.0.0.1:8420"),
        ("http://[::1]:8420/base/", "http://[::1]:8420", "http://[::1]:8420/base"),
    ],
)
def test_a_url_in_parts(text, origin, url):
    address = parse_address(text)
    assert (address.origin, address.url) == (origin, url)


@pytest.mark.parametrize(
    "text",
    [
        "", "auth.example.org", "ftp://a", "https://", "https://user@a", "https://u:p@a", "https://a?x=1", "https://a#f",
        "https://a:99999", "https://a:x", "https://a b", "https://a\n.evil", "https://a\t", "file:///etc/passwd", "//a",
    ],
)  # fmt: skip
def test_what_is_no_servers_url_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        parse_address(text)


@pytest.mark.parametrize(
    ("text", "protected"),
    [
        ("https://far.example", True),
        ("http://localhost", True),
        ("http://127.9.9.9", True),
        ("http://[::1]", True),
        ("http://app.localhost", True),
        ("http://far.example", False),
        ("http://10.0.0.1", False),
        ("http://localhost.evil.example", False),
        ("http://127.0.0.1.evil.example", False),
    ],
)
def test_only_https_and_this_machine_are_protected(text, protected):
    assert parse_address(text).is_protected is protected
