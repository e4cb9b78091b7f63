"""Everything by keyboard alone: sign in, find who needs help, adjust, write to people, look at a period's checks."""

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs import reconcile
from records.actor import Grant, Role, Scope
from records.models import Decision
from records.secrets import Purpose, keep_secret
from tests.browser.conftest import DESKTOP, Site
from tests.browser.keys import begin, everything, folds, no_trap, press, reach, write
from tests.browser.looks import check, settled
from tests.support import seed
from tests.support.settings import ENCRYPTION_KEY

pytestmark = [pytest.mark.timeout(120), pytest.mark.parametrize("page", [DESKTOP], indirect=True, ids=["desktop"])]


def sign_in(page: Page, site: Site) -> None:
    """By a set-up link, out again, and in with the password."""
    grants = [Grant(Role.STAFF), Grant(Role.PROGRAM_ADMIN, Scope.PROGRAM, seed.PROGRAM)]
    page.goto(site.address + seed.user_link(site.engine, "ada@example.org", grants))
    write(page, page.get_by_label("New password"), seed.PASSWORD)
    write(page, page.get_by_label("The same again"), seed.PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Communities", exact=True)).to_be_visible()
    press(page, page.get_by_role("button", name="Sign out"))
    write(page, page.get_by_label("E-mail address"), "ada@example.org")
    write(page, page.get_by_label("Password"), seed.PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Communities", exact=True)).to_be_visible()


def skip_to_the_content(page: Page) -> None:
    press(page, page.get_by_role("link", name="Skip to the content"))
    expect(page.locator("main")).to_be_focused()


def test_hours_are_adjusted(page: Page, site: Site) -> None:
    begin(page)
    sign_in(page, site)
    no_trap(page)
    skip_to_the_content(page)
    press(page, page.get_by_role("link", name="Evidence-Based Writing Instruction for ESL").first)
    people = page.get_by_role("table", name="Participants and their hours")
    link = people.get_by_role("link", name="Priya Raman")
    expect(link).to_be_visible()
    no_trap(page)
    skip_to_the_content(page)
    standing = page.get_by_label("Where they stand")
    reach(page, standing)
    page.keyboard.press("ArrowDown")
    chosen = standing.input_value()
    assert chosen
    reach(page, link)
    # Hours arrive meanwhile: the table is drawn anew, and the focus is where it was.
    seed.finish(site.engine, site.seeded, 14, seed.modules_of(seed.BAY)[5])
    expect(people.get_by_role("img", name="2 h of 16–20 h: online 2 h", exact=True)).to_be_visible(timeout=20_000)
    expect(link).to_be_focused()
    expect(standing).to_have_value(chosen)
    page.keyboard.press("Enter")
    press(page, page.get_by_role("link", name=re.compile("^Adjust")))
    expect(page.get_by_role("heading", name="Priya Raman")).to_be_visible()
    settled(page)
    adjust = page.locator("#adjust")
    press(page, adjust.locator("summary"))
    reach(page, adjust.get_by_label("Give hours"))
    page.keyboard.press("ArrowDown")
    expect(adjust.get_by_label("Take hours away")).to_be_checked()
    write(page, adjust.get_by_label("Hours", exact=True), "1")
    reach(page, adjust.get_by_label("Counts as"))
    page.keyboard.type("online")
    write(page, adjust.get_by_label("Reason"), "The action plan was her colleague's")
    press(page, adjust.get_by_role("button", name="See what it would change"))
    expect(page.get_by_role("heading", name="What would change")).to_be_visible()
    check(page)
    no_trap(page)
    press(page, page.get_by_role("button", name="Do it"))
    expect(page.get_by_role("status").first).to_contain_text("Done:")
    with Session(site.engine) as session:
        (decision,) = session.scalars(select(Decision))
        assert (decision.kind, decision.data["minutes"], decision.data["component"]) == ("adjustment", -60, "online")
        assert decision.membership_id == seed.membership(site.engine, site.seeded, 14)
    press(page, page.get_by_role("button", name="Undo"), "Space")
    expect(page.get_by_text("It was taken back.")).to_be_visible()
    reconcile.reconcile_dirty(site.engine, lambda: datetime.now(UTC))


def test_people_are_written_to_and_a_period_is_looked_at(page: Page, site: Site) -> None:
    with Session(site.engine) as session, session.begin():
        keep_secret(session, site.seeded.site, Purpose.WEB_SERVICES, "5eaa41f0b1d44c9d8f0d0b0e0a1c2d3e", ENCRYPTION_KEY)
    grants = [Grant(Role.STAFF), Grant(Role.PROGRAM_ADMIN, Scope.PROGRAM, seed.PROGRAM)]
    cookie = seed.signed_in_cookie(site.engine, "ada@example.org", grants)
    page.context.add_cookies([{"name": "copbridge", "value": cookie, "url": site.address}])
    begin(page)
    page.goto(site.address)
    press(page, page.get_by_role("link", name="People", exact=True))
    write(page, page.get_by_label("Name, e-mail, ID number or Moodle ID"), "tanaka")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Mei Tanaka")).to_be_visible()
    no_trap(page)
    press(page, page.get_by_role("link", name="Write to"))
    write(page, page.get_by_label("Text (required)"), "Hello {first_name}, write to {contact}.")
    press(page, page.get_by_role("button", name="See who gets it, and how it reads"))
    expect(page.get_by_text("Hello Mei,")).to_be_visible()
    no_trap(page)
    press(page, page.get_by_text("Send to 1 person"), "Space")
    press(page, page.get_by_role("button", name="Yes, send it"))
    expect(page.get_by_text("Until then nobody hears of it.")).to_be_visible()
    press(page, page.get_by_role("link", name="Periods", exact=True))
    press(page, page.get_by_role("link", name="Close a period"))
    for label, day in (("First day", "01012026"), ("Last day, included", "03312026")):
        reach(page, page.get_by_label(label))
        page.keyboard.type(day)
    write(page, page.get_by_label("What people call it"), "Winter 2026")
    press(page, page.get_by_role("button", name="Look at the checks"))
    expect(page.get_by_role("heading", name="Hours being computed")).to_be_visible()
    no_trap(page)
    press(page, page.get_by_text("Close Winter 2026"))
    reach(page, page.get_by_role("button", name="Close it for good"))
    check(page)


def test_pages_of_every_sort_are_used_without_a_mouse(page: Page, site: Site) -> None:
    grants = [Grant(Role.STAFF), Grant(Role.IT)]
    cookie = seed.signed_in_cookie(site.engine, "ada@example.org", grants)
    page.context.add_cookies([{"name": "copbridge", "value": cookie, "url": site.address}])
    begin(page)
    community = f"/communities/{site.seeded.communities[seed.BAY]}"
    acts = f"/memberships/{seed.membership(site.engine, site.seeded, 14)}/acts"
    for path in ("/", "/people", acts, f"{community}/sessions/new", "/messages/new", "/operations", "/milestones"):
        page.goto(site.address + path)
        everything(page)
        skip_to_the_content(page)
        folds(page)
