"""IT opens a term in the console: a form writes the file, a plan is read, a worker applies it, drift is seen."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from redis import Redis
from sqlalchemy import Engine

from jobs import long_work, runtime
from jobs.runtime import Runtime
from records.actor import Grant, Role
from records.settings import Settings
from tests.browser.conftest import Site
from tests.browser.looks import check
from tests.support import seed
from tests.support.provisioning import Office, office


@pytest.fixture
def it(
    engine: Engine, settings: Settings, redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Office]:
    quick = settings.model_copy(update={"moodle_calls_per_minute": 1_000_000})
    monkeypatch.setattr(runtime, "_current", Runtime(quick, engine, redis))
    with office(engine, settings, tmp_path) as found:
        yield found


def work(site: Site) -> None:
    """What a worker does."""
    while long_work.turn(site.engine, lambda: datetime.now(UTC)):
        pass


def test_a_term_is_opened(page: Page, site: Site, it: Office) -> None:
    cookie = seed.signed_in_cookie(site.engine, "ines@example.org", [Grant(Role.IT)])
    page.context.add_cookies([{"name": "copbridge", "value": cookie, "url": site.address}])
    page.goto(f"{site.address}/provisioning")
    check(page)
    page.get_by_role("link", name="New, by a form").click()
    page.get_by_label("Site").select_option("demo")
    for label, text in (
        *(("Code of the term", "26F"), ("In words", "Fall 2026"), ("First day", "2026-09-01")),
        *(("Last day, included", "2026-12-18"), ("The file's own code", "fall")),
        *(("ID number of the course to copy", "TEMPLATE-CALPRO"), ("Category (required)", "CALPRO")),
        ("ID number of the category (required)", "CALPRO"),
    ):
        page.get_by_label(text=label, exact=False).first.fill(text)
    for group, choice in (("Topics", "MATH"), ("Regions", "BAY")):
        chosen = page.get_by_role("group", name=group)
        chosen.get_by_label("Only these:").check()
        chosen.get_by_role("checkbox", name=re.compile(rf"\b{choice}$")).check()
    page.get_by_role("button", name="Show what they would be called").click()
    expect(page.get_by_text("MATH-BAY-26F · COP-MATH-BAY-26F")).to_be_visible()
    check(page)
    page.get_by_role("button", name="Write the file, and look at it").click()
    expect(page.get_by_role("heading", name="It is a new file")).to_be_visible()
    check(page)
    page.get_by_role("button", name="Keep it").click()
    expect(page.get_by_text("The file is kept.")).to_be_visible()
    check(page)
    page.get_by_role("button", name="Plan").click()
    expect(page.get_by_text("Waiting its turn").first).to_be_visible()
    work(site)
    expect(page.get_by_text("in the way")).to_be_visible()
    page.get_by_text("MATH/BAY").click()
    check(page)
    page.get_by_text("Apply the file").click()
    page.get_by_role("button", name="Apply it now").click()
    expect(page.get_by_text("Waiting its turn").first).to_be_visible()
    page.reload()
    work(site)
    expect(page.get_by_text("1 course is ready.")).to_be_visible()
    check(page)
    it.site.silent.change_course(it.course("COP-MATH-BAY-26F"), told=False, fullname="Renamed by hand")
    page.goto(f"{site.address}/provisioning/fall")
    check(page)
    page.get_by_role("button", name="Drift").click()
    work(site)
    expect(page.get_by_text("now it is “Renamed by hand”")).to_be_visible()
    check(page)
    page.get_by_role("link", name="Edit the file").click()
    check(page)
    area = page.get_by_label("The file, as YAML")
    area.fill(area.input_value().replace("2026-12-18", "2026-12-11"))
    page.get_by_role("button", name="Look at it").click()
    expect(page.get_by_role("heading", name="How it differs from version 1")).to_be_visible()
    check(page)
