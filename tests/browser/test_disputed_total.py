"""A participant says that hours are missing: a facilitator explains each minute, corrects the total, takes it back."""

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs import reconcile
from records.actor import Grant, Role, Scope
from records.models import Decision, LedgerEntry, StandingRow
from tests.browser.conftest import PHONE, Site
from tests.browser.looks import check
from tests.support import seed

MEI = 13
EARNED, GIVEN = 450, 45
"""Minutes: three activities and one session; and what reading Moodle's page of a colleague is worth."""


def stored(site: Site) -> tuple[int, int]:
    """Minutes of the standing and of the ledger, once a worker has computed what is due."""
    reconcile.reconcile_dirty(site.engine, lambda: datetime.now(UTC))
    whose = seed.membership(site.engine, site.seeded, MEI)
    with Session(site.engine) as session:
        standing = session.scalars(select(StandingRow.minutes).where(StandingRow.membership_id == whose)).one()
        ledger = select(func.sum(LedgerEntry.minutes)).where(LedgerEntry.membership_id == whose)
        return standing, session.scalars(ledger).one()


@pytest.mark.parametrize("page", [PHONE], indirect=True, ids=["phone"])
def test_a_disputed_total_is_explained_and_corrected(page: Page, site: Site) -> None:
    reach = [Grant(Role.STAFF, Scope.REGION, f"{seed.PROGRAM}/BAY")]
    cookie = seed.signed_in_cookie(site.engine, "ada@example.org", reach)
    page.context.add_cookies([{"name": "copbridge", "value": cookie, "url": site.address}])
    person = f"{site.address}/people/{site.seeded.persons[MEI]}"
    page.goto(f"{site.address}/people?q=tanaka")
    page.get_by_role("link", name="Mei Tanaka").click()
    expect(page).to_have_url(person)
    # Which minutes are there, by which rule; and why what she did besides is worth nothing.
    earned = page.get_by_role("table", name="What earned minutes")
    expect(earned.get_by_role("row", name=re.compile("What the evidence says.*version 1.*45 min"))).to_be_visible()
    nothing = page.get_by_role("table", name="What earned nothing, and why")
    expect(nothing.get_by_role("row", name=re.compile("Coffee corner"))).to_contain_text("rule")
    assert stored(site) == (EARNED, EARNED)
    page.get_by_role("link", name=re.compile("^Adjust")).click()
    check(page)
    page.get_by_text("Adjust hours").click()
    adjust = page.locator("#adjust")
    adjust.get_by_label("Minutes").fill(str(GIVEN))
    adjust.get_by_label("Counts as").select_option("online")
    adjust.get_by_label("Reason").fill("The talk in the coffee corner was the peer reflection")
    adjust.get_by_role("button", name="See what it would change").click()
    moves = page.get_by_role("table", name="Hours and standing, now and after")
    expect(moves.get_by_role("row").nth(1)).to_contain_text(re.compile("7 h 30 min.*8 h 15 min", re.DOTALL))
    check(page)
    assert stored(site) == (EARNED, EARNED)
    page.get_by_role("button", name="Do it").click()
    expect(page.get_by_role("status").first).to_contain_text("Done:")
    check(page)
    assert stored(site) == (EARNED + GIVEN, EARNED + GIVEN)
    page.goto(person)
    expect(page.get_by_role("table", name="What was decided, the latest first")).to_contain_text("coffee corner")
    expect(page.get_by_text("8 h 15 min").first).to_be_visible()
    check(page)
    page.go_back()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("It was taken back.")).to_be_visible()
    assert stored(site) == (EARNED, EARNED)
    page.goto(person)
    expect(page.get_by_role("table", name="What was decided, the latest first")).to_contain_text("taken back")
    check(page)
    with Session(site.engine) as session:
        kinds = session.scalars(select(Decision.kind).order_by(Decision.id)).all()
    assert list(kinds) == ["adjustment", "undo"]
