"""Microsoft Teams: the attendance report of a meeting, and the older attendance list.

Where the rules come from:
- Microsoft, "Manage the attendance report for meetings and events in Microsoft Teams" (learn.microsoft.com): join and
  leave times and duration of each participant; an administrator may have switched the times off, which leaves names.
- office365itpros.com, "Teams Introduces New Attendance Reporting Dashboard" (2021): people join and leave many times,
  and each restart of a meeting makes a report of its own.
- Parsers and their fixtures in public repositories, for the three parts (`1. Summary`, `2. Participants` with first
  join, last leave and the time in between; `3. In-Meeting Activities` with a row for each stay), for the report before
  it (one table, a row for each stay) and for the oldest list (`Full Name`, `User Action`, `Timestamp`), in UTF-16 with
  tabs or in UTF-8, and for headers in Portuguese, Spanish, French, German, Italian and Dutch. The list doesn't say when
  the meeting ended (phongsathorn1/ms-teams-attendance takes the file's date).
- renefb/teams-report-converter: a live event's report lists joining and leaving in UTC (`UtcEventTimestamp`).
Times are the exporter's own, written as their language and region do.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC

from records.csv_file import Problem
from records.reports.clock import plain
from records.reports.columns import Entry, Found, Header, Rows, header_of, named, said, who_of

_TABLE = named(
    name="Name|Full Name|Nome|Nome completo|Nombre|Nombre completo|Nom|Nom complet|Vollständiger Name|Naam",
    joined="Join Time|Hora de unión|Hora de ingresso|Hora de entrada|Heure d'arrivée|Beitrittszeit|Beitreten"
    "|Ora di ingresso|Tijd van deelname",
    left="Leave Time|Hora de salida|Hora de saída|Heure de départ|Verlassenszeit|Verlassen|Ora di uscita"
    "|Tijd van vertrek",
    first="First Join|Primeiro ingresso|Primeira entrada|Erster Beitritt",
    last="Last Leave|Última saída|Letztes Verlassen",
    lasted="Duration|In-Meeting Duration|Duração|Duração na reunião|Duración|Duración de la reunión|Durée|Dauer"
    "|Dauer der Besprechung|Durata|Duur",
    email="Email|E-mail|Correo electrónico",
    upn="Participant ID (UPN)|ID do participante (UPN)|Id. de participante (UPN)|Teilnehmer-ID (UPN)",
    role="Role|Função|Rol|Rôle|Rolle|Ruolo",
)
_LIST = named(
    name="Full Name|FullName|Nome Completo|Nombre completo|Nom complet|Vollständiger Name",
    action="User Action|Action|Atividade|Acción del usuario|Action de l'utilisateur|Benutzeraktion",
    at="Timestamp|UtcEventTimestamp|Carimbo de data/hora|Marca de tiempo|Horodatage|Zeitstempel",
)
_SUMMARY = named(
    title="Meeting Title|Título da reunião|Título de la reunión|Besprechungstitel|Titre de la réunion",
    started="Start time|Meeting Start Time|Hora de início|Hora de inicio|Startzeit|Heure de début",
    ended="End time|Meeting End Time|Hora de término|Hora de finalización|Endzeit|Heure de fin",
    zone="Time zone|Timezone",
)
_JOINED = ("joined", "joined before", "ingressou", "entrou", "entrou antes de", "se unió", "a rejoint", "beigetreten")
_LEFT = ("left", "saiu", "salió", "a quitté", "verlassen")
_HOST = re.compile(r"organi[sz]")
"""Organizer, Co-organizer, Organisator, Mitorganisator, Organizador, Organisateur, Organizzatore."""
_PART = re.compile(r"\d\.\s")


def find(rows: Rows) -> Found | None:
    """What a report of Teams says; None: it is none."""
    lists = [h for i, (_, fields) in enumerate(rows) if _is_list(h := header_of(i, fields, _LIST))]
    tables = [h for i, (_, fields) in enumerate(rows) if _is_table(h := header_of(i, fields, _TABLE))]
    if not lists and not tables:
        return None
    begins = (tables or lists)[0]
    found = Found([], zone=begins.zone)
    for name, value in said(rows[: begins.index], _SUMMARY):
        if name == "zone":
            found.state_zone(0, value)
        elif not getattr(found, name):
            setattr(found, name, value)
    if tables:
        found.entries = _of_tables(rows, tables)
    else:
        _read_list(rows[begins.index + 1 :], begins, found)
    return found


def _is_table(header: Header) -> bool:
    columns = set(header.columns)
    times = {"joined", "left"} <= columns or {"first", "last"} <= columns
    return {"name", "lasted"} <= columns and times and bool({"role", "upn", "first"} & columns)


def _is_list(header: Header) -> bool:
    return {"name", "action", "at"} <= set(header.columns)


def _of_tables(rows: Rows, tables: list[Header]) -> list[Entry]:
    """The stays where the report lists them, and the totals of whoever has none among them."""
    parts = [list(_entries(rows, header)) for header in tables]
    if len(parts) == 1:
        return parts[0]
    people, stays = (replace(entry, summed=True) for entry in parts[0]), parts[1]
    known = list(people)
    by_name = Counter(entry.who.get("name") for entry in known)
    alone = {entry.who.get("name"): entry for entry in known if by_name[entry.who.get("name")] == 1}
    told = [_with(entry, alone.get(entry.who.get("name"))) for entry in stays]
    keys = {key for entry in told for key in _keys(entry)}
    return sorted([*told, *(entry for entry in known if not keys & set(_keys(entry)))], key=lambda entry: entry.line)


def _keys(entry: Entry) -> list[str]:
    """What tells people of one report apart: the address, or the name of those who have none."""
    return [entry.who.get("email", "").casefold() or entry.who.get("name", "")]


def _with(stay: Entry, person: Entry | None) -> Entry:
    """A stay with the address and the role that only the list of participants has, of a name that is there once."""
    if person is None or stay.who.get("email", person.who.get("email")) != person.who.get("email"):
        return stay
    return replace(stay, who=person.who, host=stay.host or person.host)


def _entries(rows: Rows, header: Header) -> Iterator[Entry]:
    summed = "first" in header.columns
    for number, fields in rows[header.index + 1 :]:
        if len(fields) == 1 and _PART.match(fields[0]):
            return
        email = header.value(fields, "email")
        upn = header.value(fields, "upn")
        yield Entry(
            number,
            who_of(header.value(fields, "name"), email or (upn if "@" in upn else "")),
            header.value(fields, "first" if summed else "joined"),
            header.value(fields, "last" if summed else "left"),
            header.value(fields, "lasted"),
            bool(_HOST.search(plain(header.value(fields, "role")))),
            summed,
        )


def _read_list(rows: Rows, header: Header, found: Found) -> None:
    """Stays out of what each person did, in the file's order: the first joining goes with the first leaving."""
    inside: dict[str, list[Entry]] = {}
    if "utceventtimestamp" in (plain(name) for name in header.names):
        found.zone = "UTC", UTC
    for number, fields in rows:
        name, did, at = (header.value(fields, column) for column in ("name", "action", "at"))
        open_stays = inside.setdefault(name, [])
        if plain(did) in _JOINED:
            open_stays.append(Entry(number, who_of(name, ""), at))
        elif plain(did) not in _LEFT:
            found.problems.append(Problem(number, "User Action", f"'{did}' is neither joining nor leaving"))
        elif open_stays:
            found.entries.append(replace(open_stays.pop(0), left=at))
        else:
            found.problems.append(Problem(number, "User Action", "leaves without having joined"))
    found.entries += [entry for stays in inside.values() for entry in stays]
    found.entries.sort(key=lambda entry: entry.line)
