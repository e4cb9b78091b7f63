"""The database that benchmarks.rebuild measures on: memberships with facts, made inside PostgreSQL.

All that the benchmark knows of the schema stands here and in benchmarks.rebuild_sql.
"""

import hashlib
import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from benchmarks.house import SITE, WWWROOT

SESSIONS = 4
"""Meetings of each community."""
SPARE_MODULES = 4
"""Modules of a course beside those that one member finishes."""
KEY = "calpro-regional"
CODES = "ABCDEFGHIJKLMNOP"
"""Topics, and the regions with them: a community for each pair, as often as it takes."""


@dataclass(frozen=True)
class Form:
    """An activity as rules look at it, and the rule that has to find it; no rule: it earns nothing."""

    idnumber: str
    kind: str
    section: str
    name: str
    rule: str | None
    minutes: int = 0


FORMS = (
    Form("", "forum", "Before session 1", "Introduce yourself", "introduction", 30),
    Form("", "page", "Before session 1", "What the evidence says", "study-before", 45),
    Form("ACT-08", "book", "Between sessions", "Reading log", "reading-log", 60),
    Form("", "lesson", "Between sessions", "Planning a writing cycle", "lesson", 75),
    Form("", "quiz", "Between sessions", "Check your understanding", "quiz", 60),
    Form("", "url", "Between sessions", "A classroom on film", "study-between", 45),
    Form("ACT-10", "assign", "After session 2", "Action plan", "action-plan", 90),
    Form("", "forum", "After session 2", "Peer reflection on the first cycle", "reflection", 60),
    Form("", "glossary", "After session 2", "Words we use", "glossary", 45),
    Form("", "feedback", "After session 2", "Evaluation", "evaluation", 30),
    Form("", "choice", "General", "Which day suits you", "choice", 15),
    Form("", "chat", "General", "Coffee corner", None),
)
"""A course's modules are these in turn."""
CONDITIONS = {
    "action-plan": "idnumber: ACT-10, kind: [assign]",
    "reading-log": "idnumber: ACT-08",
    "reflection": 'kind: [forum], name: "Peer reflection.*"',
    "introduction": "kind: [forum], section: Before session 1",
    "study-before": r"kind: [page, resource, url], section: Before session \d+",
    "study-between": "kind: [page, resource, url], section: Between sessions",
    "lesson": "kind: [lesson]",
    "quiz": "kind: [quiz]",
    "glossary": "kind: [glossary]",
    "evaluation": "kind: [feedback]",
    "choice": "kind: [choice]",
}
"""As in mappings/programs/calpro-regional.yaml, in its order: the first rule that matches counts."""
MINUTES = {form.rule: form.minutes for form in FORMS if form.rule}


@dataclass(frozen=True)
class Size:
    """How much is made. `facts` of each membership, every tenth of them an attendance."""

    memberships: int
    facts: int
    communities: int

    @property
    def attendances(self) -> int:
        return min(SESSIONS, self.facts // 10)

    @property
    def completions(self) -> int:
        return self.facts - self.attendances


def program() -> str:
    """The text of the program file: CALPRO's conditions, with the minutes of FORMS."""
    rules = [
        f"  - {{rule: {rule}, {conditions}, minutes: {MINUTES[rule]}, component: online}}"
        for rule, conditions in CONDITIONS.items()
    ]
    places = ", ".join(f"{{code: {code}, title: {{en: {code}}}}}" for code in CODES)
    return "\n".join(
        [
            f"program: {KEY}",
            "title: {en: CALPRO regional Communities of Practice}",
            "effective_from: 2024-07-01",
            "timezone: America/Los_Angeles",
            "commitment: {min_hours: 16, max_hours: 20}",
            "components: [online, face_to_face]",
            f"topics: [{places}]",
            f"regions: [{places}]",
            "communities: [{course_idnumber: '^COP-(?P<topic>[A-Z]+)-(?P<region>[A-Z]+)$'}]",
            "participant_roles: [student]",
            "attendance: {components: {face_to_face: face_to_face, virtual: online}}",
            "activities:",
            *rules,
        ]
    )


def membership_id(number: int) -> UUID:
    """The id of the membership of this number, from 1; ids are in the order of their numbers."""
    return UUID(f"01900006-0000-7000-8000-{number:012x}")


# Ids in the order of their numbers, as time-ordered ids are; the kind of row stands in the first part.
UID = """
CREATE FUNCTION pg_temp.uid(kind int, n bigint) RETURNS uuid IMMUTABLE LANGUAGE sql AS
$$ SELECT ('0190' || lpad(to_hex(kind), 4, '0') || '-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid $$
"""
FORM_TABLE = """
CREATE TEMP TABLE forms (slot int, idnumber text, modname text, section_name text, name text, rule text)
"""
# Community c of members n = c, c + communities, ...: people of all communities come in the same weeks, so that
# the memberships of one chunk belong to many communities.
STATEMENTS = (
    "INSERT INTO sites (id, slug, name, wwwroot) VALUES (pg_temp.uid(1, 1), %(slug)s, 'Benchmark', %(wwwroot)s)",
    "INSERT INTO programs (id, code) VALUES (pg_temp.uid(2, 1), %(program)s)",
    """INSERT INTO program_versions (id, program_id, number, effective_from, source, sha256)
       VALUES (pg_temp.uid(3, 1), pg_temp.uid(2, 1), 1, '2024-07-01', %(source)s, %(sha256)s)""",
    "INSERT INTO persons (id) SELECT pg_temp.uid(4, n) FROM generate_series(1, %(memberships)s) n",
    """INSERT INTO accounts (id, site_id, moodle_user_id, person_id, username, firstname, lastname)
       SELECT pg_temp.uid(5, n), pg_temp.uid(1, 1), n, pg_temp.uid(4, n), 'user' || n, 'First', 'Last' || n
       FROM generate_series(1, %(memberships)s) n""",
    """INSERT INTO mirror_courses (site_id, course_id, present, as_of, rank, shortname, fullname, idnumber, visible)
       SELECT pg_temp.uid(1, 1), c, true, '2024-08-01', 1, 'C' || c, 'Community ' || c, 'COP-' || c, true
       FROM generate_series(1, %(communities)s) c""",
    """INSERT INTO communities (id, program_id, topic, region, timezone)
       SELECT pg_temp.uid(7, c), pg_temp.uid(2, 1), substr(%(codes)s, 1 + c %% 16, 1), substr(%(codes)s,
              1 + (c / 16) %% 16, 1), 'America/Los_Angeles' FROM generate_series(1, %(communities)s) c""",
    """INSERT INTO community_courses (site_id, course_id, community_id, basis_as_of)
       SELECT pg_temp.uid(1, 1), c, pg_temp.uid(7, c), '2024-08-01' FROM generate_series(1, %(communities)s) c""",
    """INSERT INTO mirror_modules (site_id, module_id, present, as_of, rank, course_id, modname, name, idnumber,
              section_number, section_name, visible, tracking)
       SELECT pg_temp.uid(1, 1), c * 1000 + slot, true, '2024-08-01', 1, c, modname, name, idnumber, 1, section_name,
              true, 1 FROM generate_series(1, %(communities)s) c, forms""",
    """INSERT INTO bindings (id, site_id, module_id, course_id, form, status, rule, idnumber, modname, section_name,
              name, basis_as_of)
       SELECT pg_temp.uid(8, c * 1000 + slot), pg_temp.uid(1, 1), c * 1000 + slot, c, md5(slot::text),
              CASE WHEN rule IS NULL THEN 'seen' ELSE 'active' END, rule, idnumber, modname, section_name, name,
              '2024-08-01' FROM generate_series(1, %(communities)s) c, forms""",
    """INSERT INTO sessions (id, community_id, code, title, starts_at, timezone, mode)
       SELECT pg_temp.uid(9, c * 10 + s), pg_temp.uid(7, c), 'S' || s, 'Session ' || s,
              '2025-01-10'::timestamptz + s * interval '14 days', 'America/Los_Angeles',
              CASE WHEN s %% 2 = 1 THEN 'face_to_face' ELSE 'virtual' END
       FROM generate_series(1, %(communities)s) c, generate_series(1, %(sessions)s) s""",
    """INSERT INTO mirror_roles (site_id, role_id, present, as_of, rank, shortname)
       VALUES (pg_temp.uid(1, 1), 5, true, '2024-08-01', 1, 'student')""",
    """INSERT INTO memberships (id, community_id, person_id, role, dirty_at)
       SELECT pg_temp.uid(6, n), pg_temp.uid(7, 1 + n %% %(communities)s), pg_temp.uid(4, n), 'participant', NULL
       FROM generate_series(1, %(memberships)s) n""",
    """INSERT INTO mirror_enrolments (site_id, enrolment_id, present, as_of, rank, course_id, moodle_user_id, method,
              status, timestart)
       SELECT pg_temp.uid(1, 1), n, true, '2025-01-01', 1, 1 + n %% %(communities)s, n, 'manual', 0, '2025-01-01'
       FROM generate_series(1, %(memberships)s) n""",
    """INSERT INTO mirror_role_assignments (site_id, assignment_id, present, as_of, rank, course_id, moodle_user_id,
              role_id)
       SELECT pg_temp.uid(1, 1), n, true, '2025-01-01', 1, 1 + n %% %(communities)s, n, 5
       FROM generate_series(1, %(memberships)s) n""",
    """INSERT INTO mirror_participations (site_id, course_id, moodle_user_id, read_at)
       SELECT pg_temp.uid(1, 1), 1 + n %% %(communities)s, n, '2025-01-01'
       FROM generate_series(1, %(memberships)s) n""",
    # Written in the order in which things happened: the facts of one person lie scattered over the table. A few
    # were failed, undone or reset, or wait for confirmation.
    """INSERT INTO facts (id, key, version, kind, account_id, site_id, course_id, module_id, session_id, happened_at,
              state, minutes, ended, provisional, correlation_id)
       SELECT pg_temp.uid(10, row_number() OVER (ORDER BY at, n, k)), CASE WHEN k < %(completions)s
              THEN 'completion:' || pg_temp.uid(1, 1) || ':' || module || ':' || pg_temp.uid(5, n)
              ELSE 'attendance:' || meeting || ':' || pg_temp.uid(5, n) END,
              1, CASE WHEN k < %(completions)s THEN 'completion' ELSE 'attendance' END,
              pg_temp.uid(5, n), pg_temp.uid(1, 1), CASE WHEN k < %(completions)s THEN c END,
              CASE WHEN k < %(completions)s THEN module END, CASE WHEN k >= %(completions)s THEN meeting END, at,
              CASE WHEN k < %(completions)s THEN CASE WHEN (n + k) %% 41 = 0 THEN 3 ELSE 1 + (n + k) %% 2 END END,
              CASE WHEN k >= %(completions)s THEN 90 + (n + k) %% 240 END,
              CASE WHEN k >= %(completions)s THEN NULL WHEN (3 * n + k) %% 53 = 0 THEN 'undone'
                   WHEN (3 * n + k) %% 47 = 0 THEN 'reset' END,
              k < %(completions)s AND (5 * n + k) %% 59 = 0, pg_temp.uid(11, n)
       FROM (SELECT n, k, 1 + n %% %(communities)s AS c,
                    (1 + n %% %(communities)s) * 1000 + (n + k) %% %(modules)s AS module,
                    pg_temp.uid(9, (1 + n %% %(communities)s) * 10 + 1 + k - %(completions)s) AS meeting,
                    '2025-01-02'::timestamptz + (n * 7919 + k * 104729) %% 432000 * interval '1 minute' AS at
             FROM generate_series(1, %(memberships)s) n, generate_series(0, %(facts)s - 1) k) drawn
       ORDER BY at, n, k""",
)


def seed(admin: str, size: Size) -> float:
    """Fill a migrated, empty database, as its superuser. Returns the seconds that it took, ANALYZE with it."""
    modules = size.completions + SPARE_MODULES
    source = program()
    values: dict[str, Any] = {
        **{"slug": SITE, "wwwroot": WWWROOT, "program": KEY, "codes": CODES, "sessions": SESSIONS, "modules": modules},
        **{"source": source, "sha256": hashlib.sha256(source.encode()).hexdigest()},
        **{"memberships": size.memberships, "communities": size.communities},
        **{"facts": size.facts, "completions": size.completions},
    }
    begun = time.perf_counter()
    with psycopg.connect(admin, autocommit=True) as connection:
        with connection.transaction():
            # No checks of foreign keys, which took longer than the rows: all rows are made here.
            connection.execute("SET LOCAL session_replication_role = replica")
            connection.execute(UID)
            connection.execute(FORM_TABLE)
            forms = [FORMS[slot % len(FORMS)] for slot in range(modules)]
            rows = [(slot, f.idnumber, f.kind, f.section, f.name, f.rule) for slot, f in enumerate(forms)]
            with connection.cursor() as cursor:
                cursor.executemany("INSERT INTO forms VALUES (%s, %s, %s, %s, %s, %s)", rows)
            for statement in STATEMENTS:
                connection.execute(statement, values)
        # VACUUM too: else whatever reads the rows first pays for the hint bits, which would be what is measured.
        connection.execute("VACUUM ANALYZE")
    return time.perf_counter() - begun
