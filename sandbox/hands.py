"""What people change by hand in courses that were set up otherwise, beyond `silent`; `site.hands`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any

from sandbox import activities, courses, enrolments, joining, sections
from sandbox.content import ADMIN
from sandbox.copying import new_id
from sandbox.store import need, one, set_config
from sandbox.telling import changed, of_course
from sandbox.work import ActionRefusedError, Done, Work


class Hands:
    """An administrator's changes, each told by its events unless `told` is False."""

    def __init__(self, working: Callable[..., AbstractContextManager[Work]]) -> None:
        self._working = working

    def add_category(self, name: str, idnumber: str = "", parent: int = 0, *, told: bool = True) -> int:
        """A new category: its id."""
        with self._working(told=told) as work:
            return courses.add_category(work, name, idnumber, parent, ADMIN)

    def add_cohort(self, name: str, idnumber: str = "", category: int = 0, members: Iterable[int] = ()) -> int:
        """A new cohort of the site or of a category: its id."""
        with self._working() as work:
            row = (name, idnumber, category)
            made = work.db.execute("INSERT INTO cohort (name, idnumber, category) VALUES (?, ?, ?)", row).lastrowid
            for user in members:
                need(work.db, "user", user)
                work.db.execute("INSERT INTO cohort_members VALUES (?, ?)", (made, user))
            return int(made or 0)

    def set_cohort_sync(self, *, on: bool) -> None:
        """Whether cohorts can be enrolled on this site."""
        with self._working() as work:
            set_config(work.db, "cohortsync", "" if on else "off")

    def define_field(
        self, shortname: str, kind: str = "text", options: Iterable[str] = (), *, required: bool = False
    ) -> None:
        """A custom field of courses: text, select with its options, checkbox, date, number."""
        with self._working() as work:
            row = (shortname, kind, json.dumps(list(options)), required)
            work.db.execute("REPLACE INTO customfield_field VALUES (?, ?, ?, ?)", row)

    def set_completion(self, course: int, *, on: bool) -> Done:
        """Whether the course tracks completion."""
        with self._working() as work:
            row = need(work.db, "course", course)
            courses.set_beside(work.db, course, {"enablecompletion": int(on)})
            names = {name: row[name] for name in ("shortname", "fullname")}
            updated = {"enablecompletion": int(on)}
            return work.write([of_course(work, "course_updated", row, course, **names, updatedfields=updated)])

    def move_course(self, course: int, category: int) -> Done:
        """Put the course into another category."""
        with self._working() as work:
            where = courses.category(work.db, category)
            sql = "UPDATE course SET category = ?, categoryname = ? WHERE id = ?"
            work.db.execute(sql, (category, where["name"], course))
            row = need(work.db, "course", course)
            names = {name: row[name] for name in ("shortname", "fullname")}
            updated = {"category": category}
            return work.write([of_course(work, "course_updated", row, course, **names, updatedfields=updated)])

    def add_section(self, course: int, number: int, name: str = "") -> None:
        """A new section."""
        with self._working() as work:
            sections.change(work, course, number, ADMIN, name)

    def change_section(
        self,
        course: int,
        number: int,
        *,
        name: str | None = None,
        summary: str | None = None,
        visible: bool | None = None,
        told: bool = True,
    ) -> bool:
        """Rename a section, hide it with what is in it, show it again."""
        with self._working(told=told) as work:
            if sections.find(work, course, number) is None:
                raise LookupError(f"no section {number} in course {course}")
            return sections.change(work, course, number, ADMIN, name, summary, visible)

    def delete_section(self, course: int, number: int) -> None:
        """Delete an empty section."""
        with self._working() as work:
            sections.delete(work, course, number, ADMIN)

    def move(self, module: int, section: int, *, told: bool = True) -> bool:
        """Move an activity to another section."""
        return self._change(module, told, section=section)

    def set_rules(self, module: int, tracking: str, *, told: bool = True, **wanted: Any) -> bool:
        """Other completion rules; whoever completed it is forgotten, as when a teacher unlocks them."""
        return self._change(module, told, completion={"tracking": tracking, **wanted})

    def _change(self, module: int, told: bool, **wanted: Any) -> bool:
        with self._working(told=told) as work:
            row = work.module(module)
            answer: dict[str, Any] = {}
            activities.change(work, row["course"], {"cmid": module, "unlock": True} | wanted, answer, ADMIN)
            return answer.get("outcome") == "changed"

    def add_group(self, course: int, name: str, idnumber: str = "") -> int:
        """A new group: its id."""
        with self._working() as work:
            made = new_id(work.db, "groups")
            work.db.execute("INSERT INTO groups VALUES (?, ?, ?, ?)", (made, course, name, idnumber))
            work.write([of_course(work, "group_created", need(work.db, "course", course), made)])
            return made

    def rename_group(self, group: int, name: str, idnumber: str | None = None, *, told: bool = True) -> Done:
        """Another name, and another idnumber where one is given."""
        with self._working(told=told) as work:
            row = need(work.db, "groups", group)
            new = (name, row["idnumber"] if idnumber is None else idnumber, group)
            work.db.execute("UPDATE groups SET name = ?, idnumber = ? WHERE id = ?", new)
            event = of_course(work, "group_created", need(work.db, "course", row["course"]), group)
            return work.write([changed(event, "updated", "u")])

    def remove_group(self, group: int, *, told: bool = True) -> Done:
        """Delete a group; its members stay enrolled."""
        with self._working(told=told) as work:
            row = need(work.db, "groups", group)
            for user in work.db.execute("SELECT userid FROM groups_members WHERE groupid = ?", (group,)).fetchall():
                joining.remove_member(work, row, user["userid"], ADMIN)
            work.db.execute("DELETE FROM groupings_groups WHERE groupid = ?", (group,))
            work.db.execute("DELETE FROM groups WHERE id = ?", (group,))
            event = of_course(work, "group_created", need(work.db, "course", row["course"]), group)
            return work.write([changed(event, "deleted", "d")])

    def put_into_group(self, group: int, user: int) -> None:
        """One member more."""
        with self._working() as work:
            joining.add_member(work, need(work.db, "groups", group), user, ADMIN)

    def take_out_of_group(self, group: int, user: int) -> None:
        """One member less."""
        with self._working() as work:
            joining.remove_member(work, need(work.db, "groups", group), user, ADMIN)

    def change_role(self, user: int, course: int, role: int, instead_of: int) -> Done:
        """Give a role in a course and take another."""
        with self._working() as work:
            sql = "SELECT id FROM role_assignments WHERE course = ? AND userid = ? AND roleid = ?"
            held = one(work.db, sql, course, user, instead_of)
            if held is None:
                raise ActionRefusedError("This person doesn't have that role in the course.")
            work.db.execute("DELETE FROM role_assignments WHERE id = ?", (held["id"],))
            events = [joining.role_event(work, "role_unassigned", course, user, instead_of, held["id"], ADMIN)]
            assigned = enrolments.assign(work, user, course, role)
            if assigned:
                events.append(joining.role_event(work, "role_assigned", course, user, role, assigned, ADMIN))
            return work.write(events)

    def switch_method(self, course: int, method: str, *, on: bool) -> Done:
        """Switch an enrolment method of the course on or off, made where it isn't there."""
        with self._working() as work:
            row = enrolments.instance(work.db, course, method)
            work.db.execute("UPDATE enrol SET status = ? WHERE id = ?", (int(not on), row["id"]))
            where = need(work.db, "course", course)
            return work.write([of_course(work, "enrol_instance_updated", where, row["id"], enrol=method)])

    def change_event(self, event: int, **fields: Any) -> None:
        """Another name, timestart or timeduration (seconds) of a calendar event: untold."""
        if not fields or not set(fields) <= {"name", "timestart", "timeduration", "description", "visible"}:
            raise TypeError("a calendar event has no such fields here")
        with self._working() as work:
            need(work.db, "event", event)
            sets = ", ".join(f"{name} = ?" for name in fields)
            work.db.execute(f"UPDATE event SET {sets} WHERE id = ?", (*fields.values(), event))  # noqa: S608 - ours

    def delete_event(self, event: int) -> None:
        """Delete a calendar event: untold."""
        with self._working() as work:
            work.db.execute("DELETE FROM event WHERE id = ?", (event,))
