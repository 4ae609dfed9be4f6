"""OWASP ASVS 5.0, item by item, as far as it is about pages."""

from __future__ import annotations

import re

import pytest

from ostiary.storage import schema
from tests.support import people
from tests.support.people import at
from tests.web.crawl import STREAM, routes, settle

# Parts of a page that is open already.
PARTS = {"/settings/sessions/list", "/admin/numbers", "/admin/events/list", "/admin/verifiers/list"}
PAGES_WITHOUT_ANYBODY = {"/", "/sign-in", "/setup", "/signed-out", STREAM, *PARTS}


def cookies(crawled):
    found = [header for answer in crawled for header in answer.headers.get_list("set-cookie")]
    assert {header.partition("=")[0] for header in found} == {
        "__Host-session",
        "__Host-form",
        "__Host-notice",
        "__Host-minted",
        "__Host-ostiary-device",
    }
    return found


def is_html(answer) -> bool:
    return str(answer.headers.get("content-type", "")).startswith("text/html")


async def test_asvs_3_3_1_every_cookie_is_secure_and_prefixed(crawled):
    for cookie in cookies(crawled):
        assert cookie.startswith("__Host-") and "; Secure" in cookie and "; Path=/" in cookie


async def test_asvs_3_3_2_every_cookie_says_same_site(crawled):
    for cookie in cookies(crawled):
        assert "samesite=lax" in cookie.lower()


async def test_asvs_3_3_3_and_3_5_4_no_cookie_is_shared_with_another_host(crawled):
    for cookie in cookies(crawled):
        assert "domain" not in cookie.lower() and cookie.startswith("__Host-")


async def test_asvs_3_3_4_cookies_are_http_only_and_the_session_token_is_on_no_page(crawled):
    secrets = set()
    for cookie in cookies(crawled):
        assert "; HttpOnly" in cookie
        if cookie.startswith("__Host-session=sess"):
            secrets.add(cookie.partition("=")[2].partition(";")[0].partition(".")[2])
    assert len(secrets) >= 2
    for answer in crawled:
        for secret in secrets:
            assert secret not in answer.text and secret not in answer.headers.get("location", "")


async def test_asvs_3_3_5_cookies_are_short(crawled):
    assert max(len(cookie.partition(";")[0]) for cookie in cookies(crawled)) <= 4096


async def test_asvs_3_4_1_every_answer_demands_https_for_years(crawled):
    for answer in crawled:
        hsts = answer.headers["strict-transport-security"]
        assert int(hsts.partition("=")[2].partition(";")[0]) >= 31_536_000 and "includeSubDomains" in hsts


async def test_asvs_3_4_2_no_answer_lets_another_origin_read(surfer):
    await surfer.add_and_sign_in()
    await surfer.get("/settings/sessions", Origin="https://evil.example")
    assert all("access-control-allow-origin" not in answer.headers for answer in surfer.answers)


async def test_asvs_3_4_3_every_page_has_a_policy_with_a_nonce_of_its_own(crawled):
    nonces = []
    for answer in crawled:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "base-uri 'none'" in policy
        assert "unsafe" not in policy and "*" not in policy and "http" not in policy
        if is_html(answer):
            assert "object-src 'none'" in policy
            nonce = re.search(r"script-src 'nonce-([\w-]{22})'", policy)
            assert nonce is not None
            nonces.append(nonce[1])
            assert set(re.findall(r'nonce="([^"]+)"', answer.text)) <= {nonce[1]}
            scripts = re.findall(r"<script[^>]*>[^<]*", answer.text)
            assert all("src=" in script and script.endswith(">") for script in scripts)
            assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", answer.text)
    assert len(nonces) == len(set(nonces)) > 20


async def test_asvs_3_4_3_the_browser_runs_no_inline_script_and_reports_nothing(visitors, site):
    user = await site.user()
    visitor = await visitors()
    await visitor.sign_in(user)
    # Put in by hand, as an attacker might: it does not run, and the browser says so.
    await visitor.page.evaluate(
        "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.ran = true\">')"
    )
    await visitor.page.wait_for_timeout(200)
    assert await visitor.page.evaluate("window.ran === undefined")
    assert any("Content Security Policy" in complaint for complaint in visitor.complaints)
    visitor.complaints.clear()


async def test_asvs_3_4_4_nothing_is_sniffed(crawled):
    assert {answer.headers["x-content-type-options"] for answer in crawled} == {"nosniff"}


async def test_asvs_3_4_5_no_other_origin_learns_where_a_person_was(crawled):
    assert {answer.headers["referrer-policy"] for answer in crawled} <= {"same-origin", "no-referrer"}


async def test_asvs_3_4_6_no_page_can_be_framed(crawled):
    assert all("frame-ancestors 'none'" in answer.headers["content-security-policy"] for answer in crawled)


async def test_asvs_3_4_7_violations_have_a_place_to_be_reported_to(surfer):
    await settle(surfer)
    page = await surfer.get("/settings/sessions")
    assert "report-uri /csp-reports" in page.headers["content-security-policy"]
    assert page.headers["reporting-endpoints"] == 'csp="/csp-reports"'
    report = {"csp-report": {"effective-directive": "script-src", "blocked-uri": "inline"}}
    for body in (report, [{"body": {"effectiveDirective": "script-src"}}], [], 7, {"csp-report": 7}):
        assert (await surfer.client.post("/csp-reports", json=body)).status_code == 204
    assert (await surfer.client.post("/csp-reports", content=b"{")).status_code == 204
    assert (await surfer.client.post("/csp-reports", content=b"x" * 10_000)).status_code == 413


async def test_asvs_3_4_8_no_page_shares_its_window_with_another_origin(crawled):
    assert {answer.headers["cross-origin-opener-policy"] for answer in crawled} == {"same-origin"}


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {}])
async def test_asvs_3_5_1_and_3_5_2_a_cross_origin_post_does_nothing(surfer, headers):
    known = await settle(surfer)
    for path in routes("POST", known):
        for media_type in ("application/x-www-form-urlencoded", "text/plain"):
            answer = await surfer.client.post(
                path,
                content=b"username=ada&password=x",
                headers={
                    **headers,
                    "Content-Type": media_type,
                    "Cookie": f"__Host-session={surfer.cookies['__Host-session']}",
                },
            )
            assert answer.status_code == 403, path
    assert (await surfer.get("/settings/sessions")).status_code == 200


async def test_asvs_3_5_3_safe_methods_change_nothing(surfer):
    known = await settle(surfer)

    async def digest() -> str:
        async with surfer.authority.database.reading() as db:
            tables = [
                (await db.execute(table.select())).all()
                for table in schema.metadata.sorted_tables
                if table.name != "refusals"
            ]
        return repr(tables)

    before = await digest()
    for path in [*routes("GET", known), *routes("POST", known)]:
        for method in ("GET", "HEAD", "OPTIONS"):
            if path != STREAM:
                await surfer.client.request(
                    method, path, headers={"Cookie": f"__Host-session={surfer.cookies['__Host-session']}"}
                )
    assert await digest() == before


async def test_asvs_3_5_5_no_page_listens_to_messages(surfer):
    assert "postMessage" not in await own_scripts(surfer) and '"message"' not in await own_scripts(surfer)


async def test_asvs_3_5_6_and_3_5_7_scripts_are_the_same_for_everybody(surfer):
    anonymous = await own_scripts(surfer)
    await settle(surfer)
    assert await own_scripts(surfer) == anonymous
    answer = await surfer.get("/settings/sessions/list?callback=evil")
    assert "evil(" not in answer.text and is_html(answer)


async def own_scripts(surfer) -> str:
    answers = [await surfer.get(f"/static/{name}") for name in ("ostiary.js", "htmx.min.js")]
    assert all(answer.status_code == 200 for answer in answers)
    return "".join(answer.text for answer in answers)


async def test_asvs_3_5_8_other_origins_cannot_embed_what_is_a_persons_own(crawled):
    assert {answer.headers["cross-origin-resource-policy"] for answer in crawled} == {"same-origin"}


async def test_asvs_7_4_4_signing_out_is_on_every_page_of_somebody_signed_in(surfer):
    known = await settle(surfer)
    seen = 0
    for path in [*routes("GET", known), "/nothing", "/settings/nothing", f"/settings/sessions/sess_{'a' * 26}/end"]:
        if path in PAGES_WITHOUT_ANYBODY:
            continue
        page = await surfer.get(path)
        if page.status_code == 303:  # the address of an act, reloaded: on to its page, which is walked, too
            page = await surfer.get(page.headers["location"])
        assert '<form method="post" action="/sign-out">' in page.text, path
        assert re.search(r'<button class="quiet" type="submit">Sign out</button>', page.text), path
        seen += 1
    assert seen >= 15


async def test_asvs_7_4_4_signing_out_is_seen_and_reached_in_the_browser(visitors, site):
    user = await site.user()
    visitor = await visitors()
    await visitor.sign_in(user)
    for path in ("/settings/sessions", "/settings/tokens", "/settings/password", "/nothing"):
        await visitor.goto(path)
        button = visitor.page.get_by_role("banner").get_by_role("button", name="Sign out")
        assert await button.is_visible()
        await button.focus()
        assert await visitor.page.evaluate("document.activeElement.innerText") == "Sign out"


async def test_asvs_7_5_2_the_list_is_every_live_session_and_any_can_be_ended(surfer):
    await people.add_user(surfer.authority)
    started = {(await people.sign_in(surfer.authority, client=at(f"203.0.113.{n}"))).session.id for n in range(3)}
    gone = await people.sign_in(surfer.authority)
    await surfer.authority.sessions.log_out(by=await people.caller(surfer.authority, gone))
    await surfer.sign_in()
    page = await surfer.get("/settings/sessions")
    shown = set(re.findall(r'<li class="row[^"]*" id="(sess_\w+)"', page.text))
    own = surfer.cookies["__Host-session"].partition(".")[0]
    assert shown == started | {own}
    for session_id in started:
        assert (await surfer.submit(f"/settings/sessions/{session_id}/end")).status_code == 303
    page = await surfer.get("/settings/sessions")
    assert set(re.findall(r'<li class="row[^"]*" id="(sess_\w+)"', page.text)) == {own}


async def test_asvs_14_3_1_signing_out_clears_what_the_browser_keeps(surfer):
    await surfer.add_and_sign_in()
    answer = await surfer.submit("/settings/sessions", "/sign-out")
    assert answer.headers["clear-site-data"] == '"cache", "storage"'
    assert "__Host-session" not in surfer.cookies
    page = await surfer.get("/signed-out")
    assert "clear-site-data" not in page.headers  # anybody can be led there by a link


async def test_asvs_14_3_1_a_link_to_the_signed_out_page_signs_nobody_out(surfer):
    await surfer.add_and_sign_in()
    answer = await surfer.get("/signed-out")
    assert answer.status_code == 303 and "clear-site-data" not in answer.headers


async def test_asvs_14_3_2_no_page_is_kept_in_a_cache(crawled):
    assert {answer.headers["cache-control"] for answer in crawled} == {"no-store"}


async def test_asvs_14_3_3_a_page_leaves_nothing_in_the_browsers_storage(visitors, site):
    user = await site.user()
    visitor = await visitors()
    await visitor.sign_in(user)
    await visitor.follow("CLI tokens")
    await visitor.follow("Sessions")
    kept = await visitor.page.evaluate("[...Object.keys(localStorage), ...Object.keys(sessionStorage)]")
    assert set(kept) <= {"htmx-current-path-for-history"}  # a path, of this tab
    assert await visitor.page.evaluate("document.cookie") == ""
