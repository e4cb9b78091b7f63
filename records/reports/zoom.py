"""Zoom: participants of a meeting from the usage reports, and the attendee report of a webinar.

Where the rules come from:
- Zoom's help, "Accessing meeting and webinar history reports" (support.zoom.com, KB0082659): the list has each joining
  as a row of its own, e-mail addresses only of people signed in; "Show unique users" gives totals without times.
- Headers and the preamble (topic, ID, start, host's e-mail): the sample files of Lightbridge-KS/zoomclass and the list
  of columns in microsoft/vivainsights_zoom_int (with `In Waiting Room`); parsers in public repositories for Spanish,
  Portuguese and French headers and for the webinar's sections ("Host Details", "Attendee Details", "Attended").
- Times are the exporter's, without zone, in the order of the account's date format: 11/19/2021 09:54:15 AM or
  19/11/2021 09:54:15. `Duration (Minutes)` is rounded up (2:07:44 is 128), so the times stand, not the duration.
"""

from records.csv_file import Problem, UnreadableFile
from records.reports.clock import plain
from records.reports.columns import Entry, Found, Header, Rows, header_of, named, who_of

_PEOPLE = named(
    name="Name (Original Name)|User Name (Original Name)|Name|Nombre (nombre original)|Nombre|Nome (nome original)|Nome"
    "|Nom (nom original)|Nom",
    caller="User Name",
    email="User Email|Email|E-mail|Email Address|E-mail del usuario|Correo electrónico|E-mail do usuário"
    "|Adresse e-mail de l'utilisateur|Adresse e-mail",
    joined="Join Time|Hora para unirse|Hora de entrada|Ingressar na hora|Heure d'arrivée|Heure de connexion",
    left="Leave Time|Hora para salir|Hora de salida|Hora de saída|Heure de départ|Heure de déconnexion",
    minutes="Duration (Minutes)|Total Duration (Minutes)|Time in Session (Minutes)|Duración (minutos)"
    "|Duración total (minutos)|Duração (minutos)|Duração total (minutos)|Durée (minutes)|Durée totale (minutes)",
    waiting="In Waiting Room|En sala de espera|Na sala de espera|Salle d'attente|Dans la salle d'attente",
    attended="Attended|Asistió|Participou",
    meeting="Meeting ID|Webinar ID",
    topic="Topic|Tema|Tópico|Sujet",
)
_MEETING = named(
    topic="Topic|Tema|Tópico|Sujet",
    meeting="Meeting ID|Webinar ID|ID|ID de reunión|ID da reunião|ID de réunion",
    started="Start Time|Actual Start Time|Hora de inicio|Hora de início|Heure de début",
    ended="End Time|Hora de finalización|Hora de término|Heure de fin",
    host="User Email|Host Email|Correo electrónico del anfitrión|E-mail do anfitrião",
    zone="Time Zone|Timezone",
)
_HOSTS = ("host details", "host")
_YES = ("yes", "y", "true", "sí", "si", "sim", "oui")
_NO = ("no", "n", "false", "não", "nao", "non")


def find(rows: Rows) -> Found | None:
    """What a report of Zoom's says; None: it is none. Raises UnreadableFile for one of several meetings."""
    headers = [h for i, (_, fields) in enumerate(rows) if _is_header(h := header_of(i, fields, _PEOPLE))]
    if not headers:
        return None
    found = Found([], zone=next((h.zone for h in headers if h.zone), None))
    host = _read_preamble(rows[: headers[0].index], found)
    meetings: set[str] = set()
    for header, following in zip(headers, [*headers[1:], None], strict=True):
        section = rows[header.index + 1 : following.index if following else None]
        hosts = _is_host_section(rows, header)
        for number, fields in section:
            meetings.add(header.value(fields, "meeting"))
            found.title = found.title or header.value(fields, "topic")
            _add(found, header, number, fields, host, hosts)
    if len(meetings - {""}) > 1:
        raise UnreadableFile(
            f"The report is of {len(meetings - {''})} meetings: export the participants of each meeting on their own."
        )
    return found


def _is_header(header: Header) -> bool:
    # "User Name" is who called in by telephone to a webinar; above a meeting's participants it is the host.
    somebody = "name" in header.columns or {"caller", "joined"} <= set(header.columns)
    return somebody and "minutes" in header.columns


def _is_host_section(rows: Rows, header: Header) -> bool:
    above = rows[header.index - 1][1] if header.index else []
    return len([v for v in above if v]) == 1 and plain(above[0]) in _HOSTS


def _read_preamble(rows: Rows, found: Found) -> str:
    """Title, start and end into what was found; answers the host's e-mail, folded."""
    for index, (_, fields) in enumerate(rows[:-1]):
        header = header_of(index, fields, _MEETING)
        if not {"topic", "meeting"} & set(header.columns) or len(header.columns) < 2:
            continue
        values = rows[index + 1][1]
        found.title = header.value(values, "topic")
        found.started, found.ended = header.value(values, "started"), header.value(values, "ended")
        found.zone = found.zone or header.zone
        if named_zone := header.value(values, "zone"):
            found.state_zone(rows[index + 1][0], named_zone)
        return header.value(values, "host").casefold()
    return ""


def _add(found: Found, header: Header, number: int, fields: list[str], host: str, hosts: bool) -> None:
    name, email = header.value(fields, "name" if "name" in header.columns else "caller"), header.value(fields, "email")
    joined, left = header.value(fields, "joined"), header.value(fields, "left")
    lasted = header.value(fields, "minutes")
    if plain(header.value(fields, "attended")) in _NO:
        return
    if plain(header.value(fields, "waiting")) in _YES:
        found.notes.append(Problem(number, "", "the time of this row was in the waiting room: it doesn't count"))
        return
    if "attended" in header.columns and len([value for value in fields if value]) == 1:
        # The title of the webinar report's next section.
        return
    is_host = hosts or bool(host and email.casefold() == host)
    found.entries.append(Entry(number, who_of(name, email), joined, left, lasted, is_host))
