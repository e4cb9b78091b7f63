"""Sign in by a set-up link, read board, community and person: on a desktop and on a phone."""

import re

from playwright.sync_api import Page, expect

from records.actor import Grant, Role
from tests.browser.conftest import Site
from tests.browser.looks import check
from tests.support import seed
from tests.support.seed import BAY


def sign_in(page: Page, site: Site) -> None:
    page.goto(site.link)
    check(page)
    page.get_by_label("New password").fill(seed.PASSWORD)
    page.get_by_label("The same again").fill(seed.PASSWORD)
    page.get_by_role("button", name="Set password and sign in").click()
    expect(page.get_by_role("heading", name="Communities", exact=True)).to_be_visible()


def enter(page: Page, site: Site) -> None:
    """Somebody with the same roles, signed in already: how one comes there is looked at by one test."""
    cookie = seed.signed_in_cookie(site.engine, "sam@example.org", [Grant(Role.IT), Grant(Role.STAFF)])
    page.context.add_cookies([{"name": "copbridge", "value": cookie, "url": site.address}])
    page.goto(site.address)
    expect(page.get_by_role("heading", name="Communities", exact=True)).to_be_visible()


def test_from_the_link_to_each_minute(page: Page, site: Site) -> None:
    sign_in(page, site)
    check(page)
    table = page.get_by_role("table", name="Communities by region and topic")
    expect(table.get_by_role("rowheader", name="Bay Area", exact=True)).to_be_visible()
    average = table.get_by_role("img", name="9 h 53 min of 16–20 h")
    expect(average).to_be_visible()
    table.get_by_role("link", name="Evidence-Based Writing Instruction for ESL").first.click()
    check(page)
    people = page.get_by_role("table", name="Participants and their hours")
    # Who needs help comes first; the bar can be heard, and is told by words beside it.
    expect(people.get_by_role("rowheader").first).to_contain_text("Jonah Whitfield")
    bar = people.get_by_role("img", name="15 h of 16–20 h: online 4 h 30 min, face-to-face 10 h 30 min")
    expect(bar).to_be_visible()
    people.get_by_role("link", name="Luis Herrera-Castellanos").click()
    check(page)
    earned = page.get_by_role("table", name="What earned minutes")
    expect(earned.get_by_role("row", name=re.compile("Reading log.*reading-log version 1.*1 h"))).to_be_visible()
    page.get_by_text("The ledger: 7 entries").click()
    check(page)
    page.locator("summary", has_text="Look back").click()
    page.get_by_label("As true on").fill("2026-01-14")
    page.get_by_role("button", name="Look back").click()
    expect(page.get_by_text("As true on Jan 14, 2026")).to_be_visible()
    check(page)
    page.goto(f"{site.address}/communities/{site.seeded.communities[BAY]}/sessions")
    expect(page.get_by_role("link", name="Download as XLSX")).to_be_visible()
    check(page)
    page.get_by_role("table", name="Sessions that have begun").get_by_role("link").first.click()
    expect(page.get_by_role("link", name="Download as CSV")).to_be_visible()
    check(page)


def test_a_bar_moves_by_itself_and_leaves_the_reader_alone(page: Page, site: Site) -> None:
    enter(page, site)
    page.goto(f"{site.address}/communities/{site.seeded.communities[BAY]}")
    people = page.get_by_role("table", name="Participants and their hours")
    link = people.get_by_role("link", name="Priya Raman")
    expect(people.get_by_role("img", name="30 min of 16–20 h: online 30 min")).to_be_visible()
    link.focus()
    seed.finish(site.engine, site.seeded, 14, seed.modules_of(BAY)[5])
    expect(people.get_by_role("img", name="2 h of 16–20 h: online 2 h", exact=True)).to_be_visible(timeout=20_000)
    expect(link).to_be_focused()


def test_what_was_opened_stays_open(page: Page, site: Site) -> None:
    enter(page, site)
    page.goto(f"{site.address}/people/{site.seeded.persons[14]}")
    page.get_by_text("The ledger: 1 entry").click()
    seed.finish(site.engine, site.seeded, 14, seed.modules_of(BAY)[5])
    expect(page.get_by_role("table", name="The ledger").get_by_text("Action plan")).to_be_visible(timeout=20_000)


def test_filters_are_in_the_address_and_work_by_keyboard(page: Page, site: Site) -> None:
    enter(page, site)
    page.get_by_label("Region").focus()
    page.keyboard.type("Los")
    for _topic_standing_order_more in range(5):
        page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Show", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"[?&]region=LA(&|$)"))
    table = page.get_by_role("table", name="Communities by region and topic")
    expect(table.get_by_role("rowheader", name="Los Angeles", exact=True)).to_be_visible()
    expect(table.get_by_text("Bay Area")).to_have_count(0)
    check(page)
    page.get_by_role("link", name="Grid").click()
    expect(page).to_have_url(re.compile(r"[?&]region=LA&.*view=grid$"))
    table = page.get_by_role("table", name="Communities by region and topic")
    writing = "Evidence-Based Writing Instruction for ESL"
    expect(table.get_by_role("link", name=f"{writing}, Los Angeles: 15 min")).to_be_visible()
    check(page)
    page.get_by_role("link", name="People", exact=True).click()
    page.get_by_label("Name, e-mail, ID number or Moodle ID").fill("herrera")
    page.keyboard.press("Enter")
    found = page.get_by_role("table", name="People who match, and where they stand")
    expect(found.get_by_role("link", name="Luis Herrera-Castellanos")).to_be_visible()
    check(page)
    page.get_by_label("Choose Luis Herrera-Castellanos").check()
    page.get_by_label("Name, e-mail, ID number or Moodle ID").fill("nobody at all")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_role("heading", name="Nobody matches")).to_be_visible()
    check(page)


def test_the_content_is_one_key_away(page: Page, site: Site) -> None:
    enter(page, site)
    page.goto(site.address)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_an_empty_community_says_what_to_do(page: Page, site: Site) -> None:
    enter(page, site)
    page.goto(f"{site.address}/communities/{site.seeded.communities[seed.MATH_LA]}")
    expect(page.get_by_text("Nobody takes part yet.")).to_be_visible()
    check(page)


def test_signed_out_elsewhere_an_open_page_asks_to_sign_in(page: Page, site: Site) -> None:
    enter(page, site)
    page.context.clear_cookies()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible(timeout=20_000)
    check(page)
