"""The roster on a phone: forty people, a connection that is lost, a page that is closed, and a second facilitator."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, expect
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from records.actor import Grant, Role, Scope
from records.models import Presence
from records.settings import Settings
from tests.browser.conftest import PHONE
from tests.browser.looks import check
from tests.support import roster as built
from tests.support import seed
from tests.support.web import application, served

SOON = 20_000
"""Milliseconds; a busy machine takes its time."""


@dataclass(frozen=True)
class Place:
    """A served application with one roster."""

    address: str
    engine: Engine
    meeting: built.Meeting
    browser: Browser
    opened: ExitStack

    @property
    def roster(self) -> str:
        return f"{self.address}/sessions/{self.meeting.session}/roster"

    def phone(self, email: str) -> BrowserContext:
        """The phone of a facilitator who is signed in."""
        width, height = PHONE
        context = self.browser.new_context(viewport={"width": width, "height": height}, has_touch=True)
        self.opened.callback(context.close)
        grant = Grant(Role.FACILITATOR, Scope.COMMUNITY, str(self.meeting.community))
        cookie = seed.signed_in_cookie(self.engine, email, [grant])
        context.add_cookies([{"name": "copbridge", "value": cookie, "url": self.address}])
        return context

    def recorded(self) -> dict[UUID, list[int | None]]:
        """The minutes that stand by the roster, of each account: more than one would be doubled."""
        p = Presence
        found: dict[UUID, list[int | None]] = {}
        with Session(self.engine) as session:
            for account, minutes in session.execute(select(p.account_id, p.minutes).where(p.withdrawn_at.is_(None))):
                assert account is not None
                found.setdefault(account, []).append(minutes)
        return found


@pytest.fixture
def place(settings: Settings, engine: Engine, browser: Browser) -> Iterator[Place]:
    meeting = built.make(engine, built.names(40), datetime.now(UTC))
    with application(settings) as app, served(app) as address, ExitStack() as opened:
        yield Place(address, engine, meeting, browser, opened)


def row(page: Page, name: str) -> Locator:
    return page.get_by_role("group", name=name, exact=True)


def pick(page: Page, name: str, choice: str) -> None:
    """One touch on a person's choice."""
    row(page, name).locator(".roster-picks label", has_text=choice).tap()


def lose_the_answer(route: Route) -> None:
    """Let a request reach the server, and its answer nobody."""
    route.fetch()
    route.abort()


def test_forty_people_with_three_exceptions(place: Place) -> None:
    page = place.phone("dana@example.org").new_page()
    page.goto(place.roster)
    expect(page.get_by_text("0 of 40 recorded")).to_be_visible()
    page.get_by_role("button", name="All present").tap()
    pick(page, "Bo Brandt", "Absent")
    for name, what in (("Ana Abara", "Minutes late: 5 more"), ("Hana Eriksen", "Minutes left early: 5 more")):
        row(page, name).locator("summary").tap()
        row(page, name).get_by_role("button", name=what).tap()
        row(page, name).get_by_role("button", name=what).tap()
    # Eight touches in all.
    expect(page.get_by_text("40 of 40 recorded")).to_be_visible()
    expect(page.locator("#roster-saved")).to_have_text("Saved", timeout=SOON)
    expect(row(page, "Ana Abara").get_by_text("late by 10 min")).to_be_visible()
    found = place.recorded()
    assert sorted(found.values()) == sorted([[90]] * 37 + [[80], [80], [0]])
    page.get_by_label("Find by name").fill("dabrow")
    expect(page.locator(".roster-row:visible")).to_have_count(8)
    check(page)


def test_what_is_recorded_without_a_connection_arrives_once(place: Place) -> None:
    phone = place.phone("dana@example.org")
    page = phone.new_page()
    page.goto(place.roster)
    pick(page, "Ana Abara", "Present")
    expect(page.locator("#roster-saved")).to_have_text("Saved", timeout=SOON)
    # The answer is lost on its way back: the server has it, and the phone doesn't know.
    page.route(place.roster, lose_the_answer)
    pick(page, "Bo Abara", "Present")
    expect(page.locator("#roster-saved")).to_contain_text("Waiting for the connection", timeout=SOON)
    phone.set_offline(True)
    page.unroute(place.roster)
    pick(page, "Bo Abara", "Absent")
    pick(page, "Chidi Abara", "Absent")
    pick(page, "Chidi Abara", "Present")
    page.get_by_role("button", name="All present").tap()
    expect(page.get_by_text("40 of 40 recorded")).to_be_visible()
    expect(page.locator("#roster-saved")).to_contain_text("Changes kept on this device: 40", timeout=SOON)
    page.close()
    phone.set_offline(False)
    # Signed out meanwhile: they are kept, and sent after signing in again.
    cookies = phone.cookies()
    page = phone.new_page()
    page.route("**/roster", lambda route: route.abort() if route.request.method == "POST" else route.continue_())
    page.goto(place.roster)
    expect(page.locator("#roster-saved")).to_contain_text("Waiting for the connection", timeout=SOON)
    phone.clear_cookies()
    page.unroute("**/roster")
    expect(page.locator("#roster-saved")).to_contain_text(
        "You are signed out. Changes kept on this device: 40", timeout=SOON
    )
    phone.add_cookies([{"name": one["name"], "value": one["value"], "url": place.address} for one in cookies])
    page.reload()
    expect(page.locator("#roster-saved")).to_have_text("Saved", timeout=SOON)
    found = place.recorded()
    assert len(found) == 40
    assert sorted(found.values()) == sorted([[90]] * 39 + [[0]])
    assert page.evaluate("Object.keys(localStorage).length") == 0


def test_two_facilitators_at_once(place: Place) -> None:
    mine, theirs = (place.phone(email).new_page() for email in ("dana@example.org", "noor@example.org"))
    for page in (mine, theirs):
        page.goto(place.roster)
    theirs.context.set_offline(True)
    pick(theirs, "Ana Abara", "Absent")
    pick(theirs, "Bo Abara", "Absent")
    pick(mine, "Ana Abara", "Present")
    expect(mine.locator("#roster-saved")).to_have_text("Saved", timeout=SOON)
    theirs.context.set_offline(False)
    clash = row(theirs, "Ana Abara").get_by_role("alert")
    expect(clash).to_contain_text("Somebody else recorded: Present. You: Absent.", timeout=SOON)
    # What nobody contradicted is saved, and seen by the other one.
    expect(row(mine, "Bo Abara").get_by_text("Absent").first).to_be_visible(timeout=SOON)
    expect(row(mine, "Bo Abara").locator(".roster-label")).to_have_text("Absent", timeout=SOON)
    assert place.recorded()[place.meeting.accounts[101]] == [90]
    clash.get_by_role("button", name="Record mine").tap()
    expect(row(mine, "Ana Abara").locator(".roster-label")).to_have_text("Absent", timeout=SOON)
    assert place.recorded()[place.meeting.accounts[101]] == [0]
    expect(clash).to_be_hidden()
