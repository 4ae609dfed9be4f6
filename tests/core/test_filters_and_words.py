"""A filter finds what its word says, and what we show can be searched."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ostiary.core.client import describe
from ostiary.core.policy import PRESETS
from ostiary.core.selector import parse
from ostiary.core.session import Session
from tests.support.agents import AGENTS, says, shown_words

NOW = datetime(2026, 1, 15, tzinfo=UTC)


def finds(filters, agent):
    session = Session(
        id="sess_a", user_id="u", kind="browser", created_at=NOW, auth_time=NOW, last_used_at=NOW, expires_at=NOW,
        user_agent=agent,
    )  # fmt: skip
    return parse(filters).matches(session, None, PRESETS["default"], NOW)


@pytest.mark.parametrize("agent", AGENTS)
@pytest.mark.parametrize("change", [str, str.upper, str.lower])
def test_every_word_that_is_shown_of_an_agent_finds_it(agent, change):
    found = describe(agent)
    assert finds({"user_agent": agent}, agent)
    if found.browser:
        assert finds({"user_agent": change(found.browser)}, agent)
        assert finds({"user_agent": change(found.name)}, agent)
    for word in (found.os, found.device, found.kind):
        assert word is None or finds({"device": change(word)}, agent), word


@pytest.mark.parametrize("name", ["user_agent", "device"])
def test_what_a_word_finds_says_it(name):
    words = {word for agent in AGENTS for word in shown_words(agent)}
    words |= {"chrome", "firefox", "safari", "edge", "iPad", "iPhone", "iPod", "linux", "windows", "tablet", "phone"}
    for word in sorted(words):
        wrong = {agent for agent in AGENTS if finds({name: word}, agent) and not says(agent, name, word)}
        assert not wrong, (name, word)


@pytest.mark.parametrize(
    ("filters", "is_there"),
    [
        ({"device": "iPad"}, "iPad; CPU"),
        ({"device": "linux"}, "Debian"),
        ({"user_agent": "chrome"}, "Android 10; K"),
        ({"user_agent": "Chrome"}, "CriOS"),
        ({"user_agent": "Mobile Safari UI/WKWebView"}, "(KHTML, like Gecko) Mobile/15E148"),
        ({"user_agent": "firefox on debian"}, "Debian"),
    ],
)
def test_words_that_people_use_find_what_they_mean(filters, is_there):
    assert any(is_there in agent and finds(filters, agent) for agent in AGENTS)


@pytest.mark.parametrize("word", ["tv", "console", "bot", "toaster", "ipadd", "mobile phone", "%", "_"])
def test_a_device_that_nobody_has_finds_nobody(word):
    assert not [agent for agent in AGENTS if finds({"device": word}, agent)]
