"""Google Meet: the attendance report that the organiser gets as a sheet, as CSV or XLSX.

Where the rules come from:
- Google Workspace's help, "Track attendance & view live stream reports" (support.google.com/a/users/answer/10268857)
  and the announcement of 2020 (retold at mariojp/mariojp.github.io): who comes and goes has one row, with the first
  joining, the last leaving, and as duration the sum of the time in between that they were there.
- Parsers and their fixtures in public repositories: columns (`First name`, `Last name`, `Email`, `Duration`, `Time
  joined`, `Time exited`, or `Name` for both names; Portuguese), durations as `1 hr 2 min`, and times that are mostly
  clock times of the organiser's zone without a date. Guests without an account have no address. A browser add-on
  writes `Full Name`, `First Seen`, `Time in Call`.
Nothing in the report tells who the organiser is.
"""

from records.reports.columns import Entry, Found, Header, Rows, header_of, named, said, who_of

_PEOPLE = named(
    first="First name|Nome",
    last="Last name|Sobrenome",
    name="Name|Full name|Participant name|Nome completo",
    email="Email|E-mail|Email address",
    lasted="Duration|Time in call|Duração",
    joined="Time joined|First seen|Horário de entrada",
    left="Time exited|Last seen|Horário de saída",
)
_MEETING = named(title="Meeting title", day="Date", started="Start time", ended="End time", zone="Time zone|Timezone")


def find(rows: Rows) -> Found | None:
    """What a report of Meet says; None: it is none."""
    header = next((h for i, (_, fields) in enumerate(rows) if _is_header(h := header_of(i, fields, _PEOPLE))), None)
    if header is None:
        return None
    found = Found([], zone=header.zone)
    _read_preamble(rows[: header.index], found)
    for number, fields in rows[header.index + 1 :]:
        parts = (header.value(fields, "first"), header.value(fields, "last"))
        name = header.value(fields, "name") or " ".join(part for part in parts if part)
        times = (header.value(fields, "joined"), header.value(fields, "left"), header.value(fields, "lasted"))
        found.entries.append(Entry(number, who_of(name, header.value(fields, "email")), *times, summed=True))
    return found


def _is_header(header: Header) -> bool:
    columns = set(header.columns)
    named_twice = {"first", "last"} <= columns
    return (named_twice or "name" in columns) and (
        "joined" in columns or (named_twice and {"lasted", "email"} <= columns)
    )


def _read_preamble(rows: Rows, found: Found) -> None:
    values = dict(said(rows, _MEETING))
    for index, (_, fields) in enumerate(rows[:-1]):
        header = header_of(index, fields, _MEETING)
        if "title" in header.columns and len(header.columns) > 1:
            values = {name: header.value(rows[index + 1][1], name) for name in header.columns}
    found.title = values.get("title", "")
    # A workbook's day may be shown with the midnight that it begins at.
    day = values.get("day", "").partition(" ")[0]
    found.started, found.ended = (f"{day} {values[n]}".strip() if values.get(n) else "" for n in ("started", "ended"))
    if zone := values.get("zone"):
        found.state_zone(0, zone)
