"""What is printed: whole tables and the report, without bars and forms, in black on white."""

import re

import pytest
from playwright.sync_api import Page, expect

from records.actor import Grant, Role
from tests.browser.conftest import Site
from tests.browser.looks import check
from tests.support import seed
from tests.support.seed import BAY, PEOPLE

PAGES = re.compile(rb"/Type\s*/Page\b")


def printed(page: Page) -> tuple[str, int]:
    """What stands on the paper, and how many sheets it takes."""
    page.emulate_media(media="print")
    text = page.inner_text("body")
    for kept_off in ("header.top", "nav.places", "main form.filters"):
        assert not [one for one in page.locator(kept_off).all() if one.is_visible()], kept_off
    ground = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(ground) == "rgb(255, 255, 255)"
    sheets = len(PAGES.findall(page.pdf(prefer_css_page_size=True)))
    page.emulate_media(media="screen")
    return text, sheets


@pytest.mark.parametrize("page", [(1280, 900)], ids=["desktop"], indirect=True)
def test_board_roster_and_report_on_paper(page: Page, site: Site) -> None:
    cookie = seed.signed_in_cookie(site.engine, "ada@example.org", [Grant(Role.PROGRAM_ADMIN)])
    page.context.add_cookies([{"name": "copbridge", "value": cookie, "url": site.address}])
    page.goto(f"{site.address}/?view=list")
    text, sheets = printed(page)
    assert "Evidence-Based Writing Instruction for ESL" in text
    assert "Sign out" not in text
    assert sheets == 1
    page.goto(f"{site.address}/communities/{site.seeded.communities[BAY]}")
    page.get_by_role("link", name="Print").click()
    check(page)
    text, sheets = printed(page)
    assert all(f"{first} {last}" in text for user, (first, last, _) in PEOPLE.items() if user < 30)
    # The address and the date are in the foot.
    assert f"{site.address}/communities/{site.seeded.communities[BAY]}/roster.print · " in text
    assert sheets == 1
    page.goto(f"{site.address}/reports")
    expect(page.get_by_role("heading", name="Communities: average hours")).to_be_visible()
    check(page)
    text, sheets = printed(page)
    assert "What the figures mean" in text
    assert 1 <= sheets <= 3
