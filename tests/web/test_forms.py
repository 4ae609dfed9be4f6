"""Forms: whose they are, and where they lead."""

from __future__ import annotations

from urllib.parse import urlencode

from tests.support import people
from tests.support.people import PASSWORD, at
from tests.web.crawl import routes, settle
from tests.web.surfer import OWN, token_of

EVIL = [
    "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "/%2f/evil.example",
    "/%2F%2Fevil.example",
    "/%5cevil.example", "/%09/evil.example", "https:evil.example", "https://evil.example", "https:/evil.example",
    "HTTPS://evil.example", "javascript:alert(1)", "data:text/html,x", "/\t/evil.example", "/\n/evil.example",
    "\t//evil",
    "/%00/evil", "/\u65e5\u672c",
    " //evil.example", "evil.example", "@evil.example", "//evil.example/%2e%2e", "/\u2028/evil",
    "//user@evil.example", "http:////evil.example", "//[evil", "?next=//evil", "#//evil", "",
]  # fmt: skip
GOOD = ["/", "/settings/tokens", "/settings/sessions?page=2", "/a/b.c?d=e&f=%20g#h", "/settings/sessions?device=a%2Fb"]


async def test_sign_in_never_leads_away(surfer):
    await people.add_user(surfer.authority)
    for target in EVIL:
        answer = await surfer.stranger().sign_in(next=target)
        assert answer.headers["location"] == "/settings/sessions", target
        page = await surfer.stranger().get(f"/sign-in?{urlencode({'next': target})}")
        assert 'name="next" value="/settings/sessions"' in page.text, target


async def test_sign_in_ignores_a_path_that_no_query_could_have_brought(surfer):
    await people.add_user(surfer.authority)
    answer = await surfer.stranger().sign_in(next="/" + "a" * 13_000)
    assert answer.headers["location"] == "/settings/sessions"


async def test_sign_in_leads_to_a_path_of_ours(surfer):
    await people.add_user(surfer.authority)
    for target in GOOD:
        assert (await surfer.stranger().sign_in(next=target)).headers["location"] == target
        assert (await surfer.get(target)).status_code < 500


async def test_login_csrf_a_foreign_form_cannot_sign_anybody_in(surfer):
    await people.add_user(surfer.authority, "mallory")
    attacker, victim = surfer.stranger(), surfer.stranger()
    token = token_of(await attacker.get("/sign-in"))
    await victim.get("/sign-in")
    fields = {"username": "mallory", "password": PASSWORD, "csrf_token": token}
    for headers in (OWN, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {}):
        answer = await victim.post("/sign-in", fields, headers=headers)
        assert answer.status_code == 403
        assert "__Host-session" not in victim.cookies
    assert (await attacker.post("/sign-in", fields)).status_code == 303


async def test_every_act_refuses_a_form_that_is_not_ours(surfer):
    known = await settle(surfer)
    other = surfer.stranger()
    await people.add_user(surfer.authority, "eve")
    await other.sign_in("eve")
    foreign = token_of(await other.get("/settings/password"))
    own = token_of(await surfer.get("/settings/password"))
    for path in routes("POST", known):
        for fields, headers in (
            ({}, OWN),
            ({"csrf_token": foreign}, OWN),
            ({"csrf_token": own[:-1] + ("0" if own[-1] != "0" else "1")}, OWN),
            ({"csrf_token": "é" * 40}, OWN),
            ({"csrf_token": own}, {"Sec-Fetch-Site": "cross-site"}),
            ({"csrf_token": own}, {"Sec-Fetch-Site": "same-site"}),
            ({"csrf_token": own}, {"Origin": "null"}),
            ({"csrf_token": own}, {"Origin": "https://evil.example"}),
            ({"csrf_token": own}, {}),
        ):
            answer = await surfer.post(path, fields, headers=headers)
            assert answer.status_code == 403, (path, fields, headers)
            assert "set-cookie" not in answer.headers or "__Host-session" not in answer.headers["set-cookie"]
    assert (await surfer.get("/settings/sessions")).status_code == 200


async def test_a_body_that_is_no_form_is_refused(surfer):
    await surfer.add_and_sign_in()
    for media_type in ("text/plain", "application/json", "multipart/form-data; boundary=x", ""):
        answer = await surfer.client.post(
            "/sign-out",
            content=b"csrf_token=x",
            headers={**OWN, "Content-Type": media_type, "Cookie": f"__Host-session={surfer.cookies['__Host-session']}"},
        )
        assert answer.status_code == 422
    assert (await surfer.get("/settings/sessions")).status_code == 200


async def test_a_character_that_the_store_cannot_keep_is_refused(surfer):
    await people.add_user(surfer.authority)
    answer = await surfer.submit("/sign-in", username="a\0b", password=PASSWORD)
    assert answer.status_code == 422


async def test_signing_in_again_ends_the_session_that_this_browser_held(surfer):
    await surfer.add_and_sign_in()
    old = surfer.cookies["__Host-session"]
    token = token_of(await surfer.get("/settings/password"))
    fields = {"username": "ada", "password": PASSWORD, "csrf_token": token}
    assert (await surfer.post("/sign-in", fields)).status_code == 303
    assert surfer.cookies["__Host-session"] != old
    by = await surfer.authority.verify(surfer.cookies["__Host-session"], at())
    assert len(await surfer.authority.sessions.list(by=by)) == 1


async def test_plain_http_from_another_machine_offers_no_form(surfer):
    surfer.client.base_url = "http://auth.example.test"
    page = await surfer.get("/sign-in")
    assert "plain http" in page.text and "<form" not in page.text


async def test_a_bearer_opens_no_page(surfer):
    await people.add_user(surfer.authority)
    started = await people.sign_in(surfer.authority)
    answer = await surfer.get("/settings/sessions", Authorization=f"Bearer {started.token}")
    assert answer.status_code == 303 and answer.headers["location"].startswith("/sign-in")


async def test_a_cli_token_in_the_cookie_opens_no_page(surfer):
    await people.add_user(surfer.authority)
    by = await people.caller(surfer.authority, await people.sign_in(surfer.authority))
    made = await surfer.authority.tokens.create(by=by, name="script")
    surfer.cookies["__Host-session"] = made.secret
    assert (await surfer.get("/settings/sessions")).status_code == 303


async def test_too_many_failures_say_how_long_to_wait_and_the_right_password_still_works(surfer):
    await people.add_user(surfer.authority)
    for _ in range(10):
        await surfer.submit("/sign-in", username="ada", password="wrong")
    answer = await surfer.submit("/sign-in", username="ada", password="wrong")
    assert answer.status_code == 429 and int(answer.headers["retry-after"]) > 0
    assert "Too many failed attempts" in answer.text
    assert (await surfer.sign_in()).status_code == 303


async def test_what_clients_send_is_escaped_wherever_it_is_shown(surfer, clock):
    from ostiary.core.client import seen

    markup = "<script>alert(1)</script>\"'&"
    await surfer.add_and_sign_in()
    by = await people.caller(surfer.authority, await people.sign_in(surfer.authority))
    started = await surfer.authority.sessions.start(
        by.user.id, client=seen("203.0.113.3", markup), label=markup, application_id=markup, tenant=markup
    )
    await surfer.authority.tokens.create(by=by, name=markup)
    session = f"/settings/sessions/{started.session.id}"
    pages = ["/settings/sessions", "/settings/tokens", *(f"{session}/{act}" for act in ("end", "label", "disown"))]
    pages += [f"/settings/sessions?device={markup}", f"/sign-out?x={markup}", f"/{markup}"]
    for path in pages:
        page = await surfer.get(path)
        assert "<script>alert" not in page.text, path
    await surfer.authority.sessions.revoke(started.session.id, by=by)
    assert "<script>alert" not in (await surfer.get("/settings/sessions/ended")).text
    wrong = await surfer.stranger().submit("/sign-in", username=markup, password="wrong")
    assert "<script>alert" not in wrong.text


async def test_a_foreign_session_answers_as_one_that_is_not_there(surfer):
    await surfer.add_and_sign_in()
    await people.add_user(surfer.authority, "eve")
    foreign = (await people.sign_in(surfer.authority, "eve")).session.id
    missing = "sess_" + "a" * 26
    for act in ("end", "label", "disown"):
        answers = []
        for session_id in (foreign, missing, "nonsense"):
            page = await surfer.get(f"/settings/sessions/{session_id}/{act}")
            posted = await surfer.submit("/settings/password", f"/settings/sessions/{session_id}/{act}")
            answers.append((page.status_code, posted.status_code, len(page.text), len(posted.text)))
        assert answers[0] == answers[1] == answers[2] and answers[0][:2] == (404, 404)
