"""Everything that is stored about a person, as a file: no table is forgotten, and nobody else is in it."""

import io
import json
import re
import zipfile
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from records.actor import Grant, Role, Scope
from records.models import Account, AuditEntry, Base, Community, Membership, Nudge, NudgeMessage, OptOut, uuid7
from records.queries.person_export import INBOX, LEFT_OUT, TABLES, Why, stored_about
from service.pages.person_file import REASONS, TITLES
from tests.support import seed
from tests.support.bench import Bench
from tests.support.erasure import OTHER, USER, WORDS, erase_now, fill, make_lab, person_of
from tests.support.house import NOW, House, people
from tests.support.web import application

POINTS_TO_PEOPLE = {"persons", "accounts", "memberships"}
SAYS_WHO = {"moodle_user_id", "overrideby", "person_id", "account_id", "membership_id", "who"}
STAFF = "0190cafe-0000-7000-8000-00000000beef"


@pytest.fixture
def house(bench: Bench) -> House:
    found = bench.emptied()
    fill(found, make_lab())
    with Session(found.engine) as session, session.begin():
        member = people(found, [USER])[USER]
        nudge = Nudge(id=uuid7(), channel="mail", template="behind", subject="Three hours to go", body="Hello {name}")
        nudge.asked, nudge.actor, nudge.due_at, nudge.status = {}, STAFF, NOW, "done"
        session.add(nudge)
        session.flush()
        session.add(NudgeMessage(nudge_id=nudge.id, membership_id=member, status="sent", sent_at=NOW))
        session.add(OptOut(person_id=person_of(found), actor=STAFF))
    return found


@pytest.fixture
def client(house: House) -> Iterator[FlaskClient]:
    with application(house.settings) as app, app.test_client() as made:
        yield made


def admin(client: FlaskClient, house: House, *grants: Grant) -> None:
    seed.sign_in(client, house.engine, grants or [Grant(Role.PROGRAM_ADMIN)], f"{uuid7()}@example.org")


def token(client: FlaskClient) -> dict[str, str]:
    """The form token, by any page that has one."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/").text)
    assert found
    return {"csrf_token": found[1]}


def fetched(client: FlaskClient, person: UUID) -> dict[str, str]:
    """The files of the archive."""
    with client.post(f"/people/{person}/file", data=token(client)) as response:
        assert response.status_code == 200
        assert response.mimetype == "application/zip"
        assert f"person-{person}.zip" in response.headers["Content-Disposition"]
        with zipfile.ZipFile(io.BytesIO(response.get_data())) as archive:
            return {name: archive.read(name).decode("utf-8-sig") for name in archive.namelist()}


def test_no_table_is_forgotten() -> None:
    """Every table is exported or has its reason: a new one fails here until somebody says which."""
    exported = {model.__tablename__ for model in TABLES}
    assert not exported & LEFT_OUT.keys()
    assert exported | {INBOX} | LEFT_OUT.keys() == Base.metadata.tables.keys()
    for name, why in LEFT_OUT.items():
        table = Base.metadata.tables[name]
        points = {key.column.table.name for key in table.foreign_keys} & POINTS_TO_PEOPLE
        says = SAYS_WHO & {column.name for column in table.columns}
        assert not (points or says) or why in (Why.HASHED, Why.OTHERS, Why.PASSING), name
    assert set(TITLES) == exported | {INBOX}
    assert set(REASONS) == set(Why)


def test_all_of_the_person_and_nobody_else(client: FlaskClient, house: House) -> None:
    admin(client, house)
    person = person_of(house)
    files = fetched(client, person)
    whole = "\n".join(files.values())
    assert all(word in whole for word in (*WORDS, str(USER)))
    with Session(house.engine) as session:
        account = session.scalars(select(Account).where(Account.moodle_user_id == OTHER)).one()
        members = session.scalars(select(Membership.id).where(Membership.person_id != person))
        others = [str(OTHER), str(account.id), str(account.person_id), STAFF, *map(str, members)]
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "person.exported")).one()
    assert not [other for other in others if other in whole]
    stored = json.loads(files["person.json"])["stored"]
    held = {name for name, rows in stored.items() if rows}
    assert held >= {
        *("persons", "accounts", "memberships", "standings", "ledger", "facts", "decisions", "milestones", "inbox"),
        *("mirror_enrolments", "mirror_role_assignments", "mirror_group_members", "mirror_participations"),
        *("mirror_completions", "rereads", "nudge_messages", "opt_outs"),
    }
    assert f"tables/{INBOX}.csv" in files
    # Of each table just as many rows as the database has about this person.
    with house.engine.connect() as connection:
        for table, column, value in (
            ("ledger", "membership_id", people(house, [USER])[USER]),
            ("facts", "account_id", stored["accounts"][0]["id"]),
            ("mirror_completions", "moodle_user_id", USER),
        ):
            query = text(f"SELECT count(*) FROM {table} WHERE {column} = :value")  # noqa: S608 - our own names
            assert connection.scalar(query, {"value": value}) == len(stored[table]) > 0
    assert entry.subject == str(person)
    assert entry.after == {"rows": {name: len(rows) for name, rows in stored.items() if rows}}
    assert "Three hours to go" in files["person.json"]
    assert "Amaranta" in files["read-me-first.html"]


def test_who_set_it_in_another_place_is_kept_only_of_oneself(house: House) -> None:
    with Session(house.engine) as session:
        rows = stored_about(session, person_of(house)).tables["mirror_completions"]
        others = stored_about(session, person_of(house, OTHER)).tables["mirror_completions"]
    assert {row["overrideby"] for row in (*rows, *others)} == {None}


def test_cells_are_no_formulas(client: FlaskClient, house: House) -> None:
    with Session(house.engine) as session, session.begin():
        session.scalars(select(Account).where(Account.moodle_user_id == USER)).one().firstname = "=HYPERLINK(1)"
    admin(client, house)
    assert "'=HYPERLINK(1)" in fetched(client, person_of(house))["tables/accounts.csv"]


def test_an_erased_person_has_amounts_and_no_words(client: FlaskClient, house: House) -> None:
    person = erase_now(house)
    admin(client, house)
    files = fetched(client, person)
    whole = "\n".join(files.values())
    assert not [word for word in (*WORDS, str(USER)) if word in whole]
    stored: dict[str, Any] = json.loads(files["person.json"])["stored"]
    assert sum(row["minutes"] for row in stored["ledger"]) == 435
    assert stored["inbox"] == stored["opt_outs"] == []


def test_who_covers_a_part_only_is_refused(client: FlaskClient, house: House) -> None:
    person = person_of(house)
    with Session(house.engine) as session, session.begin():
        here = session.scalars(select(Community)).first()
        assert here
        there = Community(program_id=here.program_id, topic=here.topic, region="ELSEWHERE", timezone="UTC", key="x")
        session.add(there)
        session.flush()
        session.add(Membership(community_id=there.id, person_id=person))
        place, other = str(here.id), str(there.id)
    admin(client, house, Grant(Role.PROGRAM_ADMIN, Scope.COMMUNITY, place))
    for path in (f"/people/{person}/file", f"/people/{person}/erase"):
        page = client.get(path)
        assert (page.status_code, "This person is in more communities than you cover" in page.text) == (403, True)
    assert client.post(f"/people/{person}/file", data=token(client)).status_code == 403
    form = {"reason": "A letter asks for it", "word": "erase", **token(client)}
    assert client.post(f"/people/{person}/erase", data=form).status_code == 403
    admin(client, house, Grant(Role.PROGRAM_ADMIN, Scope.COMMUNITY, other))
    assert client.get(f"/people/{person_of(house, OTHER)}/file").status_code == 404
    assert client.post(f"/people/{person_of(house, OTHER)}/file", data=token(client)).status_code == 404
    with Session(house.engine) as session:
        actions = set(session.scalars(select(AuditEntry.action)))
    assert not actions & {"person.exported", "person.erased"}
