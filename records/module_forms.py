"""The forms that activities were read in, and which of them counts."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from mappings.earning import ActivityRule
from mappings.facts import Activity, Hours, hours_of
from mappings.matching import hours_refused, rule_for
from mappings.program import ProgramVersion
from records.claims import CourseKey
from records.continuing import continued
from records.keys import among
from records.memberships import mark_courses
from records.models import Binding, Community, CommunityCourse, Decision, MirrorModule, ProgramRow, uuid7
from records.programs import versions_by_program

ModuleKey = tuple[UUID, int]
Versions = Sequence[tuple[ProgramVersion, ...]]
"""Of each program that has a community in a course, by program code."""


@dataclass(frozen=True, slots=True)
class ModuleSeen:
    key: ModuleKey
    course_id: int
    activity: Activity
    as_of: datetime


def modules_of(session: Session, courses: Iterable[CourseKey]) -> set[ModuleKey]:
    """All activities that courses have or had."""
    m = MirrorModule
    found = session.execute(select(m.site_id, m.module_id).where(among((m.site_id, m.course_id), set(courses))))
    return {(site, module) for site, module in found}


def form_of(activity: Activity) -> str:
    parts = [activity.idnumber, activity.kind, activity.section, activity.name]
    if activity.hours:
        parts += [str(activity.hours.minutes), activity.hours.component]
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
    """A form that an activity had, or its present one: of that the hours are known that Moodle's form declares."""
    hours = hours_of(row.minutes, row.component)
    of_form, declared = (hours, None) if isinstance(row, Binding) else (None, hours)
    return Activity(row.idnumber, row.modname, row.section_name, row.name, of_form, declared)


def declared_hours(session: Session, modules: Iterable[ModuleKey]) -> dict[ModuleKey, Hours]:
    """The hours that the forms of activities in Moodle declare now."""
    m = MirrorModule
    rows = session.execute(
        select(m.site_id, m.module_id, m.minutes, m.component).where(
            among((m.site_id, m.module_id), list(modules)), m.minutes.is_not(None)
        )
    )
    found = {(site, module): hours_of(minutes, component) for site, module, minutes, component in rows}
    return {key: hours for key, hours in found.items() if hours}


def matched(programs: Versions, activity: Activity) -> ActivityRule | None:
    """The rule of the newest version that knows the activity; of several programs that of the first one."""
    rules = (rule_for(version.program, activity) for versions in programs for version in reversed(versions))
    return next((rule for rule in rules if rule), None)


def _earns(rule: ActivityRule | None) -> tuple[object, ...] | None:
    return (rule.minutes, rule.component, sorted(rule.earns.items()), rule.alternative) if rule else None


def decide_bindings(session: Session, keys: Iterable[ModuleKey]) -> None:
    """Which form of each module counts: the one that somebody decided on, else the earliest that a rule
    matches; and whether the present form is to be proposed. Marks the communities where that changed."""
    wanted = sorted(set(keys), key=str)
    if not wanted:
        return
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
    programs = _programs(session, {(m.site_id, m.course_id) for m in modules.values()})
    forms: dict[ModuleKey, list[Binding]] = {}
    bindings = (
        select(Binding)
        .where(among((Binding.site_id, Binding.module_id), wanted))
        .order_by(Binding.basis_as_of, Binding.form)
    )
    for binding in session.scalars(bindings.execution_options(populate_existing=True)):
        forms.setdefault((binding.site_id, binding.module_id), []).append(binding)
    touched = set()
    goes_on = continued(session, [(str(site), module) for site, module in modules]).above
    for key, module in modules.items():
        of_course = programs.get((module.site_id, module.course_id))
        counts = (str(key[0]), key[1]) not in goes_on
        if of_course and _decide(session, module, forms.get(key, []), of_course, counts=counts):
            touched.add((module.site_id, module.course_id))
    mark_courses(session, touched)


def _programs(session: Session, courses: Iterable[CourseKey]) -> dict[CourseKey, list[tuple[ProgramVersion, ...]]]:
    """The programs that have a community in each course: all of it, or groups."""
    versions = versions_by_program(session)
    rows = session.execute(
        select(CommunityCourse.site_id, CommunityCourse.course_id, ProgramRow.id)
        .distinct()
        .join(Community, Community.id == CommunityCourse.community_id)
        .join(ProgramRow, ProgramRow.id == Community.program_id)
        .where(among((CommunityCourse.site_id, CommunityCourse.course_id), set(courses)))
        .order_by(CommunityCourse.site_id, CommunityCourse.course_id, ProgramRow.id)
    )
    found: dict[CourseKey, list[tuple[ProgramVersion, ...]]] = {}
    for site, course, program in rows:
        found.setdefault((site, course), []).append(versions[program])
    return {course: sorted(several, key=lambda v: v[-1].program.program) for course, several in found.items()}


def decided_form(session: Session, key: ModuleKey) -> str | None:
    """The form of a module that somebody decided on, by the binding's id."""
    return session.scalars(
        select(Decision.data["binding"].astext)
        .where(
            Decision.kind == "binding",
            Decision.data["module"].astext == f"{key[0]}:{key[1]}",
            Decision.undoes.is_(None),
            Decision.id.not_in(select(Decision.undoes).where(Decision.undoes.is_not(None))),
        )
        .order_by(Decision.decided_at.desc(), Decision.id.desc())
        .limit(1)
    ).one_or_none()


def counting_form(
    forms: Sequence[Binding], decided: str | None, programs: Versions, declared: Hours | None
) -> Binding | None:
    """The form that counts: the one that somebody decided on, else the earliest that a rule matches, else the earliest
    that earns by the hours that Moodle's form declares. A form with hours of its own never counts by itself.

    `forms` come in the order in which they were first read.
    """
    chosen = next((form for form in forms if str(form.id) == decided), None)
    if chosen:
        return chosen
    plain = [(form, activity_of(form)) for form in forms if form.minutes is None]
    by_rule = next((form for form, activity in plain if matched(programs, activity)), None)
    if by_rule or declared is None:
        return by_rule
    return next((form for form, activity in plain if matched(programs, replace(activity, declared=declared))), None)


def _present(
    session: Session, module: MirrorModule, forms: list[Binding], active: Binding | None, programs: Versions
) -> Binding | None:
    """The present form, with the hours that are to be decided about. It is added where nobody looked at it so far."""
    hours = _at_issue(module, active, programs)
    activity = replace(activity_of(module), hours=hours, declared=None)
    name = form_of(activity)
    found = next((form for form in forms if form.form == name), None)
    if found is None and hours:
        found = Binding(
            id=uuid7(),
            site_id=module.site_id,
            module_id=module.module_id,
            course_id=module.course_id,
            form=name,
            status="seen",
            idnumber=activity.idnumber,
            modname=activity.kind,
            section_name=activity.section,
            name=activity.name,
            minutes=hours.minutes,
            component=hours.component,
            basis_as_of=module.hours_as_of or module.as_of,
        )
        session.add(found)
        session.flush()
        forms.append(found)
    return found


def _at_issue(module: MirrorModule, active: Binding | None, programs: Versions) -> Hours | None:
    """The hours that the present form would count with: those that Moodle's form declares, where the newest version of
    a program has staff decide about them and could take them; else those that count already."""
    counts = activity_of(active).hours if active else None
    deciding = [v[-1].program for v in programs if v[-1].program.hours_from_moodle.take == "propose"]
    if module.hours_as_of is None or not deciding:
        return counts
    present = activity_of(module)
    declared = present.declared
    if declared is None or any(hours_refused(program, present, declared) is None for program in deciding):
        return declared
    return counts


def _decide(session: Session, module: MirrorModule, forms: list[Binding], programs: Versions, *, counts: bool) -> bool:
    """Returns whether anything changed. What goes on with another activity doesn't count (`counts`) by its own form:
    nothing is proposed of it."""
    declared = activity_of(module).declared
    active = counting_form(forms, decided_form(session, (module.site_id, module.module_id)), programs, declared)
    # What is gone has no form any more: whichever was read last, nothing is to be decided about it.
    present = _present(session, module, forms, active, programs) if module.present and counts else None
    rules = {form.id: matched(programs, replace(activity_of(form), declared=declared)) for form in forms}
    status = {form.id: "rejected" if form.status == "rejected" else "seen" for form in forms}
    if active:
        status[active.id] = "active"
    now = rules[active.id] if active else None
    if present and _earns(rules[present.id]) != _earns(now) and status[present.id] != "rejected":
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
