"""Read a file of milestones: who or what achieved which of them when, with which evidence, one line each."""

import re
from dataclasses import dataclass
from datetime import date, time
from urllib.parse import urlsplit

from records.attendance_file import clock
from records.csv_file import MAX_TEXT, Layout, Line, Problem, Wrong, code, day, optional_text, read_rows, some_text

LAYOUT = Layout(
    required=("program", "milestone", "date"),
    optional=(
        *("subject", "site", "community", "time", "cycle", "session"),
        *("evidence", "note", "withdrawn"),
    ),
)
MAX_CYCLE = 40
MAX_EVIDENCE = 20
YES = ("yes", "y", "true", "1", "x")
NO = ("", "no", "n", "false", "0")

Evidence = tuple[str, str]
"""(kind, value): `link` and an address, `file` and the SHA-256 of a file, `note` and a text."""
NONE: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class MilestoneLine:
    """A milestone as a line says it. None and empty: the line doesn't say."""

    line: int
    program: str
    milestone: str
    subject: str = ""
    """Who or what achieved it; what it is depends on the milestone."""
    site: str = ""
    community: str = ""
    day: date | None = None
    at: time | None = None
    cycle: str = ""
    session: str = ""
    """The code of the session that it follows."""
    evidence: tuple[Evidence, ...] | None = None
    """Links and hashes; None: what is recorded stays."""
    note: str | None = None
    """A text as evidence; None: what is recorded stays."""
    withdrawn: bool = False


def read_milestones(data: bytes) -> tuple[list[MilestoneLine], list[Problem]]:
    """The rows of a file that are right in themselves, and the problems of the others.

    Raises UnreadableFile where the file as a whole is wrong.
    """
    return read_rows(data, LAYOUT, _row)


def _row(line: Line) -> MilestoneLine:
    has = line.columns
    row = MilestoneLine(
        line=line.number,
        program=line.take("program", code, ""),
        milestone=line.take("milestone", code, ""),
        subject=line.take("subject", optional_text, ""),
        site=line.take("site", optional_text, ""),
        community=line.take("community", optional_text, ""),
        day=line.take("date", lambda text: day(text) if text else None, None),
        at=line.take("time", lambda text: clock(text) if text else None, None),
        cycle=line.take("cycle", cycle_label, ""),
        session=line.take("session", optional_text, ""),
        evidence=line.take("evidence", evidence_of, NONE) if "evidence" in has else None,
        note=line.take("note", optional_text, "") if "note" in has else None,
        withdrawn=line.take("withdrawn", _yes, False),
    )
    if row.day is None and not row.withdrawn and not line.problems:
        line.refuse("date", "is empty: expected YYYY-MM-DD, such as 2026-03-14")
    return row


def cycle_label(text: str) -> str:
    """The label of a cycle, or nothing. Raises Wrong."""
    if len(optional_text(text)) > MAX_CYCLE:
        raise Wrong(f"is longer than {MAX_CYCLE} characters")
    return text


def evidence_of(text: str) -> tuple[Evidence, ...]:
    """Links and hashes, separated by spaces or semicolons; each once. Raises Wrong."""
    found = tuple(dict.fromkeys(_evidence(part) for part in re.split(r"[\s;]+", text) if part))
    if len(found) > MAX_EVIDENCE:
        raise Wrong(f"names {len(found)} pieces: expected {MAX_EVIDENCE} at most")
    return found


def _evidence(text: str) -> Evidence:
    some_text(text)
    digest = re.fullmatch(r"sha256:([0-9a-f]{64})", text.lower(), re.ASCII)
    if digest:
        return "file", digest[1]
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme != "https" or not parts.hostname or len(text) > MAX_TEXT:
        raise Wrong(f"'{text}' is no evidence: expected an https link, or sha256: and 64 hexadecimal digits")
    if parts.username or parts.password:
        raise Wrong("holds a link with a user name or password in it: expected one without")
    return "link", text


def _yes(text: str) -> bool:
    if text.lower() not in YES + NO:
        raise Wrong(f"'{text}' is neither yes nor no")
    return text.lower() in YES
