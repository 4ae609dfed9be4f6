"""A hundred thousand live sessions of a hundred thousand users fit into the promised 64 MiB."""

from __future__ import annotations

from bench.verifier import MEBIBYTE, memory_of


def test_a_hundred_thousand_sessions_fit():
    traced, each = memory_of(20_000)
    assert each * 100_000 <= 64 * MEBIBYTE, each
    assert traced > 0
