"""What stands in the rows of exported tables: titles and words where pages show them, plain figures elsewhere."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from mappings.program import Program
from records.queries.audit_trail import Entry
from records.queries.board import CommunityLine
from records.queries.decided import About, Line
from records.queries.members import Member
from records.queries.milestone_overview import Line as Subject
from records.queries.nudges import Batch, Message
from records.queries.operations import Item
from records.queries.people_search import Found
from records.queries.period_export import Snapshotted, earned_at
from records.queries.sessions import Line as SessionLine
from records.queries.users import Places, UserLine
from service import audit_words, milestone_words, nudge_words, operation_words, session_words, user_words, wording
from service.files import Cell, Minutes
from service.i18n import _, language_now
from service.pages import act_words, milestone_rows
from service.pages.titles import program_title, region_title, topic_title
from service.sentences import Teller, notice_status, outcome

Row = list[Cell]
UTC = "UTC"
ACTIVE, PARTICIPANT, NO_COMMITMENT = "active", "participant", "no_commitment"


def local(moment: datetime | None, timezone: str) -> str:
    """A moment on the clocks of a place, as spreadsheets sort it: 2026-05-01 14:03 PDT."""
    return moment.astimezone(ZoneInfo(timezone)).strftime("%Y-%m-%d %H:%M %Z") if moment else ""


def person(name: str, account: int) -> Row:
    """(Name, Moodle user id); of an erased person there is neither."""
    return [name or (_("Erased person") if account < 0 else ""), account if account > 0 else None]


def _minutes(value: int | None) -> Minutes | None:
    return None if value is None else Minutes(value)


def community(line: CommunityLine, program: Program) -> Row:
    """A community of the board."""
    titles = program_title(program), region_title(program, line.region), topic_title(program, line.topic)
    amounts = (Minutes(line.minutes), Minutes(line.average), _minutes(line.band_min), _minutes(line.band_max))
    counts = (line.met, line.behind, line.cannot_reach, line.on_their_way, line.proposed)
    return [*titles, line.title, line.participants, line.facilitators, *amounts, *counts]


def _standing(
    by: Mapping[str, int], components: Sequence[str], one: Found | Member, missing: int, *, asked: bool, closed: bool
) -> Row:
    """Amounts and standing, as the page tells them. `asked`: something is asked of him or her at all; `closed`: of a
    closed period, where it tells how somebody stood in it, whatever became of him or her since."""
    amounts = [Minutes(one.minutes), *(Minutes(by.get(code, 0)) for code in components)]
    band = _minutes(one.band_min), _minutes(one.band_max)
    if asked:
        return [*amounts, *band, Minutes(missing), wording.standing(one.standing), one.open, one.on_their_way]
    if closed and one.standing != NO_COMMITMENT:
        stands = wording.standing(one.standing)
    else:
        # What was computed while he or she was here says nothing any more.
        stands = wording.member_status(one.status) if one.status != ACTIVE else ""
    return [*amounts, *band, None, stands, None, one.on_their_way]


def found(one: Found, programs: Mapping[str, Program], components: Sequence[str], *, closed: bool) -> Row:
    """A membership of the search over people."""
    asked = one.role == PARTICIPANT and one.status == ACTIVE and one.account >= 0
    program = programs[one.program]
    place = program_title(program), region_title(program, one.region), topic_title(program, one.topic)
    who = [*person(one.name, one.account), *place, wording.member_role(one.role), wording.member_status(one.status)]
    return who + _standing(one.by_component, components, one, one.missing, asked=asked, closed=closed)


def member(one: Member, components: Sequence[str]) -> Row:
    """Somebody of a community."""
    who = [*person(one.name, one.account), wording.member_role(one.role), wording.member_status(one.status)]
    missing = max(0, (one.band_min or 0) - one.minutes)
    asked = one.status == ACTIVE and one.account >= 0
    return who + _standing(one.by_component, components, one, missing, asked=asked, closed=False)


def decision(line: Line) -> Row:
    """A decision, and what it moved."""
    row = line.row
    moved: list[Cell] = []
    for figures in (line.before, line.after):
        moved += [Minutes(figures[0]), wording.standing(figures[1])] if figures else [None, ""]
    decided = (local(row.decided_at, line.timezone), act_words.by(line), row.reason)
    what = act_words.kind(row.kind), act_words.state(line.state), act_words.what(line)
    return [*what, *_about(line.about), *decided, *moved]


def _about(about: About) -> Row:
    place = ""
    if about.program and about.topic:
        place = f"{topic_title(about.program, about.topic)}, {region_title(about.program, about.region)}"
    if about.person_id:
        return [*person(about.name, about.account), place]
    if about.subject_kind and not place:
        place = f"{_(act_words.SUBJECTS[about.subject_kind])} {about.code}".strip()
    return ["", None, place]


def session(line: SessionLine, program: Program, begun: bool) -> Row:
    """A session of a community; who was there is told of one that has begun."""
    row = line.row
    called = session_words.kind(program, row.kind, language_now()) if row.kind else ""
    held = (local(row.starts_at, row.timezone), local(row.ends_at, row.timezone), wording.mode(row.mode), row.place)
    marks = [_("yes") if mark else "" for mark in (row.required, row.cancelled_at)]
    there = (line.present, line.missed) if begun else (None, None)
    return [row.code, row.title, called, *held, *marks, line.makes_up, *there]


def user(line: UserLine, called: Places, timezone: str) -> Row:
    """Who signs in."""
    state = _("in use") if line.active else _("switched off")
    roles = "; ".join(user_words.grant(grant, called) for grant in line.grants)
    return [line.name, line.email, state, roles, line.elsewhere, local(line.last_sign_in, timezone)]


def audited(entry: Entry) -> Row:
    """An entry of the audit trail; ids stay ids."""
    sides = (_told(entry.before), _told(entry.after))
    return [local(entry.at, UTC), entry.action, entry.subject, entry.actor, entry.name, *sides]


def _told(side: Mapping[str, Any]) -> str:
    return "; ".join(f"{name}: {audit_words.value(value)}" for name, value in side.items())


def event(item: Item) -> Row:
    """An item of the inbox, without what was sent."""
    when = [local(at, UTC) for at in (item.received_at, item.due_at, item.processed_at)]
    state = operation_words.status(item.status), operation_words.reason(item.reason) if item.reason else ""
    about = (item.id, item.site, item.sender, item.kind, *state, item.waits_for)
    return [*about, item.attempts, item.failures, *when, item.size]


def batch(one: Batch, timezone: str) -> Row:
    """A text that was sent to a number of people."""
    n = one.counts
    what = (one.subject, nudge_words.channel(one.channel), nudge_words.title(one.template))
    state = _("called off") if one.status == "cancelled" else ""
    counts = [sum(n.get(code, 0) for code in codes) for codes in SENT]
    return [*what, local(one.created_at, timezone), one.by, state, *counts]


SENT = (("sent",), ("waiting", "sending"), ("failed", "unknown"), ("skipped",))


def message(one: Message, timezone: str) -> Row:
    """A message to one participant."""
    why = nudge_words.why(one.reason) if one.reason and one.state != "unknown" else ""
    who = person(one.name, one.account)
    return [*who, nudge_words.state(one.state), why, one.attempts, local(one.at, timezone)]


def milestones(subject: Subject, program: Program) -> list[Row]:
    """What is asked of and recommended to a team, organisation or community, each in a row; one row without either."""
    teller = Teller(program, subject.timezone, language_now())
    place = (region_title(program, subject.region), topic_title(program, subject.topic)) if subject.region else ("", "")
    of = milestone_rows.called(subject, program), _(milestone_words.SUBJECTS[subject.kind]), subject.code, *place
    told: list[Row] = []
    for one in subject.together.outcomes:
        due = _last_day(one.due, subject.timezone)
        stands = outcome(one.status), teller.have(one.have, one.need, one.unit), due
        told.append([_("Requirement"), teller.requirement(one.requirement), *stands, *_why(subject, one.requirement)])
    for said in subject.together.notices:
        stands = notice_status(said.status), teller.noticed(said), None
        told.append([_("Guideline"), teller.notice(said.notice), *stands, *_why(subject, said.notice)])
    return [[*of, *cells] for cells in told or [["", "", _("not asked"), "", None, "", "", ""]]]


def _last_day(end: datetime | None, timezone: str) -> date | None:
    return (end - timedelta(microseconds=1)).astimezone(ZoneInfo(timezone)).date() if end else None


def _why(subject: Subject, code: str) -> Row:
    why = subject.whys.get(code)
    return [why.reason, why.by, local(why.at, subject.timezone)] if why else ["", "", ""]


def _snapshot(one: Snapshotted, program: Program) -> Row:
    place = region_title(program, one.region), topic_title(program, one.topic)
    return [*person(one.name, one.account), *place, str(one.membership_id)]


def snapshotted(one: Snapshotted, program: Program, components: Sequence[str]) -> Row:
    """A membership of a closed period."""
    by = one.by_component()
    amounts = [Minutes(one.minutes), *(Minutes(by.get(code, 0)) for code in components)]
    return [*_snapshot(one, program), *amounts, wording.standing(one.status), len(one.credits)]


def credited(one: Snapshotted, program: Program) -> list[Row]:
    """What a membership of a closed period was credited, each credit by itself."""
    who, zone = _snapshot(one, program), program.timezone
    return [
        [
            *(*who, str(c["key"]), str(c["rule"]), wording.component(str(c["component"]))),
            *(Minutes(int(c["minutes"])), local(earned_at(c), zone)),
        ]
        for c in one.credits
    ]
