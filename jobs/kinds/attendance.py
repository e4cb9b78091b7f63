"""Who was where: readings of attendance activities, the events that ask for one, and joins of meetings."""

from jobs.kinds.batch import Batch, Source
from jobs.wire import AttendanceReading, EventData
from records.inbox import ATTENDANCE, Question
from records.joins import Joined
from records.moodle_log import AttendanceRead, Entry, TheirSession

MINUTE = 60


def attendance_reading(batch: Batch, source: Source, reading: AttendanceReading) -> None:
    sessions = [
        TheirSession(
            each.id,
            each.starts_at,
            each.seconds // MINUTE or None,
            each.title,
            each.group or None,
            each.most,
            tuple(Entry(entry.user, entry.status, entry.points, entry.listed) for entry in each.log),
        )
        for each in reading.sessions
    ]
    module = (source.site_id, reading.module)
    batch.attendance.append(AttendanceRead(module, reading.course, reading.read_at, source.cause, tuple(sessions)))


def ask_for_sessions(batch: Batch, source: Source, data: EventData) -> None:
    """Something about an activity's sessions changed, or somebody recorded who was there: the event names nobody."""
    asked = Question(source.site_id, data.course, None, data.module, ATTENDANCE, data.timecreated)
    batch.questions.append(asked)


def meeting_joined(batch: Batch, source: Source, data: EventData) -> None:
    """Somebody came into a meeting's room: `userid`, since nobody does so for somebody else."""
    joined = Joined((source.site_id, data.module), data.actor, data.timecreated, source.cause)
    batch.joins.append(joined)
