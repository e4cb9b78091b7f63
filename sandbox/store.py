"""The site's tables in one SQLite file, and the one lock that every reader and writer takes."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Row = sqlite3.Row
Db = sqlite3.Connection

APPLICATION_ID = 0x436F5053

SCHEMA = """
CREATE TABLE config (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE course (
  id INTEGER PRIMARY KEY, shortname TEXT NOT NULL, fullname TEXT NOT NULL, idnumber TEXT NOT NULL,
  category INTEGER NOT NULL, categoryname TEXT NOT NULL, visible INTEGER NOT NULL DEFAULT 1,
  startdate INTEGER NOT NULL, enddate INTEGER NOT NULL, timecreated INTEGER NOT NULL,
  contextid INTEGER NOT NULL, summary TEXT NOT NULL DEFAULT '');
CREATE TABLE course_sections (
  id INTEGER PRIMARY KEY, course INTEGER NOT NULL REFERENCES course, section INTEGER NOT NULL,
  name TEXT NOT NULL, UNIQUE (course, section));
CREATE TABLE course_modules (
  id INTEGER PRIMARY KEY, course INTEGER NOT NULL REFERENCES course, modname TEXT NOT NULL,
  instance INTEGER NOT NULL, section INTEGER NOT NULL REFERENCES course_sections,
  name TEXT NOT NULL, idnumber TEXT NOT NULL, completion INTEGER NOT NULL,
  visible INTEGER NOT NULL DEFAULT 1, added INTEGER NOT NULL, contextid INTEGER NOT NULL,
  UNIQUE (modname, instance));
CREATE TABLE user (
  id INTEGER PRIMARY KEY, username TEXT NOT NULL UNIQUE, idnumber TEXT NOT NULL,
  firstname TEXT NOT NULL, lastname TEXT NOT NULL, email TEXT NOT NULL,
  suspended INTEGER NOT NULL DEFAULT 0, deleted INTEGER NOT NULL DEFAULT 0,
  city TEXT NOT NULL, agency TEXT NOT NULL, lastaccess INTEGER NOT NULL DEFAULT 0);
CREATE TABLE role (id INTEGER PRIMARY KEY, shortname TEXT NOT NULL UNIQUE, sortorder INTEGER);
CREATE TABLE role_assignments (
  id INTEGER PRIMARY KEY AUTOINCREMENT, roleid INTEGER NOT NULL REFERENCES role,
  course INTEGER NOT NULL REFERENCES course, userid INTEGER NOT NULL REFERENCES user);
CREATE TABLE user_enrolments (
  id INTEGER PRIMARY KEY AUTOINCREMENT, status INTEGER NOT NULL, enrolid INTEGER NOT NULL,
  course INTEGER NOT NULL REFERENCES course, userid INTEGER NOT NULL REFERENCES user,
  timestart INTEGER NOT NULL, timeend INTEGER NOT NULL, modifierid INTEGER NOT NULL,
  timecreated INTEGER NOT NULL, timemodified INTEGER NOT NULL, UNIQUE (enrolid, userid));
CREATE TABLE groups (
  id INTEGER PRIMARY KEY, course INTEGER NOT NULL REFERENCES course, name TEXT NOT NULL,
  idnumber TEXT NOT NULL);
CREATE TABLE groups_members (
  id INTEGER PRIMARY KEY AUTOINCREMENT, groupid INTEGER NOT NULL REFERENCES groups,
  userid INTEGER NOT NULL REFERENCES user, UNIQUE (groupid, userid));
CREATE TABLE course_modules_completion (
  id INTEGER PRIMARY KEY AUTOINCREMENT, coursemoduleid INTEGER NOT NULL REFERENCES course_modules,
  userid INTEGER NOT NULL REFERENCES user, completionstate INTEGER NOT NULL,
  viewed INTEGER NOT NULL DEFAULT 0, overrideby INTEGER, timemodified INTEGER NOT NULL,
  UNIQUE (userid, coursemoduleid));
CREATE TABLE course_completion_criteria (
  course INTEGER NOT NULL REFERENCES course, moduleinstance INTEGER NOT NULL,
  PRIMARY KEY (course, moduleinstance));
CREATE TABLE course_completions (
  id INTEGER PRIMARY KEY AUTOINCREMENT, userid INTEGER NOT NULL, course INTEGER NOT NULL,
  timecompleted INTEGER NOT NULL, UNIQUE (userid, course));
CREATE TABLE external_tokens (
  token TEXT PRIMARY KEY, userid INTEGER NOT NULL UNIQUE REFERENCES user);
CREATE TABLE numbers (
  kind TEXT NOT NULL, key TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (kind, key));
CREATE TABLE outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT, uuid TEXT NOT NULL UNIQUE, data TEXT NOT NULL,
  created REAL NOT NULL);
"""

ADDED = """
CREATE TABLE IF NOT EXISTS course_categories (id INTEGER PRIMARY KEY, idnumber TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS groupings (
  id INTEGER PRIMARY KEY, course INTEGER NOT NULL REFERENCES course, name TEXT NOT NULL,
  idnumber TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS groupings_groups (
  groupingid INTEGER NOT NULL REFERENCES groupings, groupid INTEGER NOT NULL REFERENCES groups,
  PRIMARY KEY (groupingid, groupid));
CREATE TABLE IF NOT EXISTS enrol (
  id INTEGER PRIMARY KEY, courseid INTEGER NOT NULL REFERENCES course, enrol TEXT NOT NULL,
  status INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS customfield_data (
  course INTEGER NOT NULL REFERENCES course, shortname TEXT NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY (course, shortname));
CREATE TABLE IF NOT EXISTS user_lastaccess (
  userid INTEGER NOT NULL, courseid INTEGER NOT NULL, timeaccess INTEGER NOT NULL,
  PRIMARY KEY (userid, courseid));
CREATE TABLE IF NOT EXISTS originals (course INTEGER PRIMARY KEY, original INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS hours (
  id INTEGER PRIMARY KEY, cmid INTEGER NOT NULL UNIQUE, minutes INTEGER NOT NULL, component TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS lacking (
  userid INTEGER NOT NULL, capability TEXT NOT NULL, PRIMARY KEY (userid, capability));
CREATE TABLE IF NOT EXISTS standings (
  course INTEGER NOT NULL, userid INTEGER NOT NULL, asof INTEGER NOT NULL, data TEXT NOT NULL,
  PRIMARY KEY (course, userid));
CREATE TABLE IF NOT EXISTS attendance_statuses (
  id INTEGER PRIMARY KEY, attendanceid INTEGER NOT NULL, acronym TEXT NOT NULL, description TEXT NOT NULL,
  grade REAL NOT NULL, visible INTEGER NOT NULL DEFAULT 1, deleted INTEGER NOT NULL DEFAULT 0,
  setnumber INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS attendance_sessions (
  id INTEGER PRIMARY KEY AUTOINCREMENT, attendanceid INTEGER NOT NULL, groupid INTEGER NOT NULL,
  sessdate INTEGER NOT NULL, duration INTEGER NOT NULL, lasttaken INTEGER, lasttakenby INTEGER NOT NULL DEFAULT 0,
  timemodified INTEGER NOT NULL, description TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS attendance_log (
  id INTEGER PRIMARY KEY AUTOINCREMENT, sessionid INTEGER NOT NULL, studentid INTEGER NOT NULL,
  statusid INTEGER NOT NULL, remarks TEXT, UNIQUE (sessionid, studentid));
CREATE TABLE IF NOT EXISTS messages (
  id INTEGER PRIMARY KEY AUTOINCREMENT, useridfrom INTEGER NOT NULL, useridto INTEGER NOT NULL,
  fullmessage TEXT NOT NULL, timecreated INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS message_users_blocked (
  userid INTEGER NOT NULL, blockeduserid INTEGER NOT NULL, PRIMARY KEY (userid, blockeduserid));
CREATE TABLE IF NOT EXISTS category_tree (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, parent INTEGER NOT NULL DEFAULT 0, visible INTEGER NOT NULL DEFAULT 1);
CREATE TABLE IF NOT EXISTS course_settings (
  course INTEGER PRIMARY KEY, format TEXT NOT NULL, groupmode INTEGER NOT NULL, enablecompletion INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS section_settings (
  section INTEGER PRIMARY KEY, named INTEGER NOT NULL, visible INTEGER NOT NULL, summary TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS module_rules (cmid INTEGER PRIMARY KEY, rules TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS hidden_with_section (cmid INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS customfield_field (
  shortname TEXT PRIMARY KEY, type TEXT NOT NULL, options TEXT NOT NULL, required INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS cohort (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, idnumber TEXT NOT NULL, category INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS cohort_members (
  cohortid INTEGER NOT NULL, userid INTEGER NOT NULL, PRIMARY KEY (cohortid, userid));
CREATE TABLE IF NOT EXISTS enrol_settings (
  enrolid INTEGER PRIMARY KEY, roleid INTEGER NOT NULL, cohort INTEGER NOT NULL, groupid INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS user_auth (userid INTEGER PRIMARY KEY, auth TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS event (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, description TEXT NOT NULL, format INTEGER NOT NULL,
  courseid INTEGER NOT NULL, groupid INTEGER NOT NULL, userid INTEGER NOT NULL, eventtype TEXT NOT NULL,
  timestart INTEGER NOT NULL, timeduration INTEGER NOT NULL, visible INTEGER NOT NULL, sequence INTEGER NOT NULL,
  timemodified INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS event_course ON event (courseid);
INSERT OR IGNORE INTO category_tree (id, name) SELECT category, categoryname FROM course GROUP BY category;
CREATE INDEX IF NOT EXISTS messages_to ON messages (useridto);
CREATE INDEX IF NOT EXISTS enrolments_course ON user_enrolments (course, userid);
CREATE INDEX IF NOT EXISTS enrolments_user ON user_enrolments (userid, course);
CREATE INDEX IF NOT EXISTS roles_course ON role_assignments (course, userid);
CREATE INDEX IF NOT EXISTS members_user ON groups_members (userid);
CREATE INDEX IF NOT EXISTS modules_course ON course_modules (course);
CREATE INDEX IF NOT EXISTS completions_module ON course_modules_completion (coursemoduleid);
INSERT OR IGNORE INTO enrol (id, courseid, enrol) SELECT c.id, c.id, 'manual' FROM course c
  WHERE NOT EXISTS (SELECT 1 FROM enrol e WHERE e.courseid = c.id);
"""
"""Tables that an earlier sandbox's file lacks: it gets them, empty. Its enrolments were all by hand,
each course's instance had the course's own id."""


class StateError(Exception):
    """The state file can't be used; the message is one sentence for the person who started it."""


class Store:
    """One SQLite file. Every use holds the lock, so a reading is true at its very `read_at`."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        except (OSError, sqlite3.Error) as err:
            raise StateError(f"The state file {path} can't be opened: {err}.") from err
        self._db.row_factory = sqlite3.Row
        try:
            self.is_new = self._open()
        except sqlite3.Error as err:
            self._db.close()
            raise StateError(f"{path} can't be used as the sandbox's state: {err}.") from err
        except StateError:
            self._db.close()
            raise

    def _open(self) -> bool:
        owner = int(self._db.execute("PRAGMA application_id").fetchone()[0])
        tables = int(self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
        if tables and owner != APPLICATION_ID:
            raise StateError("The state file belongs to another program; name another file.")
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.execute("PRAGMA foreign_keys = ON")
        self._db.execute("PRAGMA busy_timeout = 5000")
        mark = f"PRAGMA application_id = {APPLICATION_ID};"
        script = ADDED if tables else f"{SCHEMA} {ADDED} {mark}"
        self._db.executescript(f"BEGIN IMMEDIATE; {script} COMMIT;")
        return not tables

    @contextmanager
    def write(self) -> Iterator[Db]:
        """One transaction: what it changes and the events it writes stand or fall together."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    @contextmanager
    def read(self) -> Iterator[Db]:
        """A consistent view: nobody in this process writes while it is held."""
        with self._lock:
            yield self._db

    def close(self) -> None:
        """Close the file; using the store afterwards is an error."""
        with self._lock:
            self._db.close()


def config(db: Db, name: str) -> str:
    """A value that the site keeps about itself."""
    row = db.execute("SELECT value FROM config WHERE name = ?", (name,)).fetchone()
    return "" if row is None else str(row["value"])


def set_config(db: Db, name: str, value: str) -> None:
    """Keep a value about the site itself."""
    db.execute(
        "INSERT INTO config VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (name, value),
    )


def number(db: Db, kind: str, key: str) -> int:
    """The id of a thing that the sandbox has no table for (a grade, a submission): the same
    key always gets the same id, and no key a new one."""
    row = db.execute("SELECT id FROM numbers WHERE kind = ? AND key = ?", (kind, key)).fetchone()
    if row is not None:
        return int(row["id"])
    last = db.execute("SELECT max(id) FROM numbers WHERE kind = ?", (kind,)).fetchone()[0]
    new = int(last or 0) + 1
    db.execute("INSERT INTO numbers VALUES (?, ?, ?)", (kind, key or f"#{new}", new))
    return new


def one(db: Db, sql: str, *values: Any) -> Row | None:
    """The first row of a query, or nothing."""
    row: Row | None = db.execute(sql, values).fetchone()
    return row


def need(db: Db, table: str, row_id: int) -> Row:
    """The row with this id; `LookupError` when there is none."""
    row = one(db, f"SELECT * FROM {table} WHERE id = ?", row_id)  # noqa: S608 - a table of ours
    if row is None:
        raise LookupError(f"no row {row_id} in {table}")
    return row
