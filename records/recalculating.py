"""Have what was achieved within some days be credited by another version of a program."""

from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy.orm import Session

from records.deciding import DecisionError, Draft, members_of, program_named
from records.decisions import Kind
from records.mirror import everywhere_alone
from records.programs import newest, versions_by_program


def recalculate(session: Session, program: str, number: int, first: date, last: date) -> Draft:
    """Have facts from `first` to `last`, both included, be credited by a version. Raises DecisionError.

    Nothing else is at work on any site until the transaction ends.
    """
    everywhere_alone(session)
    program_id = program_named(session, program)
    versions = versions_by_program(session)[program_id]
    version = next((v for v in versions if v.number == number), None)
    if version is None:
        known = ", ".join(str(v.number) for v in versions)
        raise DecisionError(f"The program {program} has no version {number}: expected one of {known}.")
    if last < first:
        raise DecisionError(f"The days end on {last}, before they begin on {first}.")
    zone = newest(versions).zone
    start, end = (datetime.combine(day, time(), zone).astimezone(UTC) for day in (first, last + timedelta(days=1)))
    data = {"version": version.id, "start": start.isoformat(), "end": end.isoformat()}
    return Draft(Kind.RECALCULATION, data, program_id=program_id, moves=members_of(session, program_id))
