"""What a provision file amounts to: names, which part of the file counts, and days as moments."""

from datetime import UTC, datetime, timedelta

import pytest

from mappings.loading import parse_program
from mappings.provision_loading import courses_in, load_provision, parse_provision
from mappings.provision_wanted import WantedCourse, people_files
from mappings.source import Source
from tests.unit.mappings.provision_cases import EVERYTHING, PROGRAM, SHIPPED, SMALL, changed, courses_of


def everything() -> dict[str, WantedCourse]:
    provision, source = load_provision(EVERYTHING)
    return {course.key: course for course in courses_in(provision, source, PROGRAM)}


def with_(more: str, small: str = SMALL) -> dict[str, WantedCourse]:
    return {course.key: course for course in courses_of(f"{small}{more}\n")}


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_communities_come_in_the_order_of_the_file() -> None:
    assert list(everything()) == ["MATH/BAY", "MATH/LA", "PST/BAY", "MATH/BAY/OAKLAND"]


def test_names_are_filled_with_titles_in_the_files_language() -> None:
    course = everything()["MATH/LA"]
    # The program has no Spanish titles: it is the English one then; what {code} leaves empty leaves no gap.
    assert course.fullname == "Math Instructional Strategies: Los Angeles (Otoño 2026)"
    assert (course.shortname, course.idnumber) == ("MATH-LA-26F", "COP-MATH-LA-26F")
    assert [(step.name, step.idnumber) for step in course.categories] == [
        ("CALPRO regional Communities of Practice", "calpro-regional"),
        ("Otoño 2026", "calpro-regional-26F"),
    ]
    assert course.fields == (("cop", "MATH/LA"), ("starts", "2026-09-01"))
    assert [(one.cohort, one.role, one.group) for one in course.cohorts] == [("MATH-LA", "student", "TEAM-OAKLAND")]
    assert [(one.idnumber, one.name) for one in course.groups] == [("TEAM-OAKLAND", "Oakland (26F)")]
    assert course.welcome.startswith("Bienvenidos a Math Instructional Strategies.\n\nYour")


def test_a_term_without_a_title_is_called_by_its_code() -> None:
    text = changed("{topic_title} {region_title}", "{topic} {term_title}")
    assert [course.fullname for course in courses_of(text)] == ["MATH 26F", "MATH 26F", "PST 26F", "PST 26F"]


def test_a_community_of_its_own_stands_beside_that_of_the_matrix() -> None:
    course = everything()["MATH/BAY/OAKLAND"]
    assert (course.host, course.idnumber) == ("OAKLAND", "COP-MATH-BAY-26F@OAKLAND")
    assert course.fullname == "Math Instructional Strategies: OAKLAND (Otoño 2026)"


def test_without_leaves_out_a_topic_a_region_or_one() -> None:
    for said, left in (
        ("{topic: MATH}", ["PST/BAY", "PST/LA"]),
        ("{region: LA}", ["MATH/BAY", "PST/BAY"]),
        ("{topic: PST, region: BAY}", ["MATH/BAY", "MATH/LA", "PST/LA"]),
    ):
        text = changed("regions: all", f"regions: all, without: [{said}]")
        assert [course.key for course in courses_of(text)] == left


def test_what_a_matrix_leaves_out_may_stand_alone() -> None:
    text = changed("regions: all", "regions: all, without: [{topic: MATH}]")
    assert "MATH/LA" in with_("communities: [{topic: MATH, region: LA}]", text)


def test_what_is_said_later_and_closer_counts() -> None:
    found = with_(
        "visible: false\n"
        "welcome: top\n"
        "overrides:\n"
        "  - {topic: MATH, welcome: math, visible: true}\n"
        "  - {region: LA, welcome: la}\n"
        "  - {topic: MATH, region: LA, ends: 2026-12-01}\n"
        "communities:\n"
        "  - {topic: MATH, region: LA, welcome: own}\n"
        "  - {topic: PST, region: LA, groups: []}\n"
        "groups: [{idnumber: T, name: T}]"
    )
    assert {key: course.welcome for key, course in found.items()} == {
        "MATH/BAY": "math",
        "MATH/LA": "own",
        "PST/BAY": "top",
        "PST/LA": "la",
    }
    assert {key for key, course in found.items() if course.visible} == {"MATH/BAY", "MATH/LA"}
    assert {key for key, course in found.items() if not course.groups} == {"PST/LA"}
    assert {course.ends_at for key, course in found.items() if key == "MATH/LA"} == {utc("2026-12-02T07:59:59")}


def test_visible_is_the_default() -> None:
    assert all(course.visible for course in courses_of(SMALL))


@pytest.mark.parametrize(
    ("zone", "starts", "ends"),
    [
        # Pacific time is seven hours behind in September, eight in December.
        ("America/Los_Angeles", "2026-09-01T07:00:00", "2026-12-19T07:59:59"),
        ("UTC", "2026-09-01T00:00:00", "2026-12-18T23:59:59"),
        ("Asia/Kolkata", "2026-08-31T18:30:00", "2026-12-18T18:29:59"),
    ],
)
def test_days_begin_and_end_on_the_communitys_clock(zone: str, starts: str, ends: str) -> None:
    course = with_(f"timezone: {zone}")["MATH/LA"]
    assert (course.starts_at, course.ends_at) == (utc(starts), utc(ends))
    assert course.starts_at.tzinfo is UTC
    assert course.timezone == zone


def test_the_last_day_is_whole_where_the_clocks_change_on_it() -> None:
    for day, hours in (("2026-11-01", 25), ("2027-03-14", 23)):
        text = changed("ends: 2026-12-18", f"ends: {day}").replace("starts: 2026-09-01", f"starts: {day}")
        course = courses_of(text)[0]
        assert course.ends_at - course.starts_at == timedelta(hours=hours, seconds=-1)


def test_the_programs_zone_for_a_community_counts_where_the_file_says_none() -> None:
    text = SHIPPED.read_text(encoding="utf-8") + "particulars: [{region: LA, timezone: America/Denver}]\n"
    provision, source = parse_provision(SMALL)
    zones = {course.key: course.timezone for course in courses_in(provision, source, parse_program(text))}
    assert (zones["MATH/BAY"], zones["MATH/LA"]) == ("America/Los_Angeles", "America/Denver")


def sessions(*rows: str) -> str:
    lines = "".join(f"\n  - {{code: S{n}, title: S, mode: hybrid, {row}}}" for n, row in enumerate(rows))
    return f"sessions:{lines}"


def test_sessions_are_moments_on_the_communitys_clock() -> None:
    (summer, winter, counted) = with_(
        sessions(
            "on: 2026-10-31, start: '09:00', end: '13:00'",
            "on: 2026-11-01, start: '09:00', minutes: 60",
            "after_days: 0, start: '23:30', end: '23:59'",
        )
    )["MATH/LA"].sessions
    assert (summer.starts_at, summer.ends_at) == (utc("2026-10-31T16:00:00"), utc("2026-10-31T20:00:00"))
    assert (winter.starts_at, winter.ends_at, winter.minutes) == (utc("2026-11-01T17:00:00"), None, 60)
    assert counted.starts_at == utc("2026-09-02T06:30:00")


def test_a_time_that_comes_twice_is_the_first() -> None:
    (one,) = with_(sessions("on: 2026-11-01, start: '01:30', end: '02:30'"))["MATH/LA"].sessions
    # At 01:30 summer time; an hour later it is 01:30 once more.
    assert one.starts_at == utc("2026-11-01T08:30:00")
    assert one.ends_at == utc("2026-11-01T10:30:00")


def test_sessions_count_their_days_from_the_communitys_own_first_day() -> None:
    found = with_(
        f"{sessions('after_days: 7, start: 10:00, minutes: 5')}\noverrides: [{{topic: MATH, starts: 2026-09-08}}]"
    )
    assert found["MATH/LA"].sessions[0].starts_at - found["PST/LA"].sessions[0].starts_at == timedelta(days=7)


def test_files_of_people_are_named_once() -> None:
    provision, _ = parse_provision(
        f"{SMALL}people: {{files: [a.csv, b.csv]}}\n"
        "overrides: [{topic: MATH, people: {files: [c.csv, a.csv]}}]\n"
        "communities: [{topic: PST, region: LA, people: {files: [d.csv]}}]\n"
    )
    assert people_files(provision) == ["a.csv", "b.csv", "c.csv", "d.csv"]


def test_the_whole_matrix_of_a_large_program_is_told_of_in_a_few_lines() -> None:
    topics = ", ".join(f"{{code: T{n}, title: {{en: T}}}}" for n in range(16))
    regions = ", ".join(f"{{code: R{n}, title: {{en: R}}}}" for n in range(11))
    program = parse_program(
        "program: large\ntitle: {en: L}\neffective_from: 2026-01-01\ntimezone: UTC\ncomponents: [online]\n"
        f"topics: [{topics}]\nregions: [{regions}]\nparticipant_roles: [student]\n"
        "communities: [{course_idnumber: '(?P<topic>[A-Z0-9]+)-(?P<region>[A-Z0-9]+)'}]\n"
    )
    text = SMALL.replace("calpro-regional", "large").replace("[MATH, PST]", "all")
    provision, source = parse_provision(text)
    assert str(told(provision, source, program)) == (
        "provision:6: naming.idnumber: T0/R0: the program large doesn't take 'COP-T0-R0' for a community: its"
        " 'communities' say which courses are (... and 175 more) (docs/provisioning.md#naming)"
    )
    provision, source = parse_provision(text.replace("COP-{topic}-{region}", "{topic}-{region}"))
    assert len(courses_in(provision, source, program)) == 176


def told(provision: object, source: Source, program: object) -> Exception:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - what it says is looked at
        courses_in(provision, source, program)  # type: ignore[arg-type]
    return caught.value
