"""The pictures of the README and the guides: `make pictures` draws them anew into docs/images.

What they show is made by tests.support.pictures_term, and it is always NOW there. `python -m tests.support.pictures
board person` draws these two alone.
"""

import io
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, FilePayload, Page, expect, sync_playwright
from pydantic import SecretStr
from rq import SimpleWorker
from rq.serializers import JSONSerializer
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from jobs import attendance_reports
from jobs.queues import QueueName, queue
from records import sign_ins
from records.database import make_engine
from records.migrate import upgrade
from records.models import Account, Community, Membership, StandingRow, User
from records.settings import Settings
from service import check_in_codes, personal_links
from service.context import EXTENSION
from tests.support import chromium, pictures_schools
from tests.support.pictures_term import MINE, NOW, Today, at_the_time, fill, ids
from tests.support.servers import Servers
from tests.support.settings import make_settings
from tests.support.web import application, served

FOLDER = Path(__file__).parents[2] / "docs" / "images"
HOST = "cop.example.org"
ADDRESS = f"http://{HOST}"
"""Where the browser finds the application, whatever its port; the pages show it."""
SECRET_KEY = SecretStr("the pictures' own key: codes are the same each time")
SIZES = {"desktop": (1280, 900), "phone": (390, 844), "tall": (1280, 1240), "paper": (704, 520)}
COLOURS = 256
LIST = """Student ID,Full name,Minutes
{0},{1},240
{2},{3},an hour
,Jo Nunez,45
{4},{5},225
"""


@dataclass(frozen=True)
class Picture:
    """One picture: the page's address, of which size, and in which theme."""

    name: str
    address: str = ""
    size: str = "desktop"
    theme: str = "light"
    act: Callable[[Page], None] | None = None
    """What is done on the page before it is drawn."""
    signed_in: bool = True
    cut: int = 0
    """Pixels that are left out at each edge."""


@dataclass(frozen=True)
class Office:
    """The application that is drawn, with the term in it."""

    engine: Engine
    owner: Engine
    """Of the owner of the tables."""
    settings: Settings
    today: Today
    begun: datetime
    port: int

    def settle(self) -> None:
        """Nothing was written at another time than NOW."""
        at_the_time(self.owner, self.begun)


def pictures(office: Office) -> tuple[Picture, ...]:
    """All of them; the community is the one that has most who need help, the person its neediest participant."""
    community, person, membership = _neediest(office.engine)
    closing = "first=2026-09-01&last=2026-11-19&label=Fall+2026"
    return (
        Picture("board", "/?view=grid"),
        Picture("board-dark", "/?view=grid", theme="dark"),
        Picture("community", f"/communities/{community}"),
        Picture("community-phone", f"/communities/{community}", "phone"),
        Picture("person", f"/people/{person}"),
        Picture("people", "/people?region=BAY&status=behind"),
        Picture("acts", f"/memberships/{membership}/acts", act=_adjust),
        Picture("message", "/messages/new?status=behind", act=_preview_message),
        Picture("to-decide", "/to-decide"),
        Picture("period", f"/periods/close/calpro-regional?{closing}", "tall"),
        Picture("users", "/users"),
        Picture("report", "/reports?region=BAY"),
        Picture("operations", "/operations"),
        *_of_attendance(office),
        Picture("milestones", "/milestones", act=lambda page: _milestones(page, office)),
    )


def _of_attendance(office: Office) -> tuple[Picture, ...]:
    """Those of docs/attendance.md, all of the community that meets today."""
    today, key = office.today, office.settings.secret_key
    meeting = f"/sessions/{today.session}"
    code = check_in_codes.long_code(key, today.session, NOW)
    with Session(office.engine) as session:
        one, other = (session.get_one(Account, today.accounts[at]).person_id for at in (-1, 0))
    return (
        Picture("attendance-sheet", f"{meeting}/sheet.pdf#toolbar=0&view=FitH", "paper", act=_drawn, cut=12),
        Picture("attendance-qr", f"{meeting}/check-in"),
        Picture(
            "attendance-arrive",
            f"/me/{personal_links.make(key, today.accounts[7])}",
            "phone",
            act=lambda page: _go(page, f"/c/{code}"),
            signed_in=False,
        ),
        Picture("attendance-roster", f"{meeting}/roster", "phone", act=_record),
        Picture(
            "attendance-import",
            f"/communities/{today.community}/attendance/import?session={today.session}",
            act=lambda page: _upload(page, office),
        ),
        Picture("attendance-review", "/review", "tall"),
        Picture("attendance-merge", f"/people/{one}/merge/{other}"),
    )


def _neediest(engine: Engine) -> tuple[object, object, object]:
    """(Community, person, membership)."""
    wanted = (
        select(Membership.community_id, Membership.person_id, Membership.id)
        .join(StandingRow, StandingRow.membership_id == Membership.id)
        .join(Community, Community.id == Membership.community_id)
        .where(
            StandingRow.status == "on_pace",
            Membership.role == "participant",
            Community.topic == "EBWIESL",
            Community.region == "BAY",
        )
        .order_by(StandingRow.minutes.desc(), Membership.id)
    )
    with Session(engine) as session:
        community, person, membership = session.execute(wanted.limit(1)).one()
        return community, person, membership


def _go(page: Page, path: str) -> None:
    answer = page.goto(ADDRESS + path)
    assert answer is None or answer.ok, f"{path}: {answer.status}"


def _adjust(page: Page) -> None:
    form = page.locator("#adjust")
    form.locator("summary").click()
    form.get_by_label("Hours", exact=True).fill("2")
    form.get_by_label("Counts as").select_option("online")
    form.get_by_label("Reason").fill("Led the online discussion of week 6; the forum was closed by mistake.")
    form.get_by_role("button", name="See what it would change").click()


def _preview_message(page: Page) -> None:
    page.get_by_role("button", name="See who gets it, and how it reads").click()


def _record(page: Page) -> None:
    page.get_by_role("button", name="All present").click()
    rows = page.locator(".roster-row").filter(has_not_text="Check-in")
    rows.nth(1).locator(".pick-no").click()
    rows.nth(0).locator("summary").click()
    late = rows.nth(0).get_by_role("spinbutton", name="Minutes late")
    late.fill("10")
    late.press("Tab")
    rows.nth(0).locator("summary").click()
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    # By whole pixels and at once: else letters are drawn a little differently each time.
    above = "({top: Math.floor(heading.getBoundingClientRect().top + scrollY) - 12, behavior: 'instant'})"
    page.get_by_role("heading", name="Participants").evaluate(f"heading => scrollTo{above}")


def _upload(page: Page, office: Office) -> None:
    with Session(office.engine) as session:
        accounts = [session.get_one(Account, office.today.accounts[at]) for at in (8, 9, 10)]
        told = [words for one in accounts for words in (one.idnumber, f"{one.firstname} {one.lastname}")]
    file = FilePayload(name="workshop.csv", mimeType="text/csv", buffer=LIST.format(*told).encode())
    page.get_by_label("File: CSV or XLSX").set_input_files(file)
    page.get_by_role("button", name="Upload and look").click()
    page.wait_for_url("**/attendance/reports/*")
    attendance_reports.turn(office.engine, lambda: NOW)
    office.settle()
    page.reload()
    expect(page.get_by_role("button", name="Take in without the wrong rows")).to_be_visible()


def _milestones(page: Page, office: Office) -> None:
    """Of another program, which the pictures before it don't know of."""
    pictures_schools.fill(office.engine, NOW)
    office.settle()
    _go(page, "/milestones?organisation=School")


def _drawn(page: Page) -> None:
    """The browser says of a PDF neither that it is drawn nor what: it is when there is more than paper to see."""
    before = b""
    for _turn in range(40):
        page.wait_for_timeout(250)
        seen = page.screenshot()
        if seen == before and len(Image.open(io.BytesIO(seen)).convert("L").getcolors() or ()) > 30:
            return
        before = seen
    raise AssertionError("the PDF wasn't drawn")


@contextmanager
def opened() -> Iterator[Office]:
    """The served application with the term in it."""
    servers, begun = Servers(), datetime.now(UTC)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    with ExitStack() as stack:
        stack.callback(servers.stop)
        servers.start()
        database = servers.create("copbridge_pictures")
        same = {"secret_key": SECRET_KEY, "public_url": ADDRESS}
        settings = make_settings(database, servers.redis_url).model_copy(update=same)
        upgrade(settings)
        engine, owner = make_engine(database.url), make_engine(database.owner_url)
        stack.callback(engine.dispose)
        stack.callback(owner.dispose)
        stack.enter_context(patch("uuid_utils.compat.uuid7", ids()))
        today = fill(engine)
        app = stack.enter_context(application(settings))
        here = app.extensions[EXTENSION]
        app.extensions[EXTENSION] = replace(here, clock=lambda: NOW)
        # Who looks at the operations sees a worker; nothing is left for it to do.
        queues = [queue(here.redis, name) for name in QueueName]
        worker = SimpleWorker(queues, name="worker-1", connection=here.redis, serializer=JSONSerializer)
        worker.register_birth()  # type: ignore[no-untyped-call]
        address = stack.enter_context(served(app))
        yield Office(engine, owner, settings, today, begun, int(address.rpartition(":")[2]))


def _context(browser: Browser, engine: Engine, size: str, theme: str, signed_in: bool) -> BrowserContext:
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if theme == "dark" else "light",
        device_scale_factor=1,
    )
    context.clock.set_fixed_time(NOW)
    if signed_in:
        with Session(engine) as session, session.begin():
            user_id = session.scalars(select(User.id).where(User.email == MINE)).one()
            cookie = sign_ins.begin(session, user_id, "password", now=NOW, hours=1)
        context.add_cookies([{"name": "copbridge", "value": cookie, "url": ADDRESS}])
    return context


def draw(picture: Picture, page: Page) -> bytes:
    """The picture as a PNG, with no more colours than it needs."""
    _go(page, picture.address)
    if picture.act:
        picture.act(page)
    page.wait_for_load_state("networkidle")
    seen = Image.open(io.BytesIO(page.screenshot(animations="disabled", caret="hide"))).convert("RGB")
    edge = picture.cut
    shown = seen.crop((edge, edge, seen.width - edge, seen.height - edge))
    made = io.BytesIO()
    shown.quantize(COLOURS, dither=Image.Dither.NONE).save(made, "PNG", optimize=True)
    return made.getvalue()


def main(wanted: list[str]) -> int:
    """Draw all pictures, or those that are named; 1 where there is no browser."""
    path = chromium.find()
    if path is None:
        sys.stderr.write(f"{chromium.HOW_TO_GET_IT}\n")
        return 1
    with opened() as office, sync_playwright() as playwright:
        here = (
            f"--host-resolver-rules=MAP {HOST} 127.0.0.1:{office.port}",
            f"--unsafely-treat-insecure-origin-as-secure={ADDRESS}",
        )
        browser = playwright.chromium.launch(executable_path=path, args=[*chromium.FLAGS, *here])
        contexts: dict[tuple[str, str, bool], BrowserContext] = {}
        for picture in pictures(office):
            if wanted and picture.name not in wanted:
                continue
            looks = (picture.size, picture.theme, picture.signed_in)
            if looks not in contexts:
                contexts[looks] = _context(browser, office.engine, *looks)
            office.settle()
            page = contexts[looks].new_page()
            (FOLDER / f"{picture.name}.png").write_bytes(draw(picture, page))
            page.close()
            sys.stdout.write(f"docs/images/{picture.name}.png\n")
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
