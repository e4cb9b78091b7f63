"""A program administrator closes a period: looks at the checks, closes, sees a worker do it, and what came of it."""

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs import long_work, reconcile
from records.actor import Grant, Role, Scope
from records.models import ClosedMember, Closing
from tests.browser.conftest import DESKTOP, Site
from tests.browser.looks import check
from tests.support import seed


def work(site: Site) -> None:
    """What a worker does."""
    now = datetime.now(UTC)
    while long_work.turn(site.engine, lambda: now):
        reconcile.reconcile_dirty(site.engine, lambda: now)


@pytest.mark.parametrize("page", [DESKTOP], indirect=True, ids=["desktop"])
def test_a_period_is_closed(page: Page, site: Site) -> None:
    grants = [Grant(Role.PROGRAM_ADMIN, Scope.PROGRAM, seed.PROGRAM)]
    cookie = seed.signed_in_cookie(site.engine, "ada@example.org", grants)
    page.context.add_cookies([{"name": "copbridge", "value": cookie, "url": site.address}])
    page.goto(f"{site.address}/periods")
    check(page)
    page.get_by_role("link", name="Close a period").click()
    page.get_by_label("First day").fill("2026-01-01")
    page.get_by_label("Last day, included").fill("2026-03-31")
    page.get_by_label("What people call it").fill("Winter 2026")
    page.get_by_role("button", name="Look at the checks").click()
    expect(page.get_by_role("heading", name="Hours being computed")).to_be_visible()
    page.get_by_text("Close Winter 2026").click()
    check(page)
    page.get_by_label("Reason").fill("The report to the board")
    page.get_by_role("button", name="Close it for good").click()
    expect(page).to_have_url(re.compile("/work/"))
    check(page)
    page.reload()
    expect(page.get_by_text("Waiting its turn").first).to_be_visible()
    work(site)
    page.get_by_role("link", name="The closed period").click()
    expect(page.get_by_text("nothing in it was changed since it was closed")).to_be_visible()
    check(page)
    with Session(site.engine) as session:
        closing = session.scalars(select(Closing)).one()
        assert closing.label == "Winter 2026"
        held = session.scalars(select(ClosedMember.minutes).where(ClosedMember.closing_id == closing.id)).all()
    assert sum(held) > 0
    seed.finish(site.engine, site.seeded, 15, seed.modules_of(seed.BAY)[0])
    page.goto(f"{site.address}/late")
    expect(page.get_by_role("checkbox", name="Let in: Activity: Introduce yourself")).to_be_visible()
    check(page)
