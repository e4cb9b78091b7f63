"""For every finding of `copbridge doctor`: what has to be wrong for it to be told."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import Engine, delete, text, update
from sqlalchemy.orm import Session

from jobs.doctor.books import PINGED
from jobs.doctor.certificate import Certificate
from jobs.doctor.findings import Code
from jobs.doctor.needs import (
    CATEGORIES,
    COURSE_MODULE,
    COURSES,
    PING,
    SITE_INFO,
    STATUS,
    USERS_BY_FIELD,
    USERS_COURSES,
)
from moodle_client import Function
from records.inbox import count_ignored
from records.models import (
    CommunityCourse,
    IdentityProvider,
    InboxItem,
    MirrorCourse,
    MirrorModule,
    Site,
    SiteSecret,
    Sweep,
)
from tests.support.community import COURSE, QUIZ, SESSION_ACTIVITY, Place
from tests.support.fake_moodle import FakeMoodle


@dataclass
class World:
    """A community on a site that is connected as it should be, to be broken."""

    engine: Engine
    place: Place
    moodle: FakeMoodle
    certificate: Certificate

    def execute(self, *statements: Any) -> None:
        with Session(self.engine) as session, session.begin():
            for statement in statements:
                session.execute(statement)

    def site(self, **values: Any) -> None:
        self.execute(update(Site).values(**values))

    def sweep(self, **values: Any) -> None:
        """What became of the community's only sweep."""
        self.execute(delete(Sweep))
        with Session(self.engine) as session, session.begin():
            session.add(Sweep(site_id=self.place.site_id, course_id=COURSE, reason="scheduled", **values))

    def item(self, status: str, **values: Any) -> None:
        with Session(self.engine) as session, session.begin():
            ids = {"site_id": self.place.site_id, "correlation_id": uuid4()}
            session.add(InboxItem(sender="wire", kind="event", payload=b"{}", status=status, **ids, **values))

    def modules(self, *where: Any, **values: Any) -> None:
        self.execute(update(MirrorModule).where(*where).values(**values))

    def plugin(self, **status: Any) -> None:
        """The plugin is there and tells this."""
        self.moodle.install_plugin()
        self.moodle.plugin |= status
        self.moodle.answers[PING] = self._arrives

    def _arrives(self, _: dict[str, str]) -> Any:
        with Session(self.engine) as session, session.begin():
            names = [(PINGED, "uninteresting_event")]
            count_ignored(session.connection(), self.place.site_id, datetime.now(UTC).date(), names)
        return {"sent": True, "outcome": "delivered", "httpstatus": 200}


Case = Callable[[World], None]
LONG_AGO = timedelta(days=30)


def _provider_of_any_domain(world: World) -> None:
    with Session(world.engine) as session, session.begin():
        for code, domains in (("held", ["example.org"]), ("anybody", [])):
            named = {"code": code, "name": code, "issuer": f"https://{code}.example.org", "client_id": "c"}
            session.add(IdentityProvider(id=uuid4(), domains=domains, **named))


def _as_it_is(_: World) -> None:
    """The world has it from the start."""


def ago(span: timedelta) -> datetime:
    return datetime.now(UTC) - span


def _no_secret(purpose: str) -> Case:
    return lambda world: world.execute(delete(SiteSecret).where(SiteSecret.purpose == purpose))


def _refusing(function: str, errorcode: str = "nopermissions") -> Case:
    return lambda world: world.moodle.refuse(function, errorcode)


def _answering(status: int, body: str = "", **headers: str) -> Case:
    def case(world: World) -> None:
        world.moodle.status, world.moodle.body = status, body
        world.moodle.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    return case


def _info(**values: Any) -> Case:
    return lambda world: world.moodle.info.update(values)


def _without(function: str) -> Case:
    def case(world: World) -> None:
        del world.moodle.functions[function]

    return case


def _clock(**span: int) -> Case:
    def case(world: World) -> None:
        world.moodle.ahead = timedelta(**span)

    return case


def _secrets_unreadable(world: World) -> None:
    world.execute(update(SiteSecret).values(ciphertext=b"kept with another key"))


def _certificate(problem: str = "", days: int = 90) -> Case:
    def case(world: World) -> None:
        world.certificate = Certificate(None if problem else datetime.now(UTC) + timedelta(days=days), problem)

    return case


def _over_http(world: World) -> None:
    world.site(wwwroot="http://moodle.example.org")


def _function_beyond(world: World) -> None:
    world.moodle.functions["core_user_delete_users"] = "2024100700"


def _no_course(world: World) -> None:
    world.moodle.course = {}
    world.execute(delete(CommunityCourse))


def _course_gone(world: World) -> None:
    world.moodle.course = {}


def _fields_missing(world: World) -> None:
    for user in world.moodle.users:
        user.pop("email")


def _activities_missing(world: World) -> None:
    """An assignment is gone for us, and Moodle counts it."""
    world.execute(delete(MirrorModule).where(MirrorModule.module_id != QUIZ))
    world.moodle.progress = 25.0


def _idnumber_told_to_nobody(world: World) -> None:
    world.moodle.answers[COURSE_MODULE] = lambda _: {"cm": world.moodle.modules[0] | {"course": COURSE}}


def _manager(world: World) -> None:
    world.moodle.answers[CATEGORIES] = [{"id": 1, "name": "One", "visible": 1, "coursecount": 1, "idnumber": "A"}]


def _completion_off(world: World) -> None:
    world.moodle.info["advancedfeatures"] = [{"name": "enablecompletion", "value": 0}]


def _completion_off_in_course(world: World) -> None:
    world.moodle.course["enablecompletion"] = 0


def _plugin(**status: Any) -> Case:
    return lambda world: world.plugin(**status)


def _plugin_told(name: str, span: timedelta, **status: Any) -> Case:
    """It tells a time so long ago."""
    return lambda world: world.plugin(**{name: int(ago(span).timestamp())}, **status)


def _plugin_fails(world: World) -> None:
    world.plugin()
    world.moodle.refuse(STATUS, "codingerror")


def _plugin_without(function: Function) -> Case:
    def case(world: World) -> None:
        world.plugin()
        del world.moodle.functions[function]

    return case


def _other_epoch(world: World) -> None:
    world.site(epoch=uuid4())
    world.plugin(epoch=str(uuid4()))


def _not_chosen(world: World) -> None:
    world.plugin()
    world.moodle.chosen = False


def _events(last: datetime | None) -> Case:
    def case(world: World) -> None:
        world.execute(delete(InboxItem))
        if last:
            world.item("done", received_at=last)

    return case


def _ping(**answer: Any) -> Case:
    def case(world: World) -> None:
        world.plugin()
        world.moodle.answers[PING] = answer

    return case


def _copy(world: World) -> None:
    world.site(refused_epoch=uuid4(), refused_wwwroot="https://staging.example.org", refused_at=ago(LONG_AGO))


def _item(status: str, **values: Any) -> Case:
    return lambda world: world.item(status, **values)


def _sweep(status: str, finished: timedelta | None = None, error: str = "") -> Case:
    def case(world: World) -> None:
        world.sweep(status=status, finished_at=ago(finished) if finished else None, error=error)

    return case


def _no_community(world: World) -> None:
    world.execute(delete(CommunityCourse))


def _two_courses_of_one_idnumber(world: World) -> None:
    world.execute(
        text(
            "INSERT INTO mirror_courses (site_id, course_id, shortname, fullname, idnumber, visible, present, as_of,"
            " rank) SELECT site_id, 99, 'copy', 'copy', idnumber, visible, present, as_of, rank FROM mirror_courses"
        )
    )


def _attendance(world: World) -> None:
    """The quiz is an attendance activity."""
    world.modules(MirrorModule.module_id == QUIZ, modname="attendance")


def _attendance_refused(world: World) -> None:
    _attendance(world)
    world.moodle.functions[Function.ATTENDANCE_SESSIONS] = "2024020500"
    module = {"id": QUIZ, "course": COURSE, "name": "Meetings", "modname": "attendance", "instance": 7}
    world.moodle.answers[COURSE_MODULE] = lambda _: {"cm": module}
    world.moodle.refuse(Function.ATTENDANCE_SESSIONS, "invalidparameter")


def _messages(world: World, status: str = "failed", reason: str = "moodle_no_function") -> None:
    """Somebody was to be written to."""
    world.execute(
        text(
            "INSERT INTO nudges (id, channel, template, subject, body, asked, actor, due_at) VALUES (gen_random_uuid(),"
            " 'moodle', 'own', 'A', 'B', '{}', 'cli', now())"
        )
    )
    world.execute(
        text(
            "INSERT INTO nudge_messages (id, nudge_id, membership_id, status, reason) SELECT gen_random_uuid(), n.id,"
            " m.id, :status, :reason FROM nudges n, memberships m LIMIT 1"
        ).bindparams(status=status, reason=reason)
    )


def _messages_refused(world: World) -> None:
    _messages(world, reason="moodle_refused")
    world.moodle.functions[Function.SEND_INSTANT_MESSAGES] = "2024100700"


CASES: dict[Code, Case] = {
    Code.TOKEN_ABSENT: _no_secret("web_services"),
    Code.WIRE_SECRET_ABSENT: _no_secret("wire"),
    Code.SECRETS_UNREADABLE: _secrets_unreadable,
    Code.TLS_ABSENT: _over_http,
    Code.CERTIFICATE_UNTRUSTED: _certificate("certificate has expired"),
    Code.CERTIFICATE_EXPIRES: _certificate(days=5),
    Code.UNREACHABLE: lambda world: world.site(wwwroot="https://elsewhere.example.org"),
    Code.REDIRECTED: _answering(301, Location="https://www.example.org/"),
    Code.NOT_MOODLE: _answering(200, "<html><body>A page</body></html>"),
    Code.WEB_SERVICES_OFF: _answering(403),
    Code.MAINTENANCE: _answering(503, "<html>Back soon</html>", Retry_After="300"),
    Code.SERVER_FAILED: _answering(500),
    Code.TOKEN_INVALID: _refusing(SITE_INFO, "invalidtoken"),
    Code.TOKEN_REFUSED: lambda world: world.moodle.functions.clear(),
    Code.CALL_FAILED: _refusing(COURSES, "invalidresponse"),
    Code.OTHER_ADDRESS: _info(siteurl="https://www.moodle.example.org"),
    Code.VERSION_UNTRIED: _info(release="4.1.9 (Build: 20240212)", version="2022112809"),
    Code.TOKEN_OF_ADMIN: _info(userissiteadmin=True),
    Code.FUNCTION_MISSING: _without(USERS_BY_FIELD),
    Code.FUNCTIONS_BEYOND: _function_beyond,
    Code.PLUGIN_FUNCTIONS_MISSING: _plugin_without(Function.GET_DIGEST),
    Code.PLUGIN_FUNCTIONS_FEWER: _plugin_without(Function.SET_STANDINGS),
    Code.CLOCK_OFF: _clock(seconds=100),
    Code.CLOCK_FAR_OFF: _clock(minutes=-10),
    Code.NO_COURSE: _no_course,
    Code.COURSE_GONE: _course_gone,
    Code.COURSES_NOT_CHOSEN: _not_chosen,
    Code.NOTHING_CHOSEN: _not_chosen,
    Code.CAPABILITY_MISSING: _fields_missing,
    Code.CAPABILITY_ONE_OF: _activities_missing,
    Code.CAPABILITY_WANTED: _idnumber_told_to_nobody,
    Code.CAPABILITY_BEYOND: _manager,
    Code.PEOPLE_UNCOUNTED: _refusing(USERS_COURSES),
    Code.ATTENDANCE_UNREADABLE: _attendance,
    Code.ATTENDANCE_REFUSED: _attendance_refused,
    Code.MESSAGES_UNSENDABLE: _messages,
    Code.MESSAGES_REFUSED: _messages_refused,
    Code.COMPLETION_OFF: _completion_off,
    Code.COMPLETION_OFF_IN_COURSE: _completion_off_in_course,
    Code.CRON_UNKNOWN: _as_it_is,
    Code.CRON_NEVER: _plugin(lastcron=0),
    Code.CRON_LATE: _plugin_told("lastcron", timedelta(hours=1)),
    Code.PLUGIN_ABSENT: _as_it_is,
    Code.PLUGIN_FAILED: _plugin_fails,
    Code.PLUGIN_OLDER: _plugin(version=2025010100),
    Code.PLUGIN_NEWER: _plugin(version=2099010100),
    Code.PLUGIN_UNCONFIRMED: _plugin(confirmed=False, wwwroot="https://staging.example.org"),
    Code.PLUGIN_OTHER_EPOCH: _other_epoch,
    Code.PLUGIN_REFUSED: _plugin_told("lastdelivery", timedelta(days=1), lasterror="refused"),
    Code.PLUGIN_SILENT: _plugin_told("lastdelivery", timedelta(days=1)),
    Code.PLUGIN_WAITING: _plugin_told("oldestpending", timedelta(hours=1), pending=7),
    Code.PLUGIN_GAVE_UP: _plugin(dead=2),
    Code.PLUGIN_DROPPED: _plugin(dropped=40),
    Code.PLUGIN_UNWRITTEN: _plugin(outboxfailures=3),
    Code.EVENTS_NEVER: _events(None),
    Code.EVENTS_SILENT: _events(ago(LONG_AGO)),
    Code.COPY_REFUSED: _copy,
    Code.PING_FAILED: _ping(sent=False, outcome="http", httpstatus=502),
    Code.ROUND_TRIP_FAILED: _ping(sent=True, outcome="delivered", httpstatus=200),
    Code.INBOX_DEAD: _item("dead", reason="failed"),
    Code.INBOX_QUARANTINED: _item("quarantined", reason="bad_shape"),
    Code.INBOX_WAITING: _item("waiting", waits_for="course:9", received_at=ago(LONG_AGO)),
    Code.INBOX_BEHIND: _item("pending", due_at=ago(LONG_AGO)),
    Code.SWEEP_NEVER: lambda world: world.execute(delete(Sweep)),
    Code.SWEEP_LATE: _sweep("done", LONG_AGO),
    Code.SWEEP_FAILED: _sweep("failed", timedelta(hours=1), "core_course_get_contents: no_permission"),
    Code.COMMUNITIES_NONE: _no_community,
    Code.COURSE_IDNUMBERS_MISSING: lambda world: world.execute(update(MirrorCourse).values(idnumber="")),
    Code.COURSE_IDNUMBERS_DOUBLED: _two_courses_of_one_idnumber,
    Code.MODULE_IDNUMBERS_MISSING: lambda world: _unruled(world, idnumber=""),
    Code.MODULE_IDNUMBERS_DOUBLED: lambda world: world.modules(idnumber="ACT-01"),
    Code.ACTIVITIES_UNRULED: lambda world: _unruled(world, idnumber="NOTHING-1"),
    Code.ACTIVITIES_UNTRACKED: lambda world: world.modules(MirrorModule.module_id == SESSION_ACTIVITY, tracking=0),
    Code.RULES_UNMATCHED: _as_it_is,
    Code.PROVIDER_NAMES_ANYBODY: _provider_of_any_domain,
}


def _unruled(world: World, **values: Any) -> None:
    world.execute(text("UPDATE bindings SET status = 'seen', rule = NULL"))
    world.modules(section_name="", name="An activity", **values)
