"""Every table of the console as CSV, as XLSX, and as a page to print: whole, with the filters of its page's address.

Rows are read as they are written, so many at once: a long table takes no more memory than a short one.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar
from uuid import UUID

from flask import Blueprint, abort, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from mappings.program import Program
from records.actor import Actor
from records.decisions import Kind
from records.queries import (
    audit_trail,
    decided,
    milestone_overview,
    nudges,
    operations,
    people_search,
    period_export,
    periods,
    users,
)
from records.queries import sessions as session_queries
from records.queries.board import board
from records.queries.community import CommunityPage, community
from records.queries.filter_choices import Choices, choices
from records.queries.filters import PRESENT
from records.queries.members import AWAY, everyone
from records.queries.milestone_reach import Asking
from service import export_rows, milestone_words, nudge_words, operation_words, period_words, wording
from service.access import actor, may
from service.context import context
from service.export_rows import Row
from service.files import PRINT, Table, as_file, as_page
from service.i18n import _
from service.pages import act_words, milestone_rows
from service.pages import audit_trail as audit_page
from service.pages import milestones as milestones_page
from service.pages import operations as operations_page
from service.pages.board import in_order
from service.pages.community import asked_for as roster_asked_for
from service.pages.filtering import OF_COMMUNITIES, OF_PEOPLE, asked, offered, period_note, told
from service.pages.live import reading
from service.pages.people import order_asked
from service.pages.titles import program_title, region_title, topic_title
from service.pages.users import asked_for as users_asked_for
from service.permissions import Permission
from service.wording import ROLES

blueprint = Blueprint("exports", __name__)
Line = TypeVar("Line")
AT_ONCE = 500
"""Rows that are read at once."""
SUBJECTS_AT_ONCE = 40
"""Schools or communities that are worked out at once, with everybody in them."""
ANY = "<any(csv,xlsx,print):kind>"


def _answer(kind: str, table: Table, about: Iterable[str], timezone: str = "") -> Response:
    if kind != PRINT:
        return as_file(table, kind)
    if not timezone:
        with reading() as session:
            timezone = users.timezone(session, actor())
    return as_page(table, [words for words in about if words], timezone)


def _onward(page: Callable[[Line | None], Sequence[Line]]) -> Iterator[Line]:
    """Line after line, of pages that go on behind a line, and hold one line more where that isn't the last page."""
    last: Line | None = None
    while True:
        lines = page(last)
        yield from lines[:AT_ONCE]
        if len(lines) <= AT_ONCE:
            return
        last = lines[AT_ONCE - 1]


def _heads(kind: str, *names: str) -> list[str]:
    """Heads of columns of time: a file has it in whole minutes, and says so."""
    return list(names) if kind == PRINT else [_("%(what)s (minutes)", what=name) for name in names]


def _components(programs: Iterable[Program]) -> list[str]:
    return list(dict.fromkeys(code for program in programs for code in program.components))


@blueprint.get(f"/exports/communities.{ANY}")
def communities(kind: str) -> Response:
    """The board: communities in numbers."""
    whose, seer, wanted = actor(), may(Permission.SEE_PEOPLE), asked()
    with reading() as session:
        about = told(offered(choices(session, whose, seer), wanted, OF_COMMUNITIES))

    def rows(session: Session) -> Iterator[Row]:
        found = board(session, whose, wanted, seer)
        return (export_rows.community(line, found.programs[line.program]) for line in in_order(found))

    head = [
        *(_("Program"), _("Region"), _("Topic"), _("Title"), _("Participants"), _("Facilitators")),
        *_heads(kind, _("Total hours"), _("Average hours"), _("Asked at least"), _("Asked at most")),
        *(_("Met"), _("Behind"), _("Cannot reach it"), _("On their way"), _("Changes to decide")),
    ]
    return _answer(kind, Table("communities", _("Communities"), head, rows), [*about, period_note(wanted)])


def _standing_head(kind: str, components: Iterable[str]) -> list[str]:
    parts = [wording.component(code) for code in components]
    return [
        *_heads(kind, _("Total"), *parts, _("Asked at least"), _("Asked at most"), _("To go")),
        *(_("Where it stands"), _("Requirements open"), _("On their way")),
    ]


@blueprint.get(f"/exports/people.{ANY}")
def people(kind: str) -> Response:
    """The search over people."""
    whose, wanted, order = actor(), asked(), order_asked()
    with reading() as session:
        there: Choices = choices(session, whose, whose)
    about = told(offered(there, wanted, OF_PEOPLE))
    if wanted.q:
        about.append(_("Search: “%(words)s”", words=wanted.q))
    components = _components(there.programs.values()) if wanted.period == PRESENT else []

    def rows(session: Session) -> Iterator[Row]:
        for some in people_search.everybody(session, whose, wanted, order, AT_ONCE):
            closed = bool(wanted.closing)
            yield from (export_rows.found(one, there.programs, components, closed=closed) for one in some)

    head = [
        *(_("Name"), _("Moodle user"), _("Program"), _("Region"), _("Topic"), _("Role"), _("Enrolment")),
        *_standing_head(kind, components),
    ]
    return _answer(kind, Table("people", _("People"), head, rows), [*about, period_note(wanted)])


@blueprint.get(f"/communities/<uuid:community_id>/roster.{ANY}")
def roster(community_id: UUID, kind: str) -> Response:
    """The people of a community."""
    wanted = roster_asked_for()
    with reading() as session:
        found = _community(session, actor(), community_id)
    components = _components([found.program])

    def rows(session: Session) -> Iterator[Row]:
        for some in everyone(session, community_id, wanted.status, AT_ONCE):
            yield from (export_rows.member(one, components) for one in some)

    about = [_place(found), program_title(found.program)]
    if wanted.status:
        about.append(_("Not active") if wanted.status == AWAY else wording.standing(wanted.status))
    head = [_("Name"), _("Moodle user"), _("Role"), _("Enrolment"), *_standing_head(kind, components)]
    table = Table(f"roster-{community_id}", _("People of the community"), head, rows)
    return _answer(kind, table, about, found.timezone)


def _community(session: Session, whose: Actor, community_id: UUID) -> CommunityPage:
    return community(session, whose, community_id) or abort(404)


def _place(found: CommunityPage) -> str:
    topic, region = topic_title(found.program, found.topic), region_title(found.program, found.region)
    return _("%(topic)s, %(region)s", topic=topic, region=region)


@blueprint.get(f"/communities/<uuid:community_id>/sessions.{ANY}")
def sessions(community_id: UUID, kind: str) -> Response:
    """The sessions of a community: those to come, then those that have begun, the latest first."""
    whose, now = actor(), context().clock()
    with reading() as session:
        found = _community(session, whose, community_id)

    def rows(session: Session) -> Iterator[Row]:
        listed = session_queries.listed(session, whose, community_id, now)
        lines = listed.lines if listed else []
        coming = [line for line in lines if line.row.starts_at > now]
        past = [line for line in reversed(lines) if line.row.starts_at <= now]
        for of, begun in ((coming, False), (past, True)):
            yield from (export_rows.session(line, found.program, begun) for line in of)

    head = [
        *(_("Code"), _("Title"), _("Kind"), _("Begins"), _("Ends"), _("Held"), _("Place"), _("Required")),
        *(_("Cancelled"), _("Makes up"), _("Present"), _("Missed")),
    ]
    table = Table(f"sessions-{community_id}", _("Sessions"), head, rows)
    return _answer(kind, table, [_place(found)], found.timezone)


@blueprint.get(f"/exports/decisions.{ANY}")
def decisions(kind: str) -> Response:
    """What was decided, the latest first."""
    whose, wanted = actor(), decided.Asked.of(request.args)

    def rows(session: Session) -> Iterator[Row]:
        after: UUID | None = None
        while True:
            page = decided.page(session, whose, wanted, limit=AT_ONCE, after=after)
            yield from map(export_rows.decision, page.lines)
            after = page.after
            if after is None:
                return

    head = [
        *(_("Decision"), _("State"), _("What"), _("About"), _("Moodle user"), _("Where"), _("When"), _("Who")),
        *(_("Reason"), *_heads(kind, _("Before")), _("Stood before")),
        *(*_heads(kind, _("After")), _("Stood after")),
    ]
    about = [act_words.kind(wanted.kind)] if wanted.kind in set(Kind) else []
    about += [_("Only those that were decided together")] if wanted.batch else []
    return _answer(kind, Table("decisions", _("Decisions"), head, rows), about)


@blueprint.get(f"/exports/users.{ANY}")
def accounts(kind: str) -> Response:
    """Who signs in, by name."""
    whose, wanted = actor(), replace(users_asked_for(), after=None, before=None)
    with reading() as session:
        timezone = users.timezone(session, whose)

    def rows(session: Session) -> Iterator[Row]:
        after: UUID | None = None
        while True:
            page = users.listed(session, whose, replace(wanted, after=after), size=AT_ONCE)
            called = users.places(session, [grant for line in page.lines for grant in line.grants])
            yield from (export_rows.user(line, called, timezone) for line in page.lines)
            after = page.after
            if after is None:
                return

    head = [_("Name"), _("E-mail address"), _("Account"), _("Roles"), _("Roles elsewhere"), _("Last sign-in")]
    about = [_(ROLES[wanted.role])] if wanted.role else []
    about += [_("switched off")] if wanted.off else []
    return _answer(kind, Table("users", _("Users"), head, rows), about, timezone)


@blueprint.get(f"/exports/audit.{ANY}")
def audit(kind: str) -> Response:
    """The audit trail, the latest first."""
    whose = actor()
    wanted, chosen, fault = audit_page.asked_for()
    if fault or not whose.unlimited:
        abort(404)

    def rows(session: Session) -> Iterator[Row]:
        def page(last: audit_trail.Entry | None) -> Sequence[audit_trail.Entry]:
            behind = replace(wanted, before=last.id if last else None)
            return audit_trail.entries(session, whose, behind, AT_ONCE)

        return map(export_rows.audited, _onward(page))

    head = [_("When"), _("What was done"), _("To which id"), _("By which id"), _("By whom"), _("Before"), _("After")]
    return _answer(kind, Table("audit-trail", _("Audit trail"), head, rows), chosen.values(), export_rows.UTC)


@blueprint.get(f"/exports/events.{ANY}")
def events(kind: str) -> Response:
    """What sites sent, the latest first, without what it says."""
    whose = actor()
    if not whose.unlimited:
        abort(404)
    with reading() as session:
        wanted = operations_page.asked_for(session)

    def rows(session: Session) -> Iterator[Row]:
        def page(last: operations.Item | None) -> Sequence[operations.Item]:
            behind = replace(wanted, before=last.id if last else None)
            return operations.items(session, whose, behind, AT_ONCE)

        return map(export_rows.event, _onward(page))

    head = [
        *(_("Number"), _("Site"), _("Sender"), _("Item"), _("State"), _("Reason"), _("Waits for"), _("Attempts")),
        *(_("Failures"), _("Received"), _("Due"), _("Processed"), _("Bytes")),
    ]
    about = [request.args.get("site", ""), operation_words.status(wanted.status) if wanted.status else ""]
    return _answer(kind, Table("events", _("Events"), head, rows), about, export_rows.UTC)


@blueprint.get(f"/exports/messages.{ANY}")
def messages(kind: str) -> Response:
    """What participants were written, the latest first."""
    whose = actor()
    with reading() as session:
        timezone = users.timezone(session, whose)

    def rows(session: Session) -> Iterator[Row]:
        after, more = None, True
        while more:
            found, more = nudges.batches(session, whose, after, AT_ONCE)
            yield from (export_rows.batch(one, timezone) for one in found)
            after = found[-1].id if found else None

    head = [
        *(_("Subject"), _("Sent by way of"), _("Text"), _("Written"), _("By"), _("State")),
        *(_("Sent"), _("Waits"), _("Failed"), _("Left out")),
    ]
    return _answer(kind, Table("messages", _("Messages"), head, rows), [], timezone)


@blueprint.get(f"/messages/<uuid:nudge_id>/recipients.{ANY}")
def recipients(nudge_id: UUID, kind: str) -> Response:
    """To whom a message went, and what became of it."""
    whose, state = actor(), request.args.get("state", "")
    with reading() as session:
        found = nudges.batch(session, whose, nudge_id) or abort(404)
        timezone = users.timezone(session, whose)

    def rows(session: Session) -> Iterator[Row]:
        after, more = None, True
        while more:
            some, more = nudges.messages(session, whose, nudge_id, state, after, AT_ONCE)
            yield from (export_rows.message(one, timezone) for one in some)
            after = some[-1].id if some else None

    head = [_("Name"), _("Moodle user"), _("Message"), _("Reason"), _("Attempts"), _("When")]
    about = [found.subject, nudge_words.state(state) if state in nudges.STATES else ""]
    return _answer(kind, Table(f"message-{nudge_id}", _("Recipients"), head, rows), about, timezone)


@blueprint.get(f"/exports/milestones.{ANY}")
def milestones(kind: str) -> Response:
    """What schools, communities and teams are asked, each requirement and guideline in a row."""
    whose, now = actor(), context().clock()
    with reading() as session:
        asked_of = milestones_page.asked_for(session)

    def rows(session: Session) -> Iterator[Row]:
        wanted = asked_of[1] if asked_of else None
        while asked_of and wanted:
            page = milestone_overview.overview(session, whose, asked_of[0], wanted, now, SUBJECTS_AT_ONCE)
            for subject in milestone_rows.in_order(page) if page else ():
                yield from export_rows.milestones(subject, asked_of[0].program)
            wanted = replace(wanted, after=page.after) if page and page.after else None

    head = [
        *(_("Name"), _("Kind"), _("Code"), _("Region"), _("Topic"), _("What it is"), _("What is asked")),
        *(_("Where it stands"), _("So far"), _("Due"), _("Reason"), _("Decided by"), _("Decided on")),
    ]
    about, timezone = _milestones_about(*asked_of) if asked_of else ([], "")
    return _answer(kind, Table("milestones", _("Milestones"), head, rows), about, timezone)


def _milestones_about(asking: Asking, wanted: milestone_overview.Wanted) -> tuple[list[str], str]:
    program, region = asking.program, wanted.region
    about = [program_title(program), _(milestone_words.TITLES[wanted.of])]
    about += [region_title(program, region)] if region else []
    about += [_("Search: “%(words)s”", words=wanted.organisation)] if wanted.organisation else []
    return about, program.timezone


@blueprint.get(f"/periods/<uuid:closing_id>/snapshot.{ANY}")
def snapshot(closing_id: UUID, kind: str) -> Response:
    """A closed period, member by member, as it was closed. The file's name holds the snapshot's checksum."""
    closed = _closed(closing_id)
    components = _components([closed.program])

    def rows(session: Session) -> Iterator[Row]:
        found = period_export.snapshotted(session, closing_id, AT_ONCE)
        return (export_rows.snapshotted(one, closed.program, components) for one in found)

    parts = [wording.component(code) for code in components]
    head = [*_whose(), *_heads(kind, _("Total"), *parts), _("Where it stands"), _("Credits")]
    return _answer(kind, Table(f"period-{closed.sha256}", closed.label, head, rows), *_about(closed))


@blueprint.get(f"/periods/<uuid:closing_id>/credits.{ANY}")
def credited(closing_id: UUID, kind: str) -> Response:
    """A closed period, credit by credit."""
    closed = _closed(closing_id)

    def rows(session: Session) -> Iterator[Row]:
        for one in period_export.snapshotted(session, closing_id, AT_ONCE, with_credits=True):
            yield from export_rows.credited(one, closed.program)

    head = [*_whose(), _("Credit"), _("Rule"), _("Component"), *_heads(kind, _("Credited")), _("When")]
    return _answer(kind, Table(f"period-credits-{closed.sha256}", closed.label, head, rows), *_about(closed))


def _closed(closing_id: UUID) -> periods.ClosedPeriod:
    with reading() as session:
        found = periods.period(session, actor(), closing_id)
    return found[0] if found else abort(404)


def _whose() -> list[str]:
    return [_("Name"), _("Moodle user"), _("Region"), _("Topic"), _("Membership")]


def _about(closed: periods.ClosedPeriod) -> tuple[list[str], str]:
    days = period_words.days(closed.first, closed.last)
    checksum = _("Checksum (SHA-256): %(sum)s", sum=closed.sha256)
    return [program_title(closed.program), days, checksum], closed.program.timezone
