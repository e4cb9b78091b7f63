"""What an erasure takes out of attendance: who was said to be there stays as an amount, and names nobody."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from records.attendance_reports import forget_files
from records.keys import among
from records.models import Account, AttendanceReport, Presence
from records.review_waiting import forget_rows, rows_naming


def count(session: Session, accounts: Sequence[Account]) -> dict[str, int]:
    """How much would go, by what it is."""
    rows, reports, named = _about(session, accounts)
    found = session.execute(
        select(
            select(func.count()).select_from(Presence).where(rows).scalar_subquery(),
            select(func.count()).select_from(AttendanceReport).where(*reports).scalar_subquery(),
        )
    ).one()
    return {"attendances' details": found[0] + len(named), "attendance reports": found[1]}


def leave(session: Session, accounts: Sequence[Account]) -> None:
    """Take the person out; before the accounts lose their keys."""
    rows, reports, named = _about(session, accounts)
    forget_files(session, *reports)
    forget_rows(session, among(Presence.id, named))
    blank = {"who": None, "device": None, "reason": ""}
    session.execute(update(Presence).where(rows).values(**blank), execution_options={"synchronize_session": False})


def _about(session: Session, accounts: Sequence[Account]) -> tuple[Any, tuple[Any, ...], list[Any]]:
    """Conditions on the person's own rows that say something, and on the reports that name the person; and the ids of
    rows that name the person and are nobody's. What else a report's bytes say can't be searched cheaply: they go."""
    p = Presence
    own = among(p.account_id, [account.id for account in accounts])
    named = rows_naming(session, accounts)
    of = select(p.report_id).where(or_(own, among(p.id, named)), p.report_id.is_not(None))
    there = (AttendanceReport.payload.is_not(None)) | (AttendanceReport.name != "")
    says = or_(p.who.is_not(None), p.device.is_not(None), p.reason != "")
    return own & says, (AttendanceReport.id.in_(of), there), named
