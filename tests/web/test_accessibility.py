"""axe-core looks at every page, in light and dark, at the width of a phone and of a desk."""

from __future__ import annotations

from pathlib import Path

import pytest

from ostiary.core.client import seen
from ostiary.core.selector import Selector
from tests.support.databases import skip
from tests.support.people import CHROME, IPHONE, at
from tests.web.visitors import HERE, Visitor

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
GRAVE = {"serious", "critical"}


@pytest.fixture(scope="module")
def axe() -> str:
    if not AXE.exists():
        skip("no axe-core; run npm install in tests/web")
    return AXE.read_text(encoding="utf-8")


async def findings(visitor: Visitor, axe: str) -> list[str]:
    """What axe finds; put into the page from outside, as the page itself loads no foreign script."""
    await visitor.page.evaluate(axe)
    found = await visitor.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{visitor.page.url}: {one['id']} ({one['impact']}): {one['nodes'][0]['html'][:160]}"
        for one in found["violations"]
        if one["impact"] in GRAVE
    ]


@pytest.mark.parametrize(("scheme", "width"), [("light", 320), ("dark", 1280)])
async def test_no_page_has_a_grave_finding(visitors, site, axe, scheme, width):
    user = await site.user(admin=True)
    phone = await site.sign_in(user, at("203.0.113.2", IPHONE))
    gone = await site.sign_in(user, at("203.0.113.3", CHROME))
    by = await site.authority.verify(phone.token, at())
    await site.authority.sessions.revoke(gone.session.id, by=by)
    await site.authority.sessions.start(user.id, client=seen("2001:db8::9", "x" * 300), label="W" * 64)
    made = await site.authority.tokens.create(by=by, name="t" * 64)
    plan = (await site.authority.plans.make(Selector(), by=by)).plan
    visitor = await visitors(color_scheme=scheme, viewport={"width": width, "height": 800})
    found: list[str] = []

    async def look(path: str) -> None:
        await visitor.goto(path)
        await look_here()

    async def look_here() -> None:
        found.extend(await findings(visitor, axe))
        wide = await visitor.page.evaluate("document.documentElement.scrollWidth")
        if wide > width:
            found.append(f"{visitor.page.url}: {wide} pixels wide, in a window of {width}")

    await look("/sign-in?next=/settings/tokens")
    await visitor.type_sign_in(user, "wrong")
    await visitor.sees("wrong.")
    await look_here()
    await look("/signed-out")
    await look("/setup?code=unknown")
    await visitor.sign_in(user)
    for path in (
        *("", "/ended", "/end-others", "/end-all"),
        *(f"/{phone.session.id}/{act}" for act in ("end", "disown", "label")),
    ):
        await look(HERE + path)
    for path in ("/settings/tokens", "/settings/tokens/new", "/settings/password", "/sign-out", "/nothing"):
        await look(path)
    for path in (
        *(
            "/admin",
            "/admin/neutralise",
            "/admin/verifiers",
            "/admin/sessions?reason=user",
            "/admin/sessions?ip=none",
            "/admin/events",
            "/admin/plans",
            f"/admin/plans/{plan.id}",
            "/admin/clients",
        ),
        *("/admin/users", f"/admin/users/{user.username}", f"/admin/users/{user.username}/disable"),
        f"/admin/sessions/{phone.session.id}/end",
    ):
        await look(path)
    for act in ("rotate", "revoke"):
        await look(f"/settings/tokens/{made.token.id}/{act}")
    await visitor.press("Revoke token")
    await visitor.page.get_by_text("1 token that ended").click()
    await look_here()
    await visitor.goto(HERE)
    await visitor.page.locator(f"#{phone.session.id} summary").click()
    await visitor.follow("End 2 other sessions")
    await visitor.page.get_by_role("dialog").wait_for()
    await visitor.page.wait_for_timeout(300)  # until the dialog has come to rest: axe measures contrast
    await look_here()
    assert not found, "\n".join(found)
