"""User agents of many kinds, and what is shown of them: a filter finds what its word says, and nothing else."""

from __future__ import annotations

from ostiary.core.client import describe
from ostiary.core.device_words import DEVICES

_SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
_CHROME = "AppleWebKit/537.36 (KHTML, like Gecko)"
AGENTS = (
    f"Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) {_SAFARI} Version/17.5 Mobile/15E148 Safari/604.1",
    f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) {_SAFARI} Mobile/15E148",
    f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) {_SAFARI} CriOS/126.0.0.0 Mobile/15E148 Safari/604.1",
    f"Mozilla/5.0 (iPod touch; CPU iPhone OS 12_0 like Mac OS X) {_SAFARI} Version/12.0 Mobile/15E148 Safari/604.1",
    "Shop/1.0 (iPhone12,1; iOS 17.0)",
    "Shop/1 CFNetwork/1492.0.1 Darwin/23.3.0",
    f"Mozilla/5.0 (Linux; Android 14; SM-G991B) {_CHROME} Chrome/126.0.0.0 Mobile Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 10; K) {_CHROME} Chrome/126.0.0.0 Mobile Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 13; SM-X700) {_CHROME} Chrome/126.0.0.0 Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 14; Pixel 8) {_CHROME} Version/4.0 Chrome/126.0.0.0 Mobile Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 9; KFTRWI) {_CHROME} Silk/122.3.1 like Chrome/122.0.0.0 Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 11; Redmi Note 8) {_CHROME} Chrome/120.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Android 14; Mobile; rv:126.0) Gecko/126.0 Firefox/126.0",
    "Mozilla/5.0 (Android 14; Tablet; rv:126.0) Gecko/126.0 Firefox/126.0",
    "Mozilla/5.0 (X11; Debian; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0",
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:126.0) Gecko/20100101 Firefox/126.0",
    "Mozilla/5.0 (X11; Fedora; Linux x86_64; rv:126.0) Gecko/20100101 Firefox/126.0",
    f"Mozilla/5.0 (X11; Linux x86_64) {_CHROME} Chrome/126.0.0.0 Safari/537.36",
    f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {_CHROME} Chrome/126.0.0.0 Safari/537.36",
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROME} Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0",
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROME} HeadlessChrome/126.0.0.0 Safari/537.36",
    f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_SAFARI} Version/17.5 Safari/605.1.15",
    f"Mozilla/5.0 (PlayStation 5 3.03) {_SAFARI} Version/13.0 Safari/605.1.15",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "curl/8.5.0",
    "python-requests/2.32.0",
    "Go-http-client/2.0",
    "something nobody knows",
    "words on a page/1.0",
)
_LINUX = {"linux", "ubuntu", "debian", "fedora"}


def shown_words(agent: str) -> list[str]:
    """What lists, pages and the API show of it."""
    found = describe(agent)
    return [word for word in (found.browser, found.os, found.device, found.kind, found.name) if word]


def says(agent: str, name: str, word: str) -> bool:
    """True if what is shown of the agent says the word: written apart from the rule, to be held beside it."""
    found, word = describe(agent), word.casefold()
    browser, system, model = ((one or "").casefold() for one in (found.browser, found.os, found.device))
    if name == "user_agent":
        words = browser.replace("/", " ").split()
        return f" {word.replace('/', ' ')} " in f" {' '.join(words)} " or word in (
            found.name.casefold(),
            agent.casefold(),
        )
    if word in DEVICES:
        return found.kind == word
    if word in {"iphone", "ipad", "ipod"}:
        return model.startswith(word)
    return system in (_LINUX if word == "linux" else {word}) or model == word
