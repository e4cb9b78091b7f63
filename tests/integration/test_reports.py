"""The report on a region and a period: its figures are those of the ledger, within the scope, and name nobody."""

from collections.abc import Iterator
from datetime import date
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from records.actor import Actor, Grant, Role, Scope
from records.models import ClosedMember, Community, LedgerEntry, Membership
from records.queries.region_report import Report, Wanted, report
from records.settings import Settings
from tests.integration.test_exports import close
from tests.support import readings, seed
from tests.support.seed import BAY, PEOPLE, Seeded
from tests.support.web import application

EVERYWHERE = Actor.user(UUID(int=1), (Grant(Role.AUDITOR),))
IN_LA = Actor.user(UUID(int=1), (Grant(Role.STAFF, Scope.REGION, f"{seed.PROGRAM}/LA"),))
JANUARY = date(2026, 1, 1), date(2026, 1, 31)
SPRING = date(2026, 1, 1), date(2026, 6, 30)


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    with application(settings) as made:
        yield made


def told(engine: Engine, wanted: Wanted, actor: Actor = EVERYWHERE) -> Report:
    with Session(engine) as session:
        found = report(session, actor, wanted, readings.NOW)
    assert found
    return found


def ledger(engine: Engine, region: str = "", until: date | None = None) -> int:
    """Minutes of all active participants, of a region, until a local day (included)."""
    e, m, c = LedgerEntry, Membership, Community
    wanted = select(func.coalesce(func.sum(e.minutes), 0)).join(m, m.id == e.membership_id).join(c)
    wanted = wanted.where(m.role == "participant", m.status == "active")
    wanted = wanted.where(c.region == region) if region else wanted
    if until:
        wanted = wanted.where(func.date(func.timezone(c.timezone, e.happened_at)) <= until)
    with Session(engine) as session:
        return session.scalar(wanted) or 0


def sums(found: Report) -> tuple[int, int, int]:
    """Minutes by communities, by components, and by months."""
    by_month = sum(sum(of.values()) for of in found.months.values())
    return sum(line.minutes for line in found.lines), sum(found.components.values()), by_month


@pytest.mark.parametrize("region", ["", "BAY", "LA"])
def test_the_present_period_adds_up_to_the_ledger(engine: Engine, seeded: Seeded, region: str) -> None:
    del seeded
    whole = ledger(engine, region)
    assert whole > 0
    found = told(engine, Wanted(seed.PROGRAM, region))
    assert sums(found) == (whole, whole, whole)
    assert sum(line.participants for line in found.lines) == {"": 8, "BAY": 6, "LA": 2}[region]


def test_days_add_up_to_what_was_earned_on_them(engine: Engine, seeded: Seeded) -> None:
    del seeded
    january, spring = (told(engine, Wanted(seed.PROGRAM, days=days)) for days in (JANUARY, SPRING))
    until = ledger(engine, until=JANUARY[1])
    assert 0 < until < ledger(engine)
    assert sums(january) == (until, until, until)
    assert sums(spring) == (ledger(engine),) * 3
    assert list(january.months) == [date(2026, 1, 1)]
    # By the spring's end two have the minimum, by January's nobody has.
    assert [sum(line.met for line in each.lines) for each in (january, spring)] == [0, 2]
    assert sum(line.behind + line.cannot_reach for line in spring.lines) == 0


def test_a_closed_period_is_its_snapshot_whatever_came_later(engine: Engine, seeded: Seeded) -> None:
    closing, sha256 = close(engine)
    seed.finish(engine, seeded, 14, seed.modules_of(BAY)[4])
    found = told(engine, Wanted(seed.PROGRAM, closing=closing))
    with Session(engine) as session:
        held = session.scalar(
            select(func.sum(ClosedMember.minutes)).join(Membership).where(Membership.role == "participant")
        )
    assert held
    assert sums(found) == (held, held, held)
    assert found.closed
    assert (found.closed.sha256, found.days) == (sha256, JANUARY)
    assert {(line.band_min, line.band_max) for line in found.lines if line.participants} == {(960, 1200)}


def test_it_ends_where_the_scope_ends(app: Flask, engine: Engine, seeded: Seeded) -> None:
    closing, _ = close(engine)
    for wanted in (Wanted(seed.PROGRAM), Wanted(seed.PROGRAM, days=SPRING), Wanted(seed.PROGRAM, closing=closing)):
        found = told(engine, wanted, IN_LA)
        assert {line.region for line in found.lines} == {"LA"}
        assert len(set(sums(found))) == 1
        assert sums(found)[0] <= ledger(engine, "LA")
    with Session(engine) as session:
        assert report(session, Actor.user(UUID(int=1), ()), Wanted(seed.PROGRAM), readings.NOW) is None
        assert report(session, EVERYWHERE, Wanted("another"), readings.NOW) is None
    with app.test_client() as client:
        seed.sign_in(client, engine, [Grant(Role.STAFF, Scope.REGION, f"{seed.PROGRAM}/LA")])
        page = client.get("/reports").text
        assert ("Bay Area" in page, "All regions ·" in page) == (False, False)
        assert '<p class="report-what">Los Angeles ·' in page
        assert client.get("/reports?region=BAY").status_code == 404
        assert client.get("/reports?program=another").status_code == 404
        assert client.get(f"/reports?period={seeded.site}").status_code == 404


@pytest.fixture
def client(app: Flask, engine: Engine) -> Iterator[FlaskClient]:
    with app.test_client() as made:
        seed.sign_in(made, engine, [Grant(Role.IT)])
        yield made


def test_the_page_tells_it_and_names_nobody(client: FlaskClient, engine: Engine, seeded: Seeded) -> None:
    closing, sha256 = close(engine)
    del seeded
    pages = [client.get(f"/reports?{query}").text for query in ("", "region=BAY", "period=2026-01-01_2026-06-30")]
    pages.append(client.get(f"/reports?period={closing}").text)
    assert not [name for page in pages for first, last, _ in PEOPLE.values() for name in (first, last) if name in page]
    whole = ledger(engine)
    assert '<p class="report-what">All regions ·' in pages[0]
    assert f"{whole // 60} h" in pages[0]
    assert ("Cannot reach it any more" in pages[0], "Cannot reach it any more" in pages[2]) == (True, False)
    assert sha256 in pages[3]


@pytest.mark.parametrize("days", ["first=2026-02-01&last=2026-01-01", "first=x&last=2026-01-01", "first=&last="])
def test_days_that_are_none_are_told_and_kept(client: FlaskClient, seeded: Seeded, days: str) -> None:
    del seeded
    answer = client.get(f"/reports?period=days&{days}")
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert f'value="{days.split("&")[0].removeprefix("first=")}"' in answer.text
    assert client.get("/reports?period=nonsense").status_code == 400


def test_where_nothing_is_it_says_what_to_do(client: FlaskClient) -> None:
    assert "There is nothing to report on yet." in client.get("/reports").text
