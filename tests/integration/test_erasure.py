"""Forgetting a person: nothing leads back to a name, no minute moves, and nobody comes back by a sweep."""

import json
import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from jobs import process, runtime, tasks
from records import forgotten, inbox, mirror, sites
from records.actor import CLI
from records.erasure import ErasureError, erase, plan_erasure
from records.models import (
    Account,
    AuditEntry,
    Decision,
    FactRow,
    InboxItem,
    Membership,
    MilestoneRow,
    MirrorCompletion,
    Organisation,
    Person,
    uuid7,
)
from records.programs import add_version
from records.settings import Settings
from tests.support.bench import Bench
from tests.support.erasure import (
    LOG,
    OTHER,
    PAGE,
    THIRD,
    USER,
    WHY,
    WORDS,
    accounts_of,
    credited,
    deliver,
    erase_now,
    everything,
    fill,
    ignored,
    make_lab,
    minutes,
    person_of,
    read_names,
    traces,
)
from tests.support.house import LAB, NOW, House, people
from tests.support.lab import Lab


@pytest.fixture
def lab() -> Lab:
    return make_lab()


@pytest.fixture
def house(bench: Bench, lab: Lab) -> House:
    found = bench.emptied()
    fill(found, lab)
    return found


def test_nothing_of_the_person_is_left_and_no_amount_moves(house: House) -> None:
    before, versions = credited(house), len(everything(house).splitlines())
    found = "\n".join(traces(house))
    assert all(word in found for word in WORDS)
    assert {row.split(":")[0] for row in traces(house)} >= {
        *("accounts", "decisions", "facts", "inbox", "milestones", "mirror_completions", "mirror_enrolments"),
        *("mirror_group_members", "mirror_participations", "mirror_role_assignments", "rereads"),
    }
    assert not any(row.startswith("ledger") for row in traces(house))
    person = erase_now(house)
    assert traces(house) == []
    assert credited(house) == before
    assert house.differences() == []
    assert len(everything(house).splitlines()) < versions
    with Session(house.engine) as session:
        assert session.get_one(Person, person).erased_at == NOW
        (account,) = session.scalars(select(Account).where(Account.person_id == person))
        assert account.moodle_user_id < 0
        assert not account.present
        decision = session.scalars(select(Decision)).one()
        assert (decision.reason, decision.data) == ("", {"minutes": 90, "component": "face_to_face"})
        # Still proven: else minutes that hang on the evidence would go.
        assert session.scalars(select(MilestoneRow.evidence)).one() == [{"kind": "erased", "value": ""}]
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "person.erased")).one()
        assert (entry.subject, entry.after) == (str(person), {"accounts": [str(account.id)], "reason": WHY})


def test_what_the_person_did_to_others_stays(house: House) -> None:
    def by(house: House) -> tuple[set[int | None], set[int | None]]:
        with Session(house.engine) as session:
            pages = select(MirrorCompletion.overrideby).where(
                MirrorCompletion.module_id == PAGE, MirrorCompletion.moodle_user_id == OTHER
            )
            facts = select(FactRow.overrideby).join(Account, Account.id == FactRow.account_id)
            of_page = facts.where(FactRow.module_id == PAGE, Account.moodle_user_id == OTHER)
            return set(session.scalars(pages)), set(session.scalars(of_page))

    assert by(house) == ({USER}, {USER})
    erase_now(house)
    assert by(house) == ({forgotten.NOBODY}, {forgotten.NOBODY})
    with Session(house.engine) as session:
        items = session.scalars(select(InboxItem).where(InboxItem.kind == "event"))
        payloads = [json.loads(item.payload) for item in items]
    (ticked,) = (p for p in payloads if p.get("contextinstanceid") == str(PAGE) and p["relateduserid"] == OTHER)
    assert (ticked["userid"], ticked["other"]["overrideby"]) == (forgotten.NOBODY, forgotten.NOBODY)


def rewind(lab: Lab) -> Lab:
    """The same history, told once more: everything that the fixture did, in the same seconds."""
    told = Lab(modules=lab.modules)
    told.enrol(USER)
    told.group(USER, 9, member=True)
    told.set_state(LOG, USER, 1)
    told.set_state(PAGE, USER, 1, by=OTHER)
    told.set_state(PAGE, OTHER, 1, by=USER)
    return told


def old_events(lab: Lab) -> None:
    lab.items = rewind(lab).items


def new_events(lab: Lab) -> None:
    lab.set_state(LOG, USER, 0)
    lab.leave(USER)
    lab.group(USER, 9, member=False)
    lab.event("user_deleted", objectid=USER, objecttable="user", courseid=0, relateduserid=USER, contextlevel=30)
    lab.event("user_enrolment_updated", objectid=3, relateduserid=str(USER), contextlevel=50, other={"enrol": "manual"})


def a_whole_reading(lab: Lab) -> None:
    read_names(lab)
    lab.read_everything([USER, OTHER])


def a_deletion(lab: Lab) -> None:
    """As an old sender spells it: no related user, no table."""
    lab.event("user_deleted", objectid=str(USER), courseid=0)


def a_reading_as_text(lab: Lab) -> None:
    lab.read("account", user=str(USER), present=True, firstname=WORDS[0])
    lab.read("account", user=f" {USER}.0 ", present=True, firstname=WORDS[0])


@pytest.mark.parametrize("say", [old_events, new_events, a_whole_reading, a_deletion, a_reading_as_text])
def test_nothing_brings_the_person_back(house: House, lab: Lab, say: Callable[[Lab], None]) -> None:
    erase_now(house)
    accounts, before, versions = accounts_of(house), credited(house), versions_of(house)
    say(lab)
    deliver(house, lab)
    assert traces(house) == []
    assert accounts_of(house) == accounts
    assert credited(house) == before
    assert versions_of(house) == versions
    assert sum(ignored(house).values()) >= 1
    assert not house.waiting()


def versions_of(house: House) -> list[UUID]:
    with Session(house.engine) as session:
        return list(session.scalars(select(FactRow.id).order_by(FactRow.id)))


def test_other_peoples_events_still_arrive(house: House, lab: Lab) -> None:
    erase_now(house)
    lab.enrol(THIRD)
    lab.set_state(LOG, THIRD, 1, by=USER)
    lab.set_state(PAGE, OTHER, 0, by=USER)
    deliver(house, lab)
    assert {user: n for user, n in minutes(house).items() if user > 0} == {OTHER: 60, THIRD: 60}
    assert traces(house) == []
    assert ignored(house) == {}


def test_what_waited_about_the_person_goes(house: House, lab: Lab) -> None:
    """Items that waited before go with the erasure, and those put aside after it as they are replayed."""
    unknown: dict[str, Any] = {"courseid": "77", "relateduserid": str(USER), "objectid": 5, "contextlevel": 50}
    lab.event("user_enrolment_created", **unknown)
    lab.read("account", user=str(USER), present="perhaps", firstname=WORDS[0])
    deliver(house, lab)
    assert house.waiting() == [("waiting", "unknown_course"), ("quarantined", "malformed")]
    erase_now(house)
    assert house.waiting() == []
    assert traces(house) == []

    lab.event("user_enrolment_created", **unknown)
    lab.read("account", user=str(USER), present="perhaps", firstname=WORDS[0])
    lab.read("account", user=OTHER, present="perhaps")
    deliver(house, lab)
    assert len(house.waiting()) == 3
    with Session(house.engine) as session, session.begin():
        assert inbox.replay(session, ["waiting", "quarantined"]) == 3
    house.work()
    assert house.waiting() == [("quarantined", "malformed")]
    assert traces(house) == []


def test_what_intake_puts_aside_later_is_redacted_once_a_day(house: House, lab: Lab) -> None:
    erase_now(house)
    lab.read("account", user=str(USER), present="perhaps", firstname=WORDS[0])
    unknown: dict[str, Any] = {
        "courseid": "77",
        "relateduserid": OTHER,
        "userid": USER,
        "objectid": 5,
        "contextlevel": 50,
    }
    lab.event("user_enrolment_created", **unknown)
    deliver(house, lab)
    house.post([{"id": "none", "sequence": 1, "data": {"eventname": "none", "relateduserid": USER}}])
    assert len(traces(house)) == 3
    runtime.begin(runtime.Runtime(house.settings, house.engine, house.redis, house.clock))
    tasks.prune_inbox()
    assert traces(house) == []
    assert house.waiting() == [("waiting", "unknown_course")]


def test_the_hash_is_keyed_and_of_the_site(house: House) -> None:
    erase_now(house)
    key = house.settings.encryption_key
    other = type(key)("another key")
    with Session(house.engine) as session:
        mine = {(house.site_id, USER)}
        assert forgotten.erased_among(session, key, mine | {(house.site_id, OTHER), (uuid7(), USER)}) == mine
        assert forgotten.erased_among(session, other, mine) == set()
    assert forgotten.fingerprint(key, (house.site_id, USER)) != forgotten.fingerprint(key, (uuid7(), USER))


def hold_site(session: Session, house: House) -> None:
    mirror.side_by_side(session, [house.site_id], alone=False)


def hold_membership(session: Session, house: House) -> None:
    """As reconciling does."""
    member = people(house, [USER])[USER]
    session.execute(select(Membership.id).where(Membership.id == member).with_for_update(key_share=True))


@pytest.mark.parametrize("hold", [hold_site, hold_membership])
def test_whoever_is_at_work_is_waited_for(house: House, hold: Callable[[Session, House], None]) -> None:
    eraser = threading.Thread(target=erase_now, args=(house,))
    with Session(house.engine) as session, session.begin():
        hold(session, house)
        eraser.start()
        eraser.join(0.5)
        assert eraser.is_alive()
    eraser.join()
    assert traces(house) == []


def test_a_batch_that_was_taken_before_finds_the_hash(house: House, lab: Lab) -> None:
    """A worker holds the items, and gets the site's lock only after the erasure."""
    read_names(lab)
    house.post([], [lab.items[0].content])
    lab.items = []
    with Session(house.engine) as session, session.begin():
        ids = list(session.scalars(select(InboxItem.id).where(InboxItem.status == "pending")))
        items = inbox.take(session, ids)
        erase_now(house, redact=False)
        process.work_off(session, house.settings.encryption_key, items, alone=False)
    list(forgotten.redact_inbox(house.engine, house.settings.encryption_key))
    assert traces(house) == []
    assert ignored(house) == {"reading.account": 1}


def test_a_person_is_erased_once_and_for_a_reason(house: House) -> None:
    person = person_of(house)
    for reason in ("", "  ", "quispe wants it", f"user {USER} wants it", "(AZORRO77) wants it", "amaranta"):
        with Session(house.engine) as session, pytest.raises(ErasureError, match="reason"):
            plan_erasure(session, person, reason)
        with Session(house.engine) as session, pytest.raises(ErasureError, match="reason"):
            erase(session, person, actor=CLI, reason=reason, encryption_key=house.settings.encryption_key, now=NOW)
    erase_now(house)
    with Session(house.engine) as session, pytest.raises(ErasureError, match="already"):
        erase(session, person, actor=CLI, reason=WHY, encryption_key=house.settings.encryption_key, now=NOW)
    with Session(house.engine) as session, pytest.raises(ErasureError, match="no person"):
        erase(session, uuid7(), actor=CLI, reason=WHY, encryption_key=house.settings.encryption_key, now=NOW)


def test_of_a_profile_only_codes_that_programs_go_by_stay(engine: Engine, settings: Settings) -> None:
    """Without them a standing could move; whatever else was written there goes."""
    goes_by = "profile: {organisation: school, job_role: job}\njob_roles: [{code: teacher, title: {en: Teacher}}]"
    said = {
        "known": {"school": " la-17", "job": "Teacher", "phone": "555-0101"},
        "unknown": {"school": "a school of mine", "job": "I teach maths", "la-17": "LA-17"},
    }
    kept = {}
    with Session(engine) as session, session.begin():
        add_version(session, f"{LAB}\n{goes_by}\n", "lab.yaml")
        site = sites.add_site(session, "moodle", "Moodle", "https://moodle.example.org", actor=CLI)
        session.add(Organisation(code="LA-17", name="School 17", kind="school"))
        for number, (name, profile) in enumerate(said.items(), 11):
            person = Person(id=uuid7())
            session.add(person)
            session.flush()
            session.add(Account(site_id=site.id, moodle_user_id=number, person_id=person.id, profile=profile))
            session.flush()
            erase(session, person.id, actor=CLI, reason=WHY, encryption_key=settings.encryption_key, now=NOW)
            account = select(Account).where(Account.person_id == person.id).execution_options(populate_existing=True)
            kept[name] = session.scalars(account).one().profile
    assert kept == {"known": {"school": " la-17", "job": "Teacher"}, "unknown": {}}
