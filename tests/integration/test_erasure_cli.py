"""`copbridge person erase`, and what files and pages say of an erased person."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from records.actor import Grant, Role
from records.models import (
    Membership,
)
from tests.support import seed
from tests.support.bench import Bench
from tests.support.cli import Cli
from tests.support.erasure import USER, WHY, WORDS, erase_now, everything, fill, make_lab, traces
from tests.support.house import SLUG, House
from tests.support.lab import IDNUMBER, Lab
from tests.support.web import application


@pytest.fixture
def lab() -> Lab:
    return make_lab()


@pytest.fixture
def house(bench: Bench, lab: Lab) -> House:
    found = bench.emptied()
    fill(found, lab)
    return found


@pytest.fixture
def cli(house: House) -> Iterator[Cli]:
    house.redis.flushdb()
    yield Cli(house.settings)
    house.redis.flushdb()


def test_the_command_says_what_goes_and_asks(house: House, cli: Cli) -> None:
    before, whom = everything(house), f"{SLUG}:{USER}"
    told = cli("person", "erase", whom, "--reason", WHY, "--dry-run")
    assert told.code == 0
    counts = dict(re.findall(r"^ *(\S.*?) {2,}(\d+) *$", told.out, re.MULTILINE))
    assert counts["accounts"] == counts["reasons of decisions"] == counts["milestones' evidence"] == "1"
    assert counts["completions"] == "2"
    assert int(counts["payloads in the inbox"]) > 8
    assert cli("person", "erase", whom, "--reason", WHY, stdin="yes\n").code == 1
    assert cli("person", "erase", whom, "--reason", "Amaranta", "--yes").code == 1
    assert cli("person", "erase", whom, stdin="erase\n").code == 2
    assert everything(house) == before

    done = cli("person", "erase", whom, "--reason", WHY, stdin="erase\n")
    assert (done.code, "Erased; the amounts" in done.out) == (0, True)
    assert f"{int(counts['payloads in the inbox'])} payloads in the inbox deleted or redacted" in done.out
    assert traces(house) == []


def test_the_command_finishes_what_was_interrupted(house: House, cli: Cli) -> None:
    person = erase_now(house, redact=False)
    assert {row.split(":")[0] for row in traces(house)} == {"inbox"}
    assert cli("person", "erase", f"{SLUG}:{USER}", "--reason", WHY, "--dry-run").out.startswith("Erased already")
    assert traces(house)
    for whom in (f"{SLUG}:{USER}", str(person)):
        again = cli("person", "erase", whom, "--reason", WHY, "--yes")
        assert (again.code, again.out.startswith("Erased already")) == (0, True)
        assert traces(house) == []
    assert "0 payloads" in again.out


NOBODYS = "018f6c2e-0000-7000-8000-0000000000dd"


@pytest.mark.parametrize(("whom", "code"), [("lab:999", 1), (NOBODYS, 1), ("elsewhere:1", 1), ("somebody", 2)])
def test_the_command_says_whom_it_does_not_know(cli: Cli, whom: str, code: int) -> None:
    assert cli("person", "erase", whom, "--reason", WHY, "--yes").code == code


@pytest.mark.parametrize(("user", "idnumber"), [(str(USER), ""), ("", WORDS[4])])
def test_a_file_that_names_the_person_names_nobody(
    house: House, cli: Cli, tmp_path: Path, user: str, idnumber: str
) -> None:
    erase_now(house)
    file = tmp_path / "attendance.csv"
    header = "site,community,session,date,start,mode,user,idnumber,minutes"
    row = f"{SLUG},{IDNUMBER},F2F-1,2026-01-17,09:00,face_to_face,{user},{idnumber},240"
    file.write_text(f"{header}\n{row}\n", encoding="utf-8")
    answer = cli("import", "attendance", str(file))
    assert (answer.code, "no account" in answer.out) == (1, True)
    assert traces(house) == []


def test_the_pages_show_an_erased_person(house: House) -> None:
    person = erase_now(house)
    with application(house.settings) as app, app.test_client() as client:
        seed.sign_in(client, house.engine, [Grant(Role.STAFF)], email="erasure@example.org")
        page = client.get(f"/people/{person}").get_data(as_text=True)
        with Session(house.engine) as session:
            community = session.scalars(select(Membership.community_id).limit(1)).one()
        listed = client.get(f"/communities/{community}").get_data(as_text=True)
    assert "<h1><bdi>Erased person</bdi></h1>" in page
    assert "Adjustment" in page
    assert "Erased person" in listed
