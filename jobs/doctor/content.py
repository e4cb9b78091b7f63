"""Completion tracking, ID numbers, and what the programs' rules make of the communities' activities."""

from collections import Counter
from collections.abc import Iterator

from jobs.doctor.books import CourseBooks, Module
from jobs.doctor.findings import Code, Finding
from jobs.doctor.look import Look
from jobs.doctor.needs import Use
from mappings.facts import Activity
from mappings.matching import fits, rule_for
from mappings.program import Program

SHOWN = 5


def completion(look: Look) -> Iterator[Finding]:
    """Moodle tracks completion: on the site, and in each community's course."""
    if look.features.get("enablecompletion") == 0:
        yield Finding(Code.COMPLETION_OFF)
        return
    off = [
        course.idnumber or course.shortname
        for number, course in sorted(look.courses.items())
        if (number in look.books.courses or number in look.wanted) and course.enablecompletion is False
    ]
    if off:
        yield Finding(Code.COMPLETION_OFF_IN_COURSE, {"count": len(off), "courses": off[:SHOWN]})


def idnumbers(look: Look) -> Iterator[Finding]:
    """ID numbers are there and tell things apart."""
    books = look.books
    if books.doubled_idnumbers:
        yield Finding(Code.COURSE_IDNUMBERS_DOUBLED, {"idnumbers": list(books.doubled_idnumbers[:SHOWN])})
    present = [course for course in books.courses.values() if course.present]
    without = [course.name for course in present if not course.idnumber]
    if without:
        yield Finding(Code.COURSE_IDNUMBERS_MISSING, {"count": len(without), "courses": without[:SHOWN]})
    for course in present:
        doubled = [
            name for name, times in Counter(one.idnumber for one in course.modules).items() if name and times > 1
        ]
        if doubled:
            params = {"course": course.idnumber or course.name, "idnumbers": doubled[:SHOWN]}
            yield Finding(Code.MODULE_IDNUMBERS_DOUBLED, params)
    missing = sum(_wants_idnumber(course, module) for course in present for module in course.modules)
    if Use.MODULE_IDNUMBERS in look.uses and missing:
        yield Finding(Code.MODULE_IDNUMBERS_MISSING, {"count": missing})


def _wants_idnumber(course: CourseBooks, module: Module) -> bool:
    """Whether an activity that could earn has no ID number and earns nothing."""
    return bool(not module.idnumber and module.tracking and not _earns(course, module))


def _earns(course: CourseBooks, module: Module) -> bool:
    return module.rule is not None or any(rule_for(program, _form(module)) for program in course.programs)


def _form(module: Module) -> Activity:
    return Activity(module.idnumber, module.kind, module.section, module.name)


def mapping(look: Look) -> Iterator[Finding]:
    """Activities that earn nothing, rules that no activity meets."""
    present = [course for course in look.books.courses.values() if course.present]
    if not present:
        yield Finding(Code.COMMUNITIES_NONE, {"programs": len(look.books.programs)})
        return
    for course in present:
        yield from _of_course(course)
    programs = {program.program: program for course in present for program in course.programs}
    for code, program in sorted(programs.items()):
        unmatched = _unmatched(program, [course for course in present if program in course.programs])
        if unmatched:
            yield Finding(Code.RULES_UNMATCHED, {"program": code, "count": len(unmatched), "rules": unmatched[:SHOWN]})


def _of_course(course: CourseBooks) -> Iterator[Finding]:
    name = course.idnumber or course.name
    tracked = [module for module in course.modules if module.tracking]
    unruled = [module.name for module in tracked if not _earns(course, module)]
    if unruled:
        params = {"course": name, "count": len(unruled), "of": len(tracked), "activities": unruled[:SHOWN]}
        yield Finding(Code.ACTIVITIES_UNRULED, params)
    untracked = [module.name for module in course.modules if not module.tracking and _earns(course, module)]
    if untracked:
        params = {"course": name, "count": len(untracked), "activities": untracked[:SHOWN]}
        yield Finding(Code.ACTIVITIES_UNTRACKED, params)


def _unmatched(program: Program, courses: list[CourseBooks]) -> list[str]:
    forms = [_form(module) for course in courses for module in course.modules]
    return [rule.rule for rule in program.activities if not any(fits(rule, form) for form in forms)]
