"""What the community's page says of readings of Moodle, on a desktop and on a phone."""

import re

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import func, update
from sqlalchemy.orm import Session

from records.drift import Drift
from records.models import Sweep
from tests.browser.conftest import Site
from tests.browser.looks import check
from tests.browser.test_board import enter
from tests.support import seed, swept
from tests.support.seed import BAY


@pytest.fixture
def opened(site: Site, page: Page) -> Page:
    """The community's page, of a site that can be read. (The page is closed before its server.)"""
    swept.token(site.engine, site.seeded)
    enter(page, site)
    page.goto(f"{site.address}/communities/{site.seeded.communities[BAY]}")
    return page


def test_the_button_asks_and_the_bar_moves_by_itself(opened: Page, site: Site) -> None:
    section = opened.get_by_role("region", name="What Moodle says")
    expect(section.get_by_text("Not read from Moodle as a whole yet.")).to_be_visible()
    check(opened)
    section.get_by_role("button", name="Read from Moodle now").click()
    expect(section.get_by_text("Asked for: reading begins in a moment.")).to_be_visible()
    check(opened)
    for done in (2, 5):
        values = {"status": "running", "started_at": func.now(), "total": 7, "done": done}
        with Session(site.engine) as session, session.begin():
            session.execute(update(Sweep).values(values))
        bar = section.get_by_role("progressbar", name=f"Being read now: {done} of 7 people")
        expect(bar).to_have_attribute("value", str(done), timeout=20_000)
    check(opened)
    with Session(site.engine) as session, session.begin():
        session.execute(update(Sweep).values(status="done", finished_at=func.now(), done=7))
    expect(section.get_by_text("the next time within 24 hours")).to_be_visible(timeout=20_000)
    expect(section.get_by_role("progressbar")).to_have_count(0)


def test_a_failure_and_much_drift_stand_out_and_say_what_to_do(opened: Page, site: Site) -> None:
    swept.sweep(site.engine, site.seeded, "failed", error="12 of 20 participants would be gone")
    swept.drift(site.engine, site.seeded, Drift.MISSED_COMPLETION, 14, module=seed.modules_of(BAY)[0])
    swept.drift(site.engine, site.seeded, Drift.NEW_ACTIVITY, 1, module=seed.modules_of(BAY)[9])
    opened.reload()
    section = opened.get_by_role("region", name="What Moodle says")
    expect(section.get_by_text("copbridge sweep --community COP-EBWIESL-BAY --gone")).to_be_visible()
    expect(section.get_by_text("copbridge doctor calpro")).to_be_visible()
    expect(section.get_by_text("1 new activity earns nothing:")).to_be_visible()
    section.get_by_text("15 differences in 7 days").click()
    table = section.get_by_role("table", name="What reading Moodle as a whole found")
    expect(table.get_by_role("row", name=re.compile("Finished activities often.*14"))).to_be_visible()
    check(opened)
    opened.goto(site.address)
    expect(opened.get_by_text("Moodle couldn't be read").first).to_be_visible()
    check(opened)
