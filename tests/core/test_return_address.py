"""Return addresses: every way in which a text can look like a listed origin and lead elsewhere."""

from __future__ import annotations

import pytest

from ostiary.core.return_address import MAXIMUM_LENGTH, allowed, is_under, read_origin

LISTED = ("https://app.example.org", "https://app.example.org:8443", "http://old.example.org", "https://[2001:db8::1]")

EVIL = [
    "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "\\evil.example", "/path", "path", "",
    "https://evil.example", "https://app.example.org.evil.example", "https://evil.example/https://app.example.org",
    "https://evilapp.example.org", "https://example.org", "https://x.app.example.org", "https://app.example.org.",
    "https://user@app.example.org", "https://app.example.org@evil.example", "https://app.example.org:pw@evil.example",
    "https://app.example.org%40evil.example", "https://app.example.org%2f@evil.example",
    "https://app.example.org\\@evil.example", "https://app.example.org\\.evil.example",
    "https://evil.example\\@app.example.org", "https://evil.example#@app.example.org", "https://app.example.org#/x",
    "https://evil.example?@app.example.org", "https://evil.example/@app.example.org",
    "https:app.example.org", "https:/app.example.org", "https:///app.example.org", "https:\\\\app.example.org",
    "https//app.example.org", "://app.example.org", "http://app.example.org", "ftp://app.example.org",
    "javascript://app.example.org/%0aalert(1)", "javascript:alert(1)", "data:text/html,x", "blob:https://app.example.org/",
    "view-source:https://app.example.org", "wss://app.example.org", "file://app.example.org/etc",
    "https://app.example.org:443@evil.example", "https://app.example.org:8444", "https://app.example.org:",
    "https://app.example.org:0", "https://app.example.org:65536", "https://app.example.org:99999", "https://app.example.org:8443x",
    "https://app.example.org:+8443", "https://app.example.org: 8443", "https://app.example.org:8443:443",
    "http://old.example.org:8080", "https://old.example.org",
    "https://app.example.org\r\nSet-Cookie: a=b", "https://app.example.org/\r\nSet-Cookie: a=b", "https://app.example.org/\n",
    "https://app.example.org/\x00", "https://app.example.org/a b", "https://app.example.org/\tx", "https://app.example.org\t",
    "https://app\t.example.org", "https://app\n.example.org", " https://app.example.org", "\thttps://app.example.org",
    "https://app.example.org/\x7f", "https://app.example.org/\\evil.example", "https://app.example.org/é",
    "https://\u0430pp.example.org", "https://app.example.org\u3002evil.example", "https://app\u3002example\u3002org", "https://\uff41pp.example.org",
    "https://xn--pp-8kc.example.org", "https://app.example.org\u2044@evil.example", "https://app.example.org\u2028",
    "https://app%2eexample.org", "https%3a%2f%2fapp.example.org", "https://app.example.org%00.evil.example",
    "https://app.example.org%0d%0a", "https://app..example.org", "https://.app.example.org", "https://-app.example.org",
    "https://[::1]", "https://[2001:db8::2]", "https://[2001:db8::1", "https://2001:db8::1", "https://[2001:db8::1]evil",
    "https://0x7f.1", "https://app.example.org;evil.example", "https://app.example.org,evil.example",
    "https://app.example.org&evil.example", "https://*.example.org", "https://app_example.org", "h\u017fttps://app.example.org",
    "http\u017f://app.example.org", "https://app.example.org/" + "a" * MAXIMUM_LENGTH,
]  # fmt: skip


@pytest.mark.parametrize("text", EVIL, ids=lambda text: ascii(text)[:60])
def test_what_is_not_at_a_listed_origin_is_refused(text):
    assert allowed(text, LISTED) is None


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("https://app.example.org", "https://app.example.org/"),
        ("https://app.example.org/", "https://app.example.org/"),
        ("https://app.example.org/a/b?c=d&e=https://evil.example", None),
        ("https://app.example.org?c=d", "https://app.example.org/?c=d"),
        ("HTTPS://APP.Example.ORG/Path", "https://app.example.org/Path"),
        ("https://app.example.org:443/x", "https://app.example.org/x"),
        ("https://app.example.org:0443/x", "https://app.example.org/x"),
        ("https://app.example.org:8443/x", None),
        ("http://old.example.org:80/", "http://old.example.org/"),
        ("https://app.example.org//evil.example", None),
        ("https://app.example.org/%0d%0aSet-Cookie:%20a=b", None),
        ("https://app.example.org/@evil.example", None),
        ("https://[2001:0DB8:0::1]/x", "https://[2001:db8::1]/x"),
    ],
)
def test_an_address_at_a_listed_origin_is_written_anew(text, written):
    assert allowed(text, LISTED) == (written or text)


def test_nothing_is_allowed_where_nothing_is_listed():
    assert allowed("https://app.example.org/", ()) is None
    assert allowed(None, LISTED) is None


@pytest.mark.parametrize(
    ("text", "origin"),
    [("HTTPS://App.Example.org:443/", "https://app.example.org"), ("http://localhost:3000", "http://localhost:3000")],
)
def test_an_origin_is_read_as_it_is_compared(text, origin):
    assert read_origin(text) == origin


@pytest.mark.parametrize("text", ["app.example.org", "https://app.example.org/path", "https://*.example.org", "*", ""])
def test_what_is_no_origin_is_refused(text):
    with pytest.raises(ValueError, match="is no origin such as"):
        read_origin(text)


def test_a_domain_covers_what_is_below_it_and_nothing_that_only_ends_alike():
    assert is_under("example.org", "example.org")
    assert is_under("a.b.example.org", "example.org")
    assert not is_under("evilexample.org", "example.org")
    assert not is_under("org", "example.org")
