"""The pictures of the README and the guides: `make pictures` draws them anew into docs/images.

A term of an invented program office in thirty communities, half way through: the same people, hours and days each time.
"""

import json
import random
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, sync_playwright
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from jobs import process, reconcile
from mappings.attending import Way
from records import inbox, presences
from records.actor import CLI, Grant, Role
from records.database import make_engine
from records.migrate import upgrade
from records.models import Account, Community, Membership, SessionRow, Site, StandingRow, uuid7
from records.presences import NewPresence
from records.programs import add_version
from tests.support import chromium, readings, seed
from tests.support.servers import Servers
from tests.support.settings import ENCRYPTION_KEY, make_settings
from tests.support.web import application, served

FOLDER = Path(__file__).parents[2] / "docs" / "images"
REGIONS = {"BAY": "Bay Area", "CV": "Central Valley", "LA": "Los Angeles", "NORTH": "North State", "SD": "San Diego"}
TOPICS = ("EBWIESL", "ETAE", "IET", "MATH", "MPAL", "PST")
FIRST = (
    *("Amara", "Luis", "Mei", "Priya", "Jonah", "Sofia", "Nora", "Teo", "Ruth", "Hana", "Omar", "Ines", "Kofi"),
    *("Lena", "Diego", "Aiko", "Farah", "Samuel", "Marisol", "Theo", "Yusuf", "Grace", "Anders", "Paloma"),
)
LAST = (
    *("Okafor", "Herrera", "Tanaka", "Raman", "Whitfield", "Delgado", "Lindqvist", "Alvarez", "Abrams", "Nguyen"),
    *("Castillo", "Haddad", "Mensah", "Keller", "Ortiz", "Sato", "Rahimi", "Brooks", "Vega", "Larsen", "Diaz"),
)
PEOPLE = 12
FINISHED = (0, 2, 4, 5, 6, 7, 8, 8)
"""How many activities people have finished, each as often as it stands here."""
DAY = timedelta(days=1)
BEGINS, NOW = datetime(2026, 9, 1, 16, 0, tzinfo=UTC), datetime(2026, 11, 20, 18, 0, tzinfo=UTC)
ENDS = datetime(2026, 12, 18, 16, 0, tzinfo=UTC)
SEED = 7
SIZES = {"desktop": (1280, 900), "phone": (390, 844)}


@dataclass(frozen=True)
class Picture:
    """One picture: the page's address, of which size, and in which theme."""

    name: str
    address: str
    size: str = "desktop"
    theme: str = "light"
    whole: bool = False
    """The whole page, however long; else what is seen without scrolling."""


def pictures(engine: Engine) -> tuple[Picture, ...]:
    """All of them; the community is the one that has most who need help, the person its neediest participant."""
    with Session(engine) as session:
        behind = (
            select(Membership.community_id, Membership.person_id, Membership.id)
            .join(StandingRow, StandingRow.membership_id == Membership.id)
            .join(Community, Community.id == Membership.community_id)
            .where(
                StandingRow.status == "on_pace",
                Membership.role == "participant",
                Community.topic == "EBWIESL",
                Community.region == "BAY",
            )
            .order_by(StandingRow.minutes.desc())
        )
        community, person, membership = session.execute(behind.limit(1)).one()
    return (
        Picture("board", "/?view=grid"),
        Picture("board-dark", "/?view=grid", theme="dark"),
        Picture("community", f"/communities/{community}"),
        Picture("community-phone", f"/communities/{community}", "phone"),
        Picture("person", f"/people/{person}"),
        Picture("people", "/people?region=BAY&status=behind"),
        Picture("acts", f"/memberships/{membership}/acts"),
        Picture("message", "/messages/new?region=BAY&status=behind"),
        Picture("to-decide", "/to-decide"),
        Picture("report", "/reports?region=BAY"),
        Picture("operations", "/operations"),
    )


def _courses() -> list[tuple[int, str, str]]:
    """(Course, topic, region); not every topic is held in every region."""
    held = [place for at, place in enumerate(product(TOPICS, REGIONS)) if at % 7 != 3]
    return [(100 + at, topic, region) for at, (topic, region) in enumerate(held)]


def _term(draw: random.Random) -> Iterator[readings.Reading]:
    user = 1000
    for course, topic, region in _courses():
        dates = {"startdate": int(BEGINS.timestamp()), "enddate": int(ENDS.timestamp())}
        yield readings.course(course, f"COP-{topic}-{region}", at=BEGINS, **dates)
        modules = [course * 100 + at for at in range(len(seed.ACTIVITIES))]
        for module, (idnumber, kind, name, section) in zip(modules, seed.ACTIVITIES, strict=True):
            yield readings.module(module, course, idnumber, kind=kind, name=name, section=section, at=BEGINS)
        for place in range(PEOPLE + 1):
            user += 1
            names = {"firstname": draw.choice(FIRST), "lastname": draw.choice(LAST)}
            role = readings.EDITING_TEACHER if place == PEOPLE else readings.STUDENT
            yield readings.account(user, f"E{user}", at=BEGINS) | names
            yield readings.enrolment(user, course, role, at=BEGINS)
            if role == readings.STUDENT:
                orientation = [modules[-1]] if draw.random() < 0.9 else []
                for at, module in enumerate(orientation + modules[: draw.choice(FINISHED)]):
                    done = BEGINS + DAY * (7 * at + draw.randrange(7)) + timedelta(hours=draw.randrange(8))
                    yield readings.completion(user, module, course, at=min(done, NOW - DAY))


def fill(engine: Engine) -> None:
    """The site, the program with its regions, communities with people, hours and sessions."""
    draw = random.Random(SEED)
    site = uuid7()
    listed = "".join(f"  - {{code: {code}, title: {{en: {title}}}}}\n" for code, title in REGIONS.items())
    text = seed.PROGRAM_FILE.read_text()
    before, _, rest = text.partition("regions:\n")
    program = f"{before}regions:\n{listed}{rest[rest.index(chr(10) * 2) :]}"
    with Session(engine) as session, session.begin():
        session.add(Site(id=site, slug="moodle", name="Our Moodle", wwwroot="https://moodle.example.org"))
        add_version(session, program, seed.PROGRAM_FILE.name)
    items = [
        inbox.NewItem(site, "wire", uuid7(), f"reading.{reading['kind']}", json.dumps(reading).encode())
        for reading in _term(draw)
    ]
    with engine.begin() as connection:
        inbox.store(connection, items)
    process.drain(engine, ENCRYPTION_KEY)
    # Who is a participant is known from here on.
    reconcile.reconcile_dirty(engine, lambda: NOW)
    with Session(engine) as session, session.begin():
        _sessions(session, draw)
    reconcile.reconcile_dirty(engine, lambda: NOW)


def _sessions(session: Session, draw: random.Random) -> None:
    members = select(Account.id).join(Membership, Membership.person_id == Account.person_id)
    there = []
    for community in session.scalars(select(Community).order_by(Community.id)).all():
        accounts = session.scalars(
            members.where(Membership.community_id == community.id, Membership.role == "participant")
        ).all()
        for number in (1, 2, 3, 4):
            meeting = SessionRow(
                id=uuid7(),
                community_id=community.id,
                code=f"S{number}",
                title=f"Session {number}",
                starts_at=BEGINS + DAY * 25 * number,
                timezone="America/Los_Angeles",
                mode="face_to_face" if number != 3 else "virtual",
                planned_minutes=240,
            )
            session.add(meeting)
            session.flush()
            if meeting.starts_at < NOW:
                came = [account for account in accounts if draw.random() < 0.82]
                there += [
                    NewPresence(meeting.id, account, Way.ROSTER, draw.choice((180, 240, 240))) for account in came
                ]
    presences.add(session, there, by=CLI, correlation_id=uuid7())
    presences.fold(session, presences.due(session))


@contextmanager
def office() -> Iterator[tuple[Engine, str]]:
    """The served application with the term in it: its database, its address."""
    servers = Servers()
    with ExitStack() as opened:
        opened.callback(servers.stop)
        servers.start()
        database = servers.create("copbridge_pictures")
        settings = make_settings(database, servers.redis_url)
        upgrade(settings)
        engine = make_engine(database.url)
        opened.callback(engine.dispose)
        fill(engine)
        app = opened.enter_context(application(settings))
        yield engine, opened.enter_context(served(app))


def _context(browser: Browser, engine: Engine, address: str, size: str, theme: str) -> BrowserContext:
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if theme == "dark" else "light",
        device_scale_factor=1,
    )
    grants = [Grant(Role.IT), Grant(Role.PROGRAM_ADMIN)]
    cookie = seed.signed_in_cookie(engine, f"{size}-{theme}@example.org", grants)
    context.add_cookies([{"name": "copbridge", "value": cookie, "url": address}])
    return context


def main(wanted: list[str]) -> int:
    """Draw all pictures, or those that are named; 1 where there is no browser."""
    path = chromium.find()
    if path is None:
        sys.stderr.write(f"{chromium.HOW_TO_GET_IT}\n")
        return 1
    with office() as (engine, address), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(chromium.FLAGS))
        contexts: dict[tuple[str, str], BrowserContext] = {}
        for picture in pictures(engine):
            if wanted and picture.name not in wanted:
                continue
            looks = (picture.size, picture.theme)
            if looks not in contexts:
                contexts[looks] = _context(browser, engine, address, *looks)
            page = contexts[looks].new_page()
            page.goto(address + picture.address)
            page.wait_for_load_state("networkidle")
            page.screenshot(path=str(FOLDER / f"{picture.name}.png"), full_page=picture.whole)
            page.close()
            sys.stdout.write(f"docs/images/{picture.name}.png\n")
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
