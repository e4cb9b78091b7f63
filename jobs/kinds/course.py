"""Courses and their modules: readings, and the events that say that something about them changed."""

from uuid import UUID

from jobs.kinds.batch import Batch, Source
from jobs.wire import CourseReading, EventData, ModuleReading
from mappings.completion import EVENT, READING
from mappings.facts import Activity, hours_of
from records.adoptions import CopySeen
from records.claims import CourseSeen
from records.declared import HoursTold
from records.inbox import Question
from records.mirror import Row
from records.module_forms import ModuleSeen

NEW_COURSE = 2
"""Moodle's backup::TARGET_NEW_COURSE: any other restore goes into a course that was there."""


def course_reading(batch: Batch, source: Source, reading: CourseReading) -> None:
    batch.courses.append(
        {
            "site_id": source.site_id,
            "course_id": reading.course,
            "present": reading.present,
            "as_of": reading.read_at,
            "rank": READING,
            "shortname": reading.shortname,
            "fullname": reading.fullname,
            "idnumber": reading.idnumber,
            "category_id": reading.category,
            "category_idnumber": reading.category_idnumber,
            "fields": reading.fields,
            "visible": reading.visible,
            "startdate": reading.startdate,
            "enddate": reading.enddate,
        }
    )
    if source.swept:
        batch.swept.courses.add((source.site_id, reading.course))
    if reading.copy_of:
        batch.copies.append(CopySeen((source.site_id, reading.course), reading.copy_of, reading.read_at))
    if reading.present:
        batch.courses_seen.append(
            CourseSeen(
                (source.site_id, reading.course),
                reading.idnumber,
                reading.read_at,
                shortname=reading.shortname,
                category_idnumber=reading.category_idnumber,
                fields=reading.fields,
            )
        )


def module_reading(batch: Batch, source: Source, reading: ModuleReading) -> None:
    batch.modules.append(
        {
            "site_id": source.site_id,
            "module_id": reading.module,
            "course_id": reading.course,
            "present": reading.present,
            "as_of": reading.read_at,
            "rank": READING,
            "modname": reading.modname,
            "name": reading.name,
            "idnumber": reading.idnumber,
            "section_number": reading.section_number,
            "section_name": reading.section_name,
            "visible": reading.visible,
            "tracking": reading.tracking,
        }
    )
    batch.causes[("module", source.site_id, reading.module)] = source.cause
    if source.swept:
        batch.swept.modules[(source.site_id, reading.module)] = reading.course
    if reading.present:
        activity = Activity(reading.idnumber, reading.modname, reading.section_name, reading.name)
        batch.modules_seen.append(
            ModuleSeen((source.site_id, reading.module), reading.course, activity, reading.read_at)
        )
    if reading.tells_hours:
        hours = hours_of(reading.minutes, reading.component)
        batch.hours.append(HoursTold((source.site_id, reading.module), reading.course, hours, reading.read_at))


def ask_for_course(batch: Batch, source: Source, data: EventData) -> None:
    """A course or module changed in a way that its event doesn't tell (a reset, a restore, an edit)."""
    reason = data.eventname.rsplit("\\", 1)[-1]
    batch.questions.append(Question(source.site_id, data.course, None, None, reason, data.timecreated))


def course_restored(batch: Batch, source: Source, data: EventData) -> None:
    """A restore changes a course in ways that no event tells; where it made a new one of a course of this site,
    that is a copy."""
    ask_for_course(batch, source, data)
    original = data.detail("originalcourseid")
    if data.detail("target") == NEW_COURSE and data.flag("samesite") and original and original != data.course:
        batch.copies.append(CopySeen((source.site_id, data.course), original, data.timecreated))


def module_deleted(batch: Batch, source: Source, data: EventData) -> None:
    batch.modules.append(
        _gone(source.site_id, data)
        | {"module_id": data.module, "course_id": data.course, "modname": "", "name": "", "idnumber": ""}
        | {"section_number": 0, "section_name": "", "visible": False, "tracking": 0}
    )
    batch.causes[("module", source.site_id, data.module)] = source.cause


def course_deleted(batch: Batch, source: Source, data: EventData) -> None:
    batch.courses.append(
        _gone(source.site_id, data)
        | {"course_id": data.course, "shortname": "", "fullname": "", "idnumber": "", "category_id": None}
        | {"category_idnumber": "", "fields": {}, "visible": False, "startdate": None, "enddate": None}
    )


def _gone(site_id: UUID, data: EventData) -> Row:
    """The stamp of a row that an event says is gone; the mirror keeps what it knew of it."""
    return {"site_id": site_id, "present": False, "as_of": data.timecreated, "rank": EVENT}
