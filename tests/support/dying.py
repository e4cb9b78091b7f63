"""A worker that dies by SIGKILL in the middle of a file of attendance: `python -m tests.support.dying DATABASE_URL`."""

import os
import signal
import sys
from typing import Any

from jobs import attendance_reports
from records import taking_attendance
from records.database import make_engine
from tests.support.attendance_files import NOW

PIECES = 2


def main() -> None:
    taking_attendance.AT_ONCE = 100
    keep, kept = attendance_reports._keep, []

    def last(*arguments: Any, **named: Any) -> Any:
        found = keep(*arguments, **named)
        arguments[0].flush()
        kept.append(found)
        if len(kept) > PIECES:
            os.kill(os.getpid(), signal.SIGKILL)
        return found

    attendance_reports._keep = last
    attendance_reports.turn(make_engine(sys.argv[1]), lambda: NOW, 60)


if __name__ == "__main__":
    main()
