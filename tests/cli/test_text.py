"""Nothing that a stranger wrote moves the cursor, fakes a line or shifts a column."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.cli.output.text import centre, cut, pad, safe, width

HOSTILE = {
    "\x1b[2J\x1b[H": "\\x1b[2J\\x1b[H",
    "a\nsess_forged  yes": "a\\nsess_forged  yes",
    "a\r\nb": "a\\r\\nb",
    "\x9b31m": "\\x9b31m",  # CSI in one byte
    "\u202eevil\u202c": "\\u202eevil\\u202c",
    "\u2066x\u2069": "\\u2066x\\u2069",
    "a\u200bb": "a\\u200bb",
    "\u2028": "\\u2028",
    "\x00": "\\x00",
    "\ud800": "\\ud800",
    "\ue000": "\\ue000",
    "\x7f": "\\x7f",
}


@pytest.mark.parametrize(("text", "shown"), HOSTILE.items())
def test_what_is_not_visible_is_shown_escaped(text, shown):
    assert safe(text) == shown


@given(st.text())
def test_a_safe_text_is_one_printable_line(text):
    assert safe(text).isprintable()


@pytest.mark.parametrize("text", ["Mozilla/5.0 (X11)", "Ünïcødé", "日本語", "🙂"])
def test_visible_text_is_left_alone(text):
    assert safe(text) == text


def test_wide_characters_take_two_columns_and_combining_ones_none():
    assert width("日本") == 4
    assert width("e\u0301") == 1
    assert width("abc") == 3


def test_cutting_counts_columns_and_never_splits_a_wide_character():
    assert cut("日本語", 5) == "日本"
    assert cut("abcdef", 3) == "abc"
    assert cut("ab", 3) == "ab"


@given(st.text(max_size=40).map(safe), st.integers(1, 30))
def test_what_is_cut_fits(text, limit):
    assert width(cut(text, limit)) <= limit


def test_padding_reaches_the_width_for_wide_characters_too():
    assert pad("日", 4) == "日  "
    assert centre("ab", 5) == " ab  "
