"""What provisioning must never do: take what isn't the file's, guess who is meant, write to somebody twice or never,
lose what somebody changed by hand, or stop for good halfway."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from sqlalchemy import Engine, select, text, update
from sqlalchemy.orm import Session

from records import sites
from records.actor import SYSTEM
from records.models import ProvisionedCourse
from records.settings import Settings
from tests.support.provisioning import TEMPLATE, WHOLE, Office, office

PEOPLE = """community,email,role,team
MATH/BAY,e0001@example.org,,TEAM-OAK
MATH/BAY,e0002@example.org,,TEAM-OAK
MATH/BAY,e0003@example.org,,
MATH/BAY,f0001@example.org,facilitator,
"""
NO_COURSE = 999_999
COURSE, SHORTNAME = "COP-MATH-BAY-26F", "MATH-BAY-26F"
BARE = WHOLE[: WHOLE.index("people:")]
TWO = WHOLE.replace("[MATH]", "[MATH, PST]")


@pytest.fixture
def it(engine: Engine, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setenv("MOODLE_CALLS_PER_MINUTE", "1000000")
    with office(engine, settings, tmp_path) as found:
        found.write(WHOLE, people=PEOPLE)
        yield found
    # The command says where jobs log to, for its process.
    structlog.reset_defaults()


def stage(engine: Engine, key: str = "MATH/BAY") -> str:
    with Session(engine) as session:
        return session.scalars(select(ProvisionedCourse.stage).where(ProvisionedCourse.key == key)).one()


def named(it: Office, shortname: str = SHORTNAME) -> list[int]:
    return [row["id"] for row in it.site.rows("SELECT id FROM course WHERE shortname = ? ORDER BY id", shortname)]


def welcomed(it: Office) -> list[int]:
    return [row["useridto"] for row in it.site.rows("SELECT useridto FROM messages ORDER BY useridto")]


def test_half_of_the_people_are_no_reason_to_stop_until_all_were_there(it: Office, engine: Engine) -> None:
    it.site.faults.fail("core_calendar_create_calendar_events")
    assert it("apply", "--yes").code == 1
    assert (stage(engine), welcomed(it)) == ("verified", [])
    course = it.course(COURSE)
    it.site.act.leave(12, course)
    # Messages are off: Moodle says so, and nobody is taken for written to.
    it.site.set_messaging(on=False)
    answer = it("apply", "--yes")
    assert "disabled" in answer.out, answer.out
    assert it.site.rows("SELECT visible FROM course WHERE id = ?", course)[0]["visible"] == 1
    it.site.set_messaging(on=True)
    it.apply()
    assert len(welcomed(it)) == len(set(welcomed(it))) == 4
    # Now the limit counts.
    it.site.act.leave(12, course)
    assert "1 of 3 participants would change" in it("plan").out
    # Whoever was killed right before the end left all of it to be kept.
    with Session(engine) as session, session.begin():
        session.execute(update(ProvisionedCourse).values(stage="verified", fault="unsure"))
    assert it.apply()["writes"] == 2, "the one who left: enrolled, and put into the team"
    with Session(engine) as session, session.begin():
        session.execute(update(ProvisionedCourse).values(stage="verified", fault="unsure"))
    assert it.apply()["writes"] == 0
    assert stage(engine) == "ready"


def test_what_was_adopted_into_the_file_may_be_changed_by_hand_again(it: Office, engine: Engine) -> None:
    it.write(BARE)
    it.apply()
    course = it.course(COURSE)
    it.site.silent.change_course(course, told=True, fullname="Sums")
    it.write(BARE.replace("{topic_title}: {region_title}", "Sums"))
    assert it.apply()["writes"] == 0
    it.site.silent.change_course(course, told=True, fullname="More sums")
    assert it.apply()["writes"] == 0
    assert it.drift() == {"MATH/BAY": [("fullname", "", "adopt")]}
    # A term that is over is left alone.
    assert it("close", "--hide", "1", "--yes").code == 0
    it.site.silent.change_course(course, told=True, enddate=1_799_000_000)
    assert it("plan").code == 0
    assert it.apply()["writes"] == 0
    # Another term is another file, and another site's courses are no business of this one.
    it.write(BARE.replace("code: 26F", "code: 27S"))
    assert "courses of another site, or of another term (26F), were made" in it("plan").err
    it.write(BARE.replace("site: demo", "site: other"))
    with Session(engine) as session, session.begin():
        sites.add_site(session, "other", "Other", "https://moodle.example.org", actor=SYSTEM)
    for command in ("plan", "apply", "close", "adopt"):
        assert "give this file a code of its own" in it(command).err
    assert named(it) == [course]


def test_a_course_of_that_name_that_is_somebody_elses_isnt_taken(it: Office, engine: Engine) -> None:
    it.site.faults.fail("core_course_duplicate_course")
    assert it("apply", "--yes").code == 1
    assert stage(engine) == "copying"
    other, _ = it.site.silent.duplicate(it.course(TEMPLATE))
    it.site.silent.change_course(other, told=False, shortname=SHORTNAME)
    people = "SELECT userid FROM user_enrolments WHERE course = ? ORDER BY userid"
    before = it.site.rows(people, other)
    assert before
    answer = it("apply", "--yes")
    assert f"Another course, {other}, has the short name" in answer.out, answer.out
    assert it.site.rows(people, other) == before
    # Renamed, it is out of the way.
    it.site.silent.change_course(other, told=False, shortname="Another")
    with Session(engine) as session, session.begin():
        session.execute(update(ProvisionedCourse).values(asked_at=text("now() - interval '5 minutes'")))
    # The first one gives the copy its ID number.
    it.site.faults.skip("core_course_update_courses", times=1)
    it.site.faults.fail("core_course_update_courses", times=4)
    assert it("apply", "--yes").code == 1
    (copy,) = named(it)
    assert stage(engine) == "copied"
    # A copy that is gone before anybody was let in is made anew; one that people were in isn't.
    it.site.silent.change_course(copy, told=False, shortname="Away", idnumber="")
    with Session(engine) as session, session.begin():
        session.execute(update(ProvisionedCourse).values(course_id=NO_COURSE))
    it.apply()
    (anew,) = named(it)
    assert anew not in (copy, other)
    with Session(engine) as session, session.begin():
        session.execute(update(ProvisionedCourse).values(course_id=NO_COURSE))
    assert f"The course {NO_COURSE}, which was made for it, is gone from Moodle" in it("plan").out
    # Restored as another course, it can be taken over in the place of the one that is gone.
    assert [one["course"] for one in it("adopt", "--yes", "--json").data] == [anew]
    assert it.apply()["writes"] == 0


def test_keys_that_contradict_each_other_are_nobodys(it: Office) -> None:
    make = WHOLE.replace("files: [people.csv]", "files: [people.csv], create_users: true, auth: manual")
    head = "community,email,idnumber,firstname,lastname,role\n"
    it.write(
        make,
        people=head
        + "MATH/BAY,e0001@example.org,NOBODYS,,,\n"
        + "MATH/BAY,unknown@example.org,E0002,,,\n"
        + "MATH/BAY,new1@example.org,N1,New,One,\n"
        + "MATH/BAY,new2@example.org,N1,New,One,\n"
        + "MATH/BAY,new3@example.org,,New,Three,\n"
        + "MATH/BAY,NEW3@example.org,,New,Three,facilitator\n"
        + "MATH/BAY,a%b@example.org,,New,Four,\n",
    )
    out = it("plan").out
    assert "people.csv:2: the account 11, which one of its keys leads to, has something else as idnumber" in out
    assert "people.csv:3: the account 12, which one of its keys leads to, has something else as email" in out
    assert "people.csv:5 is the person of people.csv:4" in out
    assert "people.csv:7 is the person of people.csv:6" in out
    assert "4 in the way" in out
    # An account that Moodle refuses is told by its row, stops its course alone, and keeps nobody else from theirs.
    it.site.silent.change_account(30, username="taken@example.org")
    it.write(
        make.replace("[MATH]", "[MATH, PST]"),
        people=head
        + "MATH/BAY,new1@example.org,N1,New,One,\n"
        + "MATH/BAY,taken@example.org,,Tak,En,\n"
        + "PST/BAY,new1@example.org,N1,New,One,\n",
    )
    answer = it("apply", "--yes", "--at-once", "1")
    assert "people.csv:3" in answer.out, answer.out
    assert "1 course ready" in answer.out
    assert len(it.site.rows("SELECT 1 FROM user WHERE email = 'new1@example.org'")) == 1


def test_what_differs_is_told_and_what_would_be_refused_too(it: Office) -> None:
    site, hands = it.site, it.site.hands
    cohort = hands.add_cohort("Leads", "LEADS", 0, [21])
    hands.set_cohort_sync(on=True)
    with_cohort = TWO.replace("welcome:", "cohorts: [{cohort: LEADS, role: student}]\nwelcome:")
    it.write(with_cohort, people=PEOPLE + "PST/BAY,e0004@example.org,,\n")
    it.apply()
    course = it.course(COURSE)
    teacher = site.rows("SELECT id FROM role WHERE shortname = 'teacher'")[0]["id"]
    with site.store.write() as db:
        db.execute("INSERT INTO role_assignments (course, userid, roleid) VALUES (?, 11, ?)", (course, teacher))
    groups = {
        row["idnumber"]: row["id"] for row in site.rows("SELECT id, idnumber FROM groups WHERE course = ?", course)
    }
    hands.put_into_group(groups["TEAM-OAKLAND"], 11)
    event = site.rows("SELECT id FROM event WHERE courseid = ?", course)[0]["id"]
    hands.change_event(event, name="Session one, in the hall")
    told = it.drift()["MATH/BAY"]
    assert ("person_role_more", "people.csv:2", "adopt") in told
    assert ("person_group_more", "people.csv:2", "adopt") in told
    assert not [kind for kind, _, _ in told if kind == "event"], "it was renamed, and isn't made twice"
    assert it.apply()["writes"] == 0
    # Who, and what, the file doesn't name any more is told, and left.
    it.write(with_cohort.replace("[MATH, PST]", "[MATH]"), people="community,email\n")
    kinds = [kind for kind, _, _ in it.drift()["MATH/BAY"]]
    assert kinds.count("person_new") == 4
    assert "PST/BAY (course" in it("plan").out
    # A cohort with another role isn't the file's.
    with site.store.write() as db:
        db.execute("UPDATE enrol_settings SET roleid = ? WHERE cohort = ?", (teacher, cohort))
    assert "cohort" in [kind for kind, _, _ in it.drift()["MATH/BAY"]]
    # What Moodle would refuse is in the way before anything is written.
    hands.add_group(course, "A team of theirs")
    hands.switch_method(course, "manual", on=False)
    it.write(
        WHOLE.replace(
            "name: Oakland Adult School}", "name: Oakland Adult School}\n  - {idnumber: T2, name: A team of theirs}"
        ),
        people=PEOPLE + "MATH/BAY,e0005@example.org,,\n",
    )
    answer = it("apply", "--yes", "--many")
    assert "Another group of the course, or of its template, is called “A team of theirs”" in answer.out, answer.out
    assert "The enrolment method “manual” of the course is switched off" in answer.out


def test_a_fault_of_ours_stops_one_course_and_adoption_takes_nothing_of_others(
    it: Office, owner_engine: Engine
) -> None:
    it.write(TWO, people=PEOPLE)
    with owner_engine.begin() as connection:
        connection.execute(
            text(
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                " IF NEW.title LIKE '%Math%' THEN RAISE EXCEPTION 'no'; END IF; RETURN NEW; END $$"
            )
        )
        connection.execute(
            text("CREATE TRIGGER refuse BEFORE INSERT ON sessions FOR EACH ROW EXECUTE FUNCTION refuse()")
        )
    answer = it("apply", "--yes", "--at-once", "1")
    assert "1 course ready" in answer.out, answer.out
    assert "CoP Bridge itself failed there" in answer.out
    # Another file's courses, and templates, are nobody's to take over.
    it.write(BARE.replace("provision: fall", "provision: second").replace("{topic_title}: {region_title}", "BAY"))
    found = it("adopt", "--json")
    assert found.data == [], found.out
