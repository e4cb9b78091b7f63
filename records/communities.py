"""Courses become communities; modules get their bindings; enrolments become memberships."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from mappings.facts import Activity
from mappings.matching import Placement, place_course, rule_for
from mappings.program import ActivityRule, ProgramVersion
from records.keys import among
from records.memberships import mark_course, refresh_memberships
from records.models import (
    Binding,
    Community,
    CommunityCourse,
    Decision,
    MirrorCourse,
    MirrorModule,
    MirrorParticipation,
    uuid7,
)
from records.programs import newest, versions_by_program

CourseKey = tuple[UUID, int]
ModuleKey = tuple[UUID, int]


@dataclass(frozen=True, slots=True)
class CourseSeen:
    key: CourseKey
    idnumber: str
    as_of: datetime


@dataclass(frozen=True, slots=True)
class ModuleSeen:
    key: ModuleKey
    course_id: int
    activity: Activity
    as_of: datetime


def placements(session: Session, idnumber: str) -> list[tuple[UUID, Placement]]:
    """Every program that claims a course of this idnumber, the first by program code being the one that counts."""
    found = []
    for program_id, versions in versions_by_program(session).items():
        placement = place_course(newest(versions), idnumber)
        if placement:
            found.append((newest(versions).program, program_id, placement))
    return [(program_id, placement) for _, program_id, placement in sorted(found, key=lambda item: item[0])]


def place_courses(session: Session, seen: Iterable[CourseSeen]) -> set[CourseKey]:
    """Make communities of courses whose idnumber a program claims. The earliest reading that placed a
    course stands, so that a later rename moves nobody's hours. Returns the courses placed anew."""
    placed = set()
    wanted = sorted(seen, key=lambda c: (str(c.key), c.as_of))
    table = CommunityCourse
    known = {
        (site, course): basis
        for site, course, basis in session.execute(
            select(table.site_id, table.course_id, table.basis_as_of).where(
                among((table.site_id, table.course_id), [c.key for c in wanted])
            )
        )
    }
    versions = versions_by_program(session) if wanted else {}
    for course in wanted:
        if course.key in known and known[course.key] <= course.as_of:
            continue
        claims = [claim for claim in placements(session, course.idnumber) if claim[1].refusal is None]
        if not claims:
            continue
        # The course's row is the lock: two readings of one course take turns.
        session.execute(
            select(MirrorCourse.course_id)
            .where(tuple_(MirrorCourse.site_id, MirrorCourse.course_id) == course.key)
            .with_for_update()
        )
        program_id, place = claims[0]
        held = session.get(CommunityCourse, course.key, populate_existing=True)
        values = {
            "program_id": program_id,
            "topic": place.topic,
            "region": place.region,
            "timezone": newest(versions[program_id]).timezone,
        }
        if held is None:
            community = Community(id=uuid7(), **values)
            session.add(community)
            session.flush()
            session.add(
                CommunityCourse(
                    site_id=course.key[0], course_id=course.key[1], community_id=community.id, basis_as_of=course.as_of
                )
            )
            session.flush()
            placed.add(course.key)
        elif course.as_of < held.basis_as_of:
            session.execute(update(Community).where(Community.id == held.community_id).values(**values))
            held.basis_as_of = course.as_of
            session.flush()
            placed.add(course.key)
    for site_id, course_id in sorted(placed, key=str):
        decide_bindings(session, _modules_of(session, site_id, course_id))
        pairs = session.execute(
            select(
                MirrorParticipation.site_id, MirrorParticipation.course_id, MirrorParticipation.moodle_user_id
            ).where(MirrorParticipation.site_id == site_id, MirrorParticipation.course_id == course_id)
        )
        refresh_memberships(session, {(s, c, u) for s, c, u in pairs})
        mark_course(session, {(site_id, course_id)})
    return placed


def _modules_of(session: Session, site_id: UUID, course_id: int) -> set[ModuleKey]:
    found = session.scalars(
        select(MirrorModule.module_id).where(MirrorModule.site_id == site_id, MirrorModule.course_id == course_id)
    )
    return {(site_id, module_id) for module_id in found}


def form_of(activity: Activity) -> str:
    parts = (activity.idnumber, activity.kind, activity.section, activity.name)
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def see_modules(session: Session, seen: Iterable[ModuleSeen]) -> None:
    """Keep each form that a module was read in, with the earliest time, and decide which one is bound."""
    best: dict[tuple[ModuleKey, str], ModuleSeen] = {}
    for module in seen:
        name = (module.key, form_of(module.activity))
        if name not in best or module.as_of < best[name].as_of:
            best[name] = module
    held = {
        ((site, module), form): basis
        for site, module, form, basis in session.execute(
            select(Binding.site_id, Binding.module_id, Binding.form, Binding.basis_as_of).where(
                among((Binding.site_id, Binding.module_id), [module.key for module in best.values()])
            )
        )
    }
    best = {name: module for name, module in best.items() if name not in held or module.as_of < held[name]}
    if not best:
        return
    statement = insert(Binding)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["site_id", "module_id", "form"],
            set_={"basis_as_of": func.least(Binding.basis_as_of, statement.excluded.basis_as_of)},
            where=Binding.basis_as_of > statement.excluded.basis_as_of,
        ),
        [
            {
                "id": uuid7(),
                "site_id": module.key[0],
                "module_id": module.key[1],
                "course_id": module.course_id,
                "form": form,
                "status": "seen",
                "idnumber": module.activity.idnumber,
                "modname": module.activity.kind,
                "section_name": module.activity.section,
                "name": module.activity.name,
                "basis_as_of": module.as_of,
            }
            for (_, form), module in sorted(best.items(), key=str)
        ],
    )
    decide_bindings(session, {module.key for module in best.values()})


def activity_of(row: Binding | MirrorModule) -> Activity:
    return Activity(row.idnumber, row.modname, row.section_name, row.name)


def _matched(versions: tuple[ProgramVersion, ...], activity: Activity) -> ActivityRule | None:
    """The rule of the newest version that knows the activity."""
    rules = (rule_for(version.program, activity) for version in reversed(versions))
    return next((rule for rule in rules if rule), None)


def _earns(rule: ActivityRule | None) -> tuple[int, str] | None:
    return (rule.minutes, rule.component) if rule else None


def decide_bindings(session: Session, keys: Iterable[ModuleKey]) -> None:
    """Which form of each module counts: the one that somebody decided on, else the earliest that a rule
    matches; and whether the present form is to be proposed. Marks the community where that changed."""
    wanted = sorted(set(keys), key=str)
    if not wanted:
        return
    versions = versions_by_program(session)
    modules = {
        (m.site_id, m.module_id): m
        for m in session.scalars(
            select(MirrorModule)
            .where(among((MirrorModule.site_id, MirrorModule.module_id), wanted))
            .order_by(MirrorModule.site_id, MirrorModule.module_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    }
    programs = {
        (site, course): program
        for site, course, program in session.execute(
            select(CommunityCourse.site_id, CommunityCourse.course_id, Community.program_id)
            .join(Community, Community.id == CommunityCourse.community_id)
            .where(
                among(
                    (CommunityCourse.site_id, CommunityCourse.course_id),
                    {(m.site_id, m.course_id) for m in modules.values()},
                )
            )
        )
    }
    forms: dict[ModuleKey, list[Binding]] = {}
    bindings = (
        select(Binding)
        .where(among((Binding.site_id, Binding.module_id), wanted))
        .order_by(Binding.basis_as_of, Binding.form)
    )
    for binding in session.scalars(bindings.execution_options(populate_existing=True)):
        forms.setdefault((binding.site_id, binding.module_id), []).append(binding)
    touched = set()
    for key, module in modules.items():
        program = programs.get((module.site_id, module.course_id))
        if program and _decide(session, module, forms.get(key, []), versions[program]):
            touched.add((module.site_id, module.course_id))
    mark_course(session, touched)


def _decide(session: Session, module: MirrorModule, forms: list[Binding], versions: tuple[ProgramVersion, ...]) -> bool:
    rules = {form.id: _matched(versions, activity_of(form)) for form in forms}
    decided = session.scalars(
        select(Decision.data["binding"].astext)
        .where(
            Decision.kind == "binding",
            Decision.data["module"].astext == f"{module.site_id}:{module.module_id}",
            Decision.undoes.is_(None),
            Decision.id.not_in(select(Decision.undoes).where(Decision.undoes.is_not(None))),
        )
        .order_by(Decision.decided_at.desc(), Decision.id.desc())
        .limit(1)
    ).one_or_none()
    active = next((form for form in forms if str(form.id) == decided), None) or next(
        (form for form in forms if rules[form.id]), None
    )
    # What is gone has no form any more: whichever was read last, nothing is to be decided about it.
    now = form_of(activity_of(module)) if module.present else None
    present = next((form for form in forms if form.form == now), None)
    status = {form.id: "rejected" if form.status == "rejected" else "seen" for form in forms}
    if active:
        status[active.id] = "active"
        differs = present and present is not active and _earns(rules[present.id]) != _earns(rules[active.id])
        if present and differs and status[present.id] != "rejected":
            status[present.id] = "proposed"
    before = {form.id: (form.status, form.rule) for form in forms}
    after = {form.id: (status[form.id], rule.rule if (rule := rules[form.id]) else None) for form in forms}
    if after == before:
        return False
    # The unique index allows one active form: the old one steps back first.
    for step in ("seen", "rejected", "proposed", "active"):
        for form in forms:
            if after[form.id][0] == step:
                form.status, form.rule = after[form.id]
        session.flush()
    return True
