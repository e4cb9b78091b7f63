"""Take inbox items, update mirror and facts, mark memberships dirty: in one transaction a batch."""

import itertools
import json
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import structlog
from pydantic import SecretStr
from sqlalchemy import Engine, func, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from jobs import whom
from jobs.kinds.batch import SEVERAL, Batch, Source, of_one_second
from jobs.kinds.events import INTERESTING, READERS, check_event, known_event, needs
from jobs.wire import AnyReading, EventData, reading_adapter
from records import (
    adoptions,
    communities,
    community_details,
    completions,
    declared,
    drift,
    facts,
    forgotten,
    inbox,
    joins,
    memberships,
    mirror,
    module_forms,
    moodle_meetings,
    people,
    teams,
)
from records.claims import groups_read
from records.completions import CompletionKey
from records.database import is_unreachable
from records.inbox import SWEEP, Question
from records.models import InboxItem, MirrorCourse, MirrorGroup, MirrorModule, MirrorRole, Site

log = structlog.get_logger()
BATCH = 500
UNTRUSTED = frozenset({"local_webhooks", "tool_trigger"})
"""Senders of what Moodle may roll back: what they say stays provisional until a reading confirms it. A workflow of
tool_trigger does so in real time and doesn't tell; logstore_xapi reads a log that is written after the commit."""
ERASED = "erased"
"""The reason of items that were not kept because the person was erased."""
TRANSIENT = {"25P03", "40001", "40P01", "55P03", "57014"}
"""Frozen for too long, serialization, deadlock, lock and statement time-outs: nobody's fault, not counted."""

Parsed = EventData | AnyReading


class NeedsToBeAlone(Exception):
    """A batch changes what others build on: it has to wait for them, and they for it."""


def parse(item: InboxItem) -> Parsed:
    """An inbox item as a model. Raises ValueError (pydantic's is one) for what can't be understood."""
    data = json.loads(item.payload)
    if item.kind == "event":
        event = EventData.model_validate(data)
        if known_event(event):
            check_event(event)
        return event
    return reading_adapter.validate_python(data)


def drain(engine: Engine, encryption_key: SecretStr, *, batch: int = BATCH, turns: int | None = None) -> int:
    """Process due items until none is left, or for so many batches. Returns how many were taken.

    `encryption_key` tells who was erased.
    """
    seen = 0
    for _ in itertools.count() if turns is None else range(turns):
        with Session(engine) as session, session.begin():
            ids = inbox.claim(session, batch)
            if len(ids) == 1:
                inbox.bury_silent_deaths(session)
        if not ids:
            break
        try:
            process(engine, encryption_key, ids)
        except Exception as err:
            # A statement that took too long is no database that is away.
            if is_unreachable(err) and not _reason(err)[1]:
                raise
            _after_error(engine, ids, err)
        seen += len(ids)
    return seen


def _after_error(engine: Engine, ids: Sequence[int], err: Exception) -> None:
    """One item failed alone: count it. A batch failed: its items are due again, in smaller company."""
    reason, transient = _reason(err)
    log.warning("inbox_batch_failed", items=len(ids), first=ids[0], error=reason)
    if len(ids) == 1:
        with Session(engine) as session, session.begin():
            status = inbox.put_off(session, ids[0]) if transient else inbox.fail(session, ids[0], reason)
        log.warning("inbox_item_failed", item=ids[0], status=status)


def _reason(err: Exception) -> tuple[str, bool]:
    """(Class, SQL state and constraint of an error, whether it is transient); never its text: it may quote names."""
    code = getattr(getattr(err, "orig", None), "sqlstate", None) if isinstance(err, DBAPIError) else None
    constraint = getattr(getattr(getattr(err, "orig", None), "diag", None), "constraint_name", None) if code else None
    return " ".join(part for part in (type(err).__name__, code, constraint) if part), code in TRANSIENT


def process(engine: Engine, encryption_key: SecretStr, ids: Sequence[int]) -> None:
    """Apply claimed items to mirror, facts and marks, and finish them, in one transaction."""
    try:
        batch = _process(engine, encryption_key, ids, alone=False)
    except NeedsToBeAlone:
        batch = _process(engine, encryption_key, ids, alone=True)
    if batch.courses or batch.modules:
        with Session(engine) as session, session.begin():
            inbox.release_waiting(session)
    if batch.accounts or batch.unknown:
        with Session(engine) as session, session.begin():
            whom.release(session, batch.accounts, batch.unknown)


def _process(engine: Engine, encryption_key: SecretStr, ids: Sequence[int], *, alone: bool) -> Batch:
    with Session(engine) as session, session.begin():
        items = inbox.take(session, ids)
        return work_off(session, encryption_key, items, alone=alone) if items else Batch()


def work_off(session: Session, encryption_key: SecretStr, items: list[InboxItem], *, alone: bool) -> Batch:
    """Apply items that the caller has locked, and finish them. Returns what they amounted to.

    Raises NeedsToBeAlone where they change a course, a module or a role, and others may be at work beside it.
    """
    mirror.side_by_side(session, {item.site_id for item in items}, alone=alone)
    understood, unknown = whom.resolve(session, _understood(session, _remembered(session, encryption_key, items)))
    ready = _ready(session, understood)
    batch = gather(ready)
    batch.unknown = unknown
    if not alone and _changes_groundwork(session, batch):
        raise NeedsToBeAlone
    apply(session, batch)
    inbox.finish(session, [item.id for item, _ in ready])
    _received(session, items)
    return batch


def _remembered(session: Session, encryption_key: SecretStr, items: list[InboxItem]) -> list[InboxItem]:
    """Those that are not about somebody who was erased: such are counted, and deleted before anything reads them.

    The site's lock is held by now: whoever is being erased is erased, or will be after this batch.
    """
    gone = forgotten.redact(session, encryption_key, items)
    days = sorted({(item.site_id, item.received_at.date()) for item in items if item.id in gone})
    for site_id, day in days:
        of_day = [i for i in items if i.id in gone and (i.site_id, i.received_at.date()) == (site_id, day)]
        inbox.count_ignored(session.connection(), site_id, day, [(item.kind, ERASED) for item in of_day])
    return [item for item in items if item.id not in gone]


def _changes_groundwork(session: Session, batch: Batch) -> bool:
    """Whether a batch changes what others build on: courses, activities, roles, groups, sessions, communities."""
    groundwork = (
        (MirrorCourse, batch.courses),
        (MirrorModule, batch.modules),
        (MirrorRole, batch.roles),
        (MirrorGroup, batch.groups),
    )
    if any(mirror.is_news(session, model, rows) for model, rows in groundwork):
        return True
    if declared.is_news(session, batch.hours) or adoptions.is_news(session, batch.copies):
        return True
    if moodle_meetings.is_news(session, batch.attendance):
        return True
    return communities.would_place(session, batch.courses_seen, groups_read(batch.groups))


def _understood(session: Session, items: list[InboxItem]) -> list[tuple[InboxItem, Parsed]]:
    parsed = []
    for item in items:
        try:
            thing = parse(item)
        except ValueError:
            # Intake checks the same; an item replayed from quarantine comes here.
            inbox.put_aside(session, item.id, "quarantined", "malformed")
            continue
        if isinstance(thing, EventData) and not known_event(thing):
            # A copy's items are stored before anybody looks at their kind; IT has confirmed it since.
            inbox.finish(session, [item.id])
        else:
            parsed.append((item, thing))
    return parsed


def _ready(session: Session, parsed: list[tuple[InboxItem, Parsed]]) -> list[tuple[InboxItem, Parsed]]:
    """Those whose course and module are known, by the mirror or within this batch; the rest waits."""
    by_site: dict[UUID, list[tuple[InboxItem, Parsed]]] = {}
    for item, thing in parsed:
        by_site.setdefault(item.site_id, []).append((item, thing))
    ready = []
    for site_id, here in by_site.items():
        wanted = [needed(thing) for _, thing in here]
        named = {module for _, of_thing in wanted for module in of_thing}
        courses, modules = inbox.known(session, site_id, {course for course, _ in wanted if course}, named)
        courses |= {thing.course for _, thing in here if not isinstance(thing, EventData) and thing.kind == "course"}
        modules |= {thing.module for _, thing in here if not isinstance(thing, EventData) and thing.kind == "module"}
        for (item, thing), (course, of_thing) in zip(here, wanted, strict=True):
            if course and course not in courses:
                inbox.put_aside(session, item.id, "waiting", "unknown_course", f"course:{course}")
            elif unknown := of_thing - modules:
                inbox.put_aside(session, item.id, "waiting", "unknown_module", f"module:{min(unknown)}")
            else:
                ready.append((item, thing))
    return ready


def needed(thing: Parsed) -> tuple[int | None, set[int]]:
    """The course and modules that have to be known before an item can be understood."""
    if isinstance(thing, EventData):
        return needs(thing)
    if thing.kind in ("completion", "attendance"):
        return thing.course, {thing.module}
    if thing.kind == "completions":
        return thing.course, {*thing.among, *(row.module for row in thing.rows)}
    return (thing.course if thing.kind == "enrolment" else None), set()


def gather(ready: Sequence[tuple[InboxItem, Parsed]]) -> Batch:
    """What the items amount to, by table."""
    batch = Batch()
    for item, thing in ready:
        source = Source(
            item.site_id, item.correlation_id, trusted=item.sender not in UNTRUSTED, swept=item.sender == SWEEP
        )
        if source.swept:
            batch.swept.causes.add(source.cause)
        if isinstance(thing, EventData):
            INTERESTING[thing.eventname](batch, source, thing)
        else:
            READERS[thing.kind](batch, source, thing)
    return batch


def apply(session: Session, batch: Batch) -> None:
    """Write a batch: the tables always in this order, so that workers never wait in a circle."""
    accounts = {(row["site_id"], row["moodle_user_id"]) for row in batch.accounts}
    mirror.take_turns(
        session,
        accounts
        | {(key[0], key[2]) for key in batch.completions}
        | {(r.pair[0], r.pair[2]) for r in batch.pairs}
        | {account for read in batch.attendance for account in read.users}
        | {join.account for join in batch.joins},
    )
    before = drift.look(session, batch.swept)
    held = adoptions.see_copies(session, batch.copies)
    courses = {(site, course) for site, course in mirror.stand(session, MirrorCourse, batch.courses)}
    modules = {(site, module) for site, module in mirror.stand(session, MirrorModule, batch.modules)}
    other_hours = declared.keep(session, batch.hours)
    roles = mirror.stand(session, MirrorRole, batch.roles)
    people.report_accounts(session, batch.accounts)
    groups = {(site, group) for site, group in mirror.stand(session, MirrorGroup, batch.groups)}
    pairs, pair_clashes = mirror.report_pairs(session, batch.pairs)
    changed, clashes = completions.merge_completions(session, batch.completions)
    groups_seen = groups_read(batch.groups)
    placed = communities.place(session, batch.courses_seen, groups_seen)
    communities.hold(session, placed | held)

    causes = _causes(session, batch, changed, pairs, modules)
    users = {(site, user) for site, _, user in pairs | set(causes)}
    memberships.hold_memberships(session, users | accounts, teams.mates(users))
    facts.refresh_completion_facts(session, causes)
    module_forms.see_modules(session, batch.modules_seen)
    module_forms.decide_bindings(session, modules | other_hours.keys())
    memberships.mark_courses(session, {(site, course) for (site, _), course in other_hours.items()})
    communities.settle(session, placed)
    teams.place_teams(session, groups_seen)
    teams.refresh_teams(session, groups)
    memberships.refresh_memberships(session, pairs)
    memberships.refresh_users(session, accounts)
    teams.mark_mates(session, pairs)
    community_details.refresh_details(session, courses | {seen.course for seen in groups_seen if seen.key in groups})
    memberships.mark_sites(session, {site for site, _ in roles})
    moodle_meetings.take(session, batch.attendance)
    joins.take(session, batch.joins)
    batch.questions += [Question(*pair, None, SEVERAL, second) for pair, second in pair_clashes.items()]
    batch.questions += [of_one_second(k, batch.completions[k].course_id, second) for k, second in clashes.items()]
    inbox.ask(session, batch.questions)
    inbox.answered(session, _answers(batch))
    drift.count(session, batch.swept, before)


def _causes(
    session: Session,
    batch: Batch,
    changed: set[CompletionKey],
    pairs: set[mirror.PairKey],
    modules: set[tuple[UUID, int]],
) -> dict[CompletionKey, UUID]:
    """The completions whose facts may differ now, with the correlation id of what moved each."""
    by_user = {(site, user): batch.causes[(site, course, user)] for site, course, user in pairs}
    causes = {key: by_user[(key[0], key[2])] for key in facts.keys_of_pairs(session, pairs)}
    causes |= {key: batch.causes[("module", key[0], key[1])] for key in facts.keys_of_modules(session, modules)}
    return causes | {key: batch.causes[key] for key in changed}


def _answers(batch: Batch) -> list[tuple[UUID, int, int, int | None, datetime]]:
    """What the readings of a batch answer: of completions only where somebody may have asked."""
    answers: list[tuple[UUID, int, int, int | None, datetime]] = [
        (*report.pair, None, report.as_of) for report in batch.pairs if report.complete
    ]
    answers += [
        (key[0], batch.completions[key].course_id, key[2], key[1], read_at) for key, read_at in batch.read.items()
    ]
    return answers


def _received(session: Session, items: list[InboxItem]) -> None:
    latest: dict[UUID, InboxItem] = {item.site_id: item for item in sorted(items, key=lambda i: i.received_at)}
    for site_id in sorted(latest, key=str):
        session.execute(
            update(Site)
            .where(Site.id == site_id)
            .values(last_received_at=func.greatest(Site.last_received_at, latest[site_id].received_at)),
            execution_options={"synchronize_session": False},
        )
