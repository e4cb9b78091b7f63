"""A list of people from the upload to the hours and back, in a browser, with a worker of its own."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from records.settings import Settings
from tests.browser.conftest import DESKTOP, Site
from tests.browser.looks import check
from tests.browser.test_board import enter
from tests.support.attendance_files import net
from tests.support.killable import Nursery
from tests.support.seed import BAY

LIST = """Student ID,Full name,Time
E0014,Priya Raman,75
E0015,Jonah Whitfield,80
E0016,Sofia Delgado,an hour
,Jo Nunez,45
"""


@pytest.mark.parametrize("page", [DESKTOP], indirect=True, ids=["desktop"])
def test_upload_look_take_in_and_undo(page: Page, site: Site, settings: Settings, tmp_path: Path) -> None:
    before = net(site.engine)
    enter(page, site)
    with Nursery(settings, tmp_path) as nursery:
        nursery.worker()
        nursery.scheduler()
        page.goto(f"{site.address}/communities/{site.seeded.communities[BAY]}/attendance/import")
        check(page)
        (tmp_path / "march.csv").write_text(LIST)
        page.get_by_label("File: CSV or XLSX").set_input_files(tmp_path / "march.csv")
        page.get_by_role("button", name="Upload and look").click()
        expect(page.get_by_role("heading", name="How is the file to be read?")).to_be_visible()
        check(page)
        page.get_by_label("Time", exact=True).select_option("Minutes")
        page.get_by_label("Session (its code)").fill("MARCH")
        page.get_by_label("Date").fill("2026-03-14")
        page.get_by_label("Start time").fill("09:00")
        page.get_by_label("Held as").select_option("face-to-face")
        page.get_by_role("button", name="Look at what it would do").click()
        # The page renews itself when the worker has looked.
        take = page.get_by_role("button", name="Take in without the wrong rows")
        expect(take).to_be_visible(timeout=30_000)
        check(page)
        rows = page.get_by_role("table", name="Rows of the file").get_by_role("row")
        expect(rows.nth(1)).to_contain_text("expected a whole number from 0 to 1440")
        expect(rows.nth(2)).to_contain_text("Jo Nunez")
        assert net(site.engine) == before
        take.click()
        undo = page.get_by_text("Undo this import")
        expect(undo).to_be_visible(timeout=30_000)
        page.reload()
        expect(page.get_by_role("heading", name="Taken in")).to_be_visible()
        check(page)
        page.get_by_text("Undo this import").click()
        page.get_by_role("button", name="Yes, undo it").click()
        expect(page.get_by_text("nothing that this file said counts")).to_be_visible()
        check(page)
