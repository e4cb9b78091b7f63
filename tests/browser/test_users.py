"""Somebody is invited, switched off and on again, at a desk and on a phone; one's own account."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESKTOP, Site
from tests.browser.looks import check

pytestmark = pytest.mark.timeout(120)
PASSWORD = "a long enough password"


@pytest.mark.parametrize("page", [DESKTOP], indirect=True, ids=["desktop"])
def test_inviting_and_switching_off(page: Page, site: Site) -> None:
    page.goto(site.link)
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_label("The same again").fill(PASSWORD)
    page.get_by_role("button", name="Set password and sign in").click()
    page.goto(f"{site.address}/users")
    check(page)
    page.get_by_role("link", name="Invite somebody").click()
    page.get_by_label("E-mail address").fill("dana@example.org")
    page.get_by_role("textbox", name="Name").fill("دانا مارش de la Torre-Castellanos y Fernández")
    page.get_by_label("Where").select_option("all")
    check(page)
    page.get_by_role("button", name="Invite", exact=True).press("Enter")
    # No mail is sent here: the link is shown.
    expect(page.get_by_label("The link")).to_have_value(re.compile(r"/set-up/[\w-]{43}$"))
    check(page)
    page.get_by_role("link", name="Done").click()
    check(page)
    page.get_by_text("Switch the account off").click()
    page.get_by_role("button", name="Switch it off").click()
    expect(page.get_by_role("heading", name="Switched off: all")).to_be_visible()
    page.get_by_role("button", name="Switch the account on").click()
    page.get_by_role("link", name="Robin Ellery").first.click()
    check(page)
