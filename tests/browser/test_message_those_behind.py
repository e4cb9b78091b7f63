"""Staff find who cannot reach 16 hours in a region any more, and write to them."""

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import update
from sqlalchemy.orm import Session

from records.actor import Grant, Role
from records.models import NudgeMessage, StandingRow
from records.secrets import Purpose, keep_secret
from tests.browser.conftest import DESKTOP, Site
from tests.browser.looks import check
from tests.support import seed
from tests.support.settings import ENCRYPTION_KEY


@pytest.mark.parametrize("page", [DESKTOP], indirect=True, ids=["desktop"])
def test_write_to_those_who_cannot_reach_it(page: Page, site: Site) -> None:
    with Session(site.engine) as session, session.begin():
        token = "5eaa41f0b1d44c9d8f0d0b0e0a1c2d3e"
        keep_secret(session, site.seeded.site, Purpose.WEB_SERVICES, token, ENCRYPTION_KEY)
    behind = [seed.membership(site.engine, site.seeded, user) for user in (13, 14, 15)]
    with Session(site.engine) as session, session.begin():
        short = update(StandingRow).where(StandingRow.membership_id.in_(behind))
        session.execute(short.values(status="cannot_reach", band_min=960, band_max=1200))
    cookie = seed.signed_in_cookie(site.engine, "ada@example.org", [Grant(Role.STAFF)])
    page.context.add_cookies([{"name": "copbridge", "value": cookie, "url": site.address}])
    page.goto(f"{site.address}/people?region=BAY&status=cannot_reach")
    page.get_by_role("link", name="Write to all 3 who match").click()
    expect(page.get_by_text("3 people in communities match.")).to_be_visible()
    check(page)
    page.get_by_label("Text (required)").fill("Hello {first_name}, {missing} are missing. Write to {contact}.")
    page.get_by_role("button", name="See who gets it, and how it reads").click()
    expect(page.get_by_role("heading", name="3 people get this message")).to_be_visible()
    expect(page.get_by_text("Hello Priya,")).to_be_visible()
    check(page)
    page.get_by_text("Send to 3 people").click()
    page.get_by_role("button", name="Yes, send it").click()
    expect(page.get_by_text("Until then nobody hears of it.")).to_be_visible()
    check(page)
    with Session(site.engine) as session, session.begin():
        session.execute(update(NudgeMessage).values(status="sent"))
    page.get_by_role("link", name="Messages", exact=True).first.click()
    check(page)
    expect(page.get_by_role("cell", name="3", exact=True)).to_be_visible()
