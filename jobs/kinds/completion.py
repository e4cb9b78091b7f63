"""Completion rows: readings, and \\core\\event\\course_module_completion_updated."""

from jobs.kinds.batch import Batch, Source
from jobs.wire import CompletionReading, CompletionRow, CompletionsReading, EventData, MalformedEvent
from mappings.completion import EVENT, READING, Observation
from mappings.facts import State
from records.inbox import Question


def from_reading(batch: Batch, source: Source, reading: CompletionReading) -> None:
    _read(batch, source, reading, reading.module, reading if reading.present else None)


def from_readings(batch: Batch, source: Source, reading: CompletionsReading) -> None:
    """All rows of one user in one course: an activity that was looked at and has no row has none in Moodle."""
    rows = {row.module: row for row in reading.rows}
    for module in sorted(rows.keys() | set(reading.among)):
        _read(batch, source, reading, module, rows.get(module))


def _read(
    batch: Batch,
    source: Source,
    reading: CompletionReading | CompletionsReading,
    module: int,
    row: CompletionReading | CompletionRow | None,
) -> None:
    seen = Observation(
        reading.read_at,
        READING,
        row is not None,
        State(row.state) if row else State.INCOMPLETE,
        # The row's timemodified says when it became complete, never that it is.
        row.timemodified if row else None,
        row.overrideby if row else None,
    )
    key = (source.site_id, module, reading.user)
    batch.observe(key, reading.course, seen, source)
    batch.read[key] = max(reading.read_at, batch.read.get(key, reading.read_at))
    if source.swept:
        batch.swept.completions[key] = reading.course, reading.read_at


def from_event(batch: Batch, source: Source, data: EventData) -> None:
    """The participant is relateduserid; un-completion is the same event with state 0."""
    state = state_of(data)
    override = data.detail("overrideby")
    key = (source.site_id, data.module, data.participant)
    at = data.timecreated
    seen = Observation(at, EVENT, True, state, None, override or None, source.trusted)
    batch.observe(key, data.course, seen, source)
    if not source.trusted:
        batch.questions.append(
            Question(source.site_id, data.course, data.participant, data.module, "unconfirmed_sender", at)
        )


def state_of(data: EventData) -> State:
    """The state that a completion event tells. Raises MalformedEvent for any other than Moodle's four."""
    state = data.detail("completionstate")
    if state not in set(State):
        raise MalformedEvent("other.completionstate has to be 0, 1, 2 or 3")
    return State(state)
