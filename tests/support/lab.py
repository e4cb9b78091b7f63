"""A Moodle course small enough to think through: what one does there, as events and readings of the wire."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid5

COURSE = 2
STUDENT, TEACHER = 5, 4
IDNUMBER = "COP-EBWI-BAY"
START = 1_795_200_000
NAMESPACE = UUID("018f6c2e-0000-7000-8000-0000000000bb")


@dataclass(frozen=True)
class Item:
    """One thing that is sent: an event of a sender, or a reading."""

    sender: str
    content: dict[str, Any]

    def as_event(self, number: int, copy: int = 0) -> dict[str, Any]:
        """The event with an id; another copy has another one, so that only facts can tell that it is the same."""
        return {"id": str(uuid5(NAMESPACE, f"{number}/{copy}")), "sequence": number, "data": self.content}


@dataclass
class Module:
    name: str
    idnumber: str = ""
    modname: str = "page"
    present: bool = True
    minutes: int | None = None
    """What its form in Moodle declares."""
    component: str = ""


@dataclass
class Lab:
    """The state of the site. Every method that does something adds its items to `items`."""

    now: int = START
    reads: int = 0
    idnumber: str = IDNUMBER
    modules: dict[int, Module] = field(default_factory=dict)
    enrolments: dict[int, dict[int, list[int]]] = field(default_factory=dict)
    """By user, then row id: status and end."""
    roles: dict[int, dict[int, int]] = field(default_factory=dict)
    groups: dict[int, set[int]] = field(default_factory=dict)
    completions: dict[tuple[int, int], tuple[int, int, int | None]] = field(default_factory=dict)
    """By (module, user): state, timemodified, overrideby."""
    deleted: set[int] = field(default_factory=set)
    items: list[Item] = field(default_factory=list)
    rows: int = 100

    def event(self, name: str, *, sender: str = "wire", **values: Any) -> None:
        data = {"eventname": rf"\core\event\{name}", "courseid": str(COURSE), "timecreated": self.now} | values
        self.items.append(Item(sender, data))

    def read(self, kind: str, *, whole: bool = False, **values: Any) -> None:
        """A reading, later than every event of this second and than every reading before; or of the `whole` second."""
        self.reads += 1
        moment = self.now if whole else self.now + self.reads / 10_000
        self.items.append(Item("reading", {"kind": kind, "read_at": moment} | values))

    def row(self) -> int:
        self.rows += 1
        return self.rows

    def set_state(
        self, module: int, user: int, state: int, *, by: int | None = None, sender: str = "wire", keep: bool = True
    ) -> None:
        """A completion changes; `keep` False: in a transaction that is rolled back."""
        if keep:
            self.completions[module, user] = (state, self.now, by)
        other = {"relateduserid": str(user), "overrideby": by, "completionstate": state}
        ids: dict[str, Any] = {"contextlevel": 70, "contextinstanceid": str(module), "relateduserid": user}
        self.event("course_module_completion_updated", sender=sender, objectid=1, userid=by or user, other=other, **ids)

    def view(self, module: int, user: int) -> None:
        """A first view: state 0, then 1."""
        self.set_state(module, user, 0)
        self.set_state(module, user, 1)

    def enrol(self, user: int, role: int = STUDENT, *, until: int = 0) -> None:
        enrolment, assignment = self.row(), self.row()
        self.enrolments.setdefault(user, {})[enrolment] = [0, until]
        self._about("user_enrolment_created", user, enrolment, {"enrol": "manual"})
        self.roles.setdefault(user, {})[assignment] = role
        self._about("role_assigned", user, role, {"id": assignment})

    def leave(self, user: int) -> None:
        for assignment, role in sorted(self.roles.pop(user, {}).items()):
            self._about("role_unassigned", user, role, {"id": str(assignment)})
        left = sorted(self.enrolments.pop(user, {}))
        for enrolment in left:
            row = {"id": str(enrolment), "lastenrol": enrolment == left[-1]}
            self._about("user_enrolment_deleted", user, enrolment, {"enrol": "manual", "userenrolment": row})

    def lose(self, user: int) -> None:
        """A user's rows go, and the events of it never arrive."""
        for held in (self.enrolments, self.roles, self.groups):
            held.pop(user, None)

    def suspend(self, user: int, status: int) -> None:
        for enrolment, row in self.enrolments.get(user, {}).items():
            row[0] = status
            self._about("user_enrolment_updated", user, enrolment, {"enrol": "manual"})

    def assign_role(self, user: int, role: int) -> None:
        assignment = self.row()
        self.roles.setdefault(user, {})[assignment] = role
        self._about("role_assigned", user, role, {"id": assignment})

    def unassign_roles(self, user: int) -> None:
        for assignment, role in sorted(self.roles.pop(user, {}).items()):
            self._about("role_unassigned", user, role, {"id": str(assignment)})

    def group(self, user: int, group: int, *, member: bool) -> None:
        members = self.groups.setdefault(user, set())
        (members.add if member else members.discard)(group)
        self._about("group_member_added" if member else "group_member_removed", user, group, {})

    def _about(self, name: str, user: int, row: int, other: dict[str, Any]) -> None:
        self.event(name, objectid=row, contextlevel=50, contextinstanceid=COURSE, relateduserid=str(user), other=other)

    def delete_module(self, module: int) -> None:
        self.modules[module].present = False
        for key in [key for key in self.completions if key[0] == module]:
            del self.completions[key]
        self.event("course_module_deleted", objectid=module, contextlevel=70, contextinstanceid=module)

    def reset(self) -> None:
        self.completions.clear()
        self.event("course_reset_ended", objectid=None, contextlevel=50, contextinstanceid=COURSE)

    def delete_account(self, user: int) -> None:
        self.leave(user)
        self.deleted.add(user)
        self.event("user_deleted", objectid=user, courseid=0, relateduserid=user, contextlevel=30)

    def read_course(self) -> None:
        self.read("course", course=COURSE, present=True, shortname="C", fullname="Course", idnumber=self.idnumber)

    def read_role(self, role: int) -> None:
        self.read("role", role=role, shortname={STUDENT: "student", TEACHER: "teacher"}[role])

    def read_module(self, module: int, *, hours: bool = False) -> None:
        """`hours`: by a sender that reads what the form declares."""
        held = self.modules[module]
        values: dict[str, Any] = {
            "modname": held.modname,
            "name": held.name,
            "idnumber": held.idnumber,
            "section_name": "Work",
        }
        if hours:
            values |= {"minutes": held.minutes, "component": held.component}
        self.read("module", module=module, course=COURSE, present=held.present, **(values if held.present else {}))

    def read_account(self, user: int) -> None:
        self.read("account", user=user, present=user not in self.deleted)

    def read_pair(self, user: int) -> None:
        """All rows of a user in the course."""
        names = {STUDENT: "student", TEACHER: "teacher"}
        self.read(
            "enrolment",
            course=COURSE,
            user=user,
            enrolments=[
                {"id": row, "method": "manual", "status": status, "timestart": 0, "timeend": until}
                for row, (status, until) in self.enrolments.get(user, {}).items()
            ],
            roles=[{"id": row, "role": r, "shortname": names[r]} for row, r in self.roles.get(user, {}).items()],
            groups=[{"id": group, "name": f"Group {group}"} for group in sorted(self.groups.get(user, ()))],
        )

    def read_roughly(self, user: int) -> None:
        """All of a user in the course as core web services tell it: without ids and dates."""
        names = {STUDENT: "student", TEACHER: "teacher"}
        rows = self.enrolments.get(user, {}).values()
        self.read(
            "enrolment",
            course=COURSE,
            user=user,
            enrolments=[{"status": min(status for status, _ in rows)}] if rows else [],
            roles=[{"role": r, "shortname": names[r]} for r in sorted(set(self.roles.get(user, {}).values()))],
            groups=[{"id": group, "name": f"Group {group}"} for group in sorted(self.groups.get(user, ()))],
        )

    def read_completions(self, user: int) -> None:
        """All completions of a user in the course at once."""
        held = {module: self.completions.get((module, user)) for module in self.modules}
        rows = [
            {"module": module, "state": row[0], "timemodified": row[1], "overrideby": row[2]}
            for module, row in held.items()
            if row
        ]
        self.read("completions", course=COURSE, user=user, among=sorted(self.modules), rows=rows)

    def read_completion(self, module: int, user: int, *, whole: bool = False) -> None:
        held = self.completions.get((module, user))
        values = {"state": held[0], "timemodified": held[1], "overrideby": held[2]} if held else {}
        row = {"module": module, "course": COURSE, "user": user, "present": held is not None} | values
        self.read("completion", whole=whole, **row)

    def read_everything(self, users: list[int]) -> None:
        self.read_course()
        for module in self.modules:
            self.read_module(module)
        for user in users:
            self.read_account(user)
            self.read_pair(user)
            for module in self.modules:
                self.read_completion(module, user)
