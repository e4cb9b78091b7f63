"""Whatever may happen on a Moodle site, drawn by lot: by people, by administrators, and behind everybody's back."""

import random
from collections.abc import Callable

from sandbox.actions import Act, ActionRefusedError
from sandbox.site import Site
from tests.support.moodles import Clock

MANAGER, STUDENT, TEACHER = 1, 5, 4
PAUSES = (0.4, 7.0, 400.0, 7_200.0)


def assign_role(site: Site, user: int, course: int, role: int) -> None:
    with site.store.write() as db:
        db.execute("INSERT INTO role_assignments (roleid, course, userid) VALUES (?, ?, ?)", (role, course, user))


def unassign_role(site: Site, user: int, course: int, role: int) -> None:
    with site.store.write() as db:
        db.execute("DELETE FROM role_assignments WHERE roleid = ? AND course = ? AND userid = ?", (role, course, user))


def groups_of(site: Site, course: int) -> list[int]:
    return [row["id"] for row in site.rows("SELECT id FROM groups WHERE course = ? ORDER BY id", course)]


def set_groups(site: Site, user: int, course: int, groups: list[int]) -> None:
    """The groups of somebody in a course: these and no others."""
    with site.store.write() as db:
        mine = "DELETE FROM groups_members WHERE userid = ? AND groupid IN (SELECT id FROM groups WHERE course = ?)"
        db.execute(mine, (user, course))
        rows = [(group, user) for group in groups]
        db.executemany("INSERT INTO groups_members (groupid, userid) VALUES (?, ?)", rows)


def person(site: Site, username: str) -> int:
    """A new account: its id."""
    sql = (
        "INSERT INTO user (username, idnumber, firstname, lastname, email, city, agency)"
        " VALUES (?, ?, 'New', ?, ?, 'Oakland', 'Oakland Adult School')"
    )
    with site.store.write() as db:
        made = db.execute(sql, (username, username.upper(), username, f"{username}@example.org"))
        return int(made.lastrowid or 0)


def delete_course(site: Site, course: int) -> None:
    """Whole and untold."""
    modules = "(SELECT id FROM course_modules WHERE course = :course)"
    groups = "(SELECT id FROM groups WHERE course = :course)"
    tables = {
        "course_modules_completion": f"coursemoduleid IN {modules}",
        "course_completion_criteria": "course = :course",
        "course_completions": "course = :course",
        "course_modules": "course = :course",
        "course_sections": "course = :course",
        "groups_members": f"groupid IN {groups}",
        "groupings_groups": f"groupid IN {groups}",
        "groupings": "course = :course",
        "groups": "course = :course",
        "user_enrolments": "course = :course",
        "role_assignments": "course = :course",
        "enrol": "courseid = :course",
        "course": "id = :course",
    }
    with site.store.write() as db:
        for table, where in tables.items():
            db.execute(f"DELETE FROM {table} WHERE {where}", {"course": course})  # noqa: S608 - tables of ours


def enrolled(site: Site, user: int, course: int) -> bool:
    return bool(site.rows("SELECT 1 FROM user_enrolments WHERE userid = ? AND course = ?", user, course))


class Happenings:
    """Draws from a seed what happens next in some courses. `log` says what did.

    `newcomers`: people who aren't in these courses yet.
    """

    def __init__(self, site: Site, clock: Clock, seed: int, courses: list[int], newcomers: list[int]) -> None:
        self.log: list[str] = []
        self._site, self._clock, self._courses = site, clock, courses
        self._newcomers = newcomers
        self._lots = random.Random(seed)
        self._first = {course: self._modules(course) for course in courses}
        self._kinds: dict[Callable[[], None], int] = {
            self._does: 16,
            self._undoes: 6,
            self._graded: 2,
            self._overridden: 3,
            self._quiz: 3,
            self._comes_or_goes: 4,
            self._status: 3,
            self._expires: 1,
            self._role: 2,
            self._groups: 2,
            self._account: 2,
            self._renamed: 2,
            self._added: 1,
            self._deleted: 1,
            self._unlocked: 1,
            self._reset: 1,
            self._course: 1,
            self._copied: 1,
        }

    def one(self) -> None:
        """Let one thing happen, and some time pass."""
        self._clock.tick(self._lots.choice(PAUSES))
        kind = self._lots.choices(list(self._kinds), list(self._kinds.values()))[0]
        try:
            kind()
        except ActionRefusedError:
            self.log.append("refused")

    def _act(self) -> Act:
        return self._lots.choice((self._site.act, self._site.act, self._site.unseen))

    def _say(self, *what: object) -> None:
        self.log.append(f"{self._clock.now - 1.79e9:.1f} " + " ".join(map(str, what)))

    def _modules(self, course: int) -> list[int]:
        sql = "SELECT id FROM course_modules WHERE course = ? AND completion > 0 ORDER BY id"
        return [row["id"] for row in self._site.rows(sql, course)]

    def _where(self) -> int:
        return self._lots.choice(self._courses)

    def _who(self, course: int) -> int:
        # Few people, so that much happens to one and the same.
        return self._lots.choice(self._site.participants(course)[:4])

    def _what(self) -> tuple[int, int]:
        course = self._where()
        return self._who(course), self._lots.choice(self._modules(course)[:6])

    def _does(self) -> None:
        user, module = self._what()
        self._say("completes", user, module)
        self._act().complete(user, module)

    def _undoes(self) -> None:
        rows = self._site.world().completions
        done = [row for row in rows if row["state"] and row["course"] in self._courses]
        if done:
            row = self._lots.choice(done)
            self._say("undoes", row["user"], row["module"])
            self._act().undo(row["user"], row["module"])

    def _graded(self) -> None:
        user, module = self._what()
        self._say("graded", user, module)
        self._site.silent.grade_in_bulk(module, {user: self._lots.choice((3.0, 8.0))})

    def _overridden(self) -> None:
        user, module = self._what()
        self._say("overridden", user, module)
        self._act().override(user, module, complete=self._lots.random() < 0.6)

    def _quiz(self) -> None:
        course = self._where()
        user = self._who(course)
        sql = "SELECT id FROM course_modules WHERE course = ? AND modname = 'quiz' ORDER BY id"
        quiz = self._site.rows(sql, course)
        if quiz:
            self._say("tries the quiz", user, quiz[0]["id"])
            self._act().attempt_quiz(user, quiz[0]["id"], passes=self._lots.random() < 0.5)

    def _comes_or_goes(self) -> None:
        course = self._where()
        user = self._lots.choice([*self._site.participants(course)[:4], *self._newcomers])
        act = self._act()
        if enrolled(self._site, user, course):
            self._say("leaves", user, course)
            act.leave(user, course)
        else:
            self._say("enrols", user, course)
            act.enrol(user, course, timestart=0)

    def _status(self) -> None:
        course = self._where()
        user, act = self._who(course), self._act()
        self._say("suspended or resumed", user, course)
        self._lots.choice((act.suspend, act.resume))(user, course)

    def _expires(self) -> None:
        course = self._where()
        user = self._who(course)
        self._say("expires", user, course)
        self._site.silent.expire(user, course)

    def _role(self) -> None:
        course = self._where()
        user = self._who(course)
        role = self._lots.choice((MANAGER, STUDENT, TEACHER))
        has = self._site.rows(
            "SELECT 1 FROM role_assignments WHERE userid = ? AND course = ? AND roleid = ?", user, course, role
        )
        self._say("role", user, course, role, not has)
        (unassign_role if has else assign_role)(self._site, user, course, role)

    def _groups(self) -> None:
        course = self._where()
        user = self._who(course)
        groups = [group for group in groups_of(self._site, course) if self._lots.random() < 0.5]
        self._say("groups", user, groups)
        set_groups(self._site, user, course, groups)

    def _account(self) -> None:
        user = self._who(self._where())
        number = self._lots.randrange(1000)
        self._say("account", user)
        fields = self._lots.choice(({"lastname": f"Name {number}"}, {"email": f"m{number}@example.org"}))
        self._site.silent.change_account(user, told=self._lots.random() < 0.5, **fields)

    def _renamed(self) -> None:
        # Only what both houses knew from the start: of two forms the earlier one binds.
        course = self._where()
        left = sorted(set(self._first[course]) & set(self._modules(course)))
        if left:
            module, number = self._lots.choice(left), self._lots.randrange(1000)
            self._say("renamed", module)
            fields = self._lots.choice(({"name": f"Work {number}"}, {"idnumber": f"ACT-{number}"}, {"visible": 0}))
            self._site.silent.change_module(module, told=self._lots.random() < 0.5, **fields)

    def _added(self) -> None:
        course = self._where()
        made = self._site.silent.add_module(course, name="Read: one thing more", told=self._lots.random() < 0.5)
        self._say("added", course, made)

    def _deleted(self) -> None:
        module = self._lots.choice(self._modules(self._where()))
        self._say("deleted", module)
        self._site.silent.delete_module(module, told=self._lots.random() < 0.5)

    def _unlocked(self) -> None:
        module = self._lots.choice(self._modules(self._where())[:6])
        self._say("unlocked", module)
        self._site.silent.unlock(module)

    def _reset(self) -> None:
        course = self._where()
        self._say("reset", course)
        self._site.silent.reset(course)

    def _course(self) -> None:
        course = self._where()
        self._say("course renamed", course)
        self._site.silent.change_course(course, fullname=f"Another name {self._lots.randrange(9)}", told=True)

    def _copied(self) -> None:
        if not any("copied" in line for line in self.log):
            made, _ = self._site.silent.duplicate(self._where())
            self._say("copied to", made)
