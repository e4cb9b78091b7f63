"""The database that benchmarks.console and the test of query counts look at: benchmarks.rebuild's, and what pages show.

Communities have names, hosts and facilitators, memberships have standings, one period is closed, and one account in
a hundred has the e-mail of another.
"""

import time

import psycopg

from benchmarks.rebuild_seed import UID, Size, seed

MEMBERS = 50
"""Of each community, whatever the size of it all: pages about one community are to take the same time."""
HOSTS = 12
STATEMENTS = (
    """INSERT INTO organisations (id, code, name, kind)
       SELECT pg_temp.uid(20, o), 'host-' || o, 'Adult School ' || o, 'agency' FROM generate_series(1, %(hosts)s) o""",
    """UPDATE communities SET host_id = pg_temp.uid(20, 1 + c %% %(hosts)s)
       FROM generate_series(1, %(communities)s) c WHERE id = pg_temp.uid(7, c)""",
    """UPDATE accounts SET email = 'person' || moodle_user_id || '@example.org', idnumber = 'E' || moodle_user_id,
       firstname = (array['Amara', 'José', 'Mei', 'Luis', 'Priya', 'Jonah', 'Nora'])[1 + moodle_user_id %% 7],
       lastname = (array['Okafor', 'Herrera', 'Tanaka', 'Raman', 'Whitfield'])[1 + moodle_user_id %% 5]
                  || ' ' || moodle_user_id""",
    # In other letters; a few of them have one that stands for none.
    """UPDATE accounts SET email = CASE WHEN moodle_user_id %% 500 = 0 THEN 'None@example.org'
                                   ELSE 'PERSON' || (moodle_user_id - 1) || '@example.org' END
       WHERE moodle_user_id %% 100 = 0""",
    """UPDATE memberships SET role = 'facilitator' FROM generate_series(1, %(communities)s) n
       WHERE id = pg_temp.uid(6, n)""",
    """INSERT INTO standings (membership_id, minutes, all_minutes, by_component, status, band_min, band_max,
              on_their_way, computed_at)
       SELECT pg_temp.uid(6, n), m, m + 60, jsonb_build_object('online', m / 2, 'face_to_face', m - m / 2),
              CASE WHEN n <= %(communities)s THEN 'no_commitment' WHEN m > 1200 THEN 'above' WHEN m >= 960 THEN 'met'
                   WHEN n %% 11 = 0 THEN 'cannot_reach' WHEN m < 500 THEN 'behind' ELSE 'on_pace' END,
              CASE WHEN n > %(communities)s THEN 960 END, CASE WHEN n > %(communities)s THEN 1200 END, n %% 3,
              '2025-06-01'::timestamptz + n * interval '1 second'
       FROM (SELECT n, (n * 7919) %% 1300 AS m FROM generate_series(1, %(memberships)s) n) drawn""",
    """INSERT INTO decisions (id, kind, program_id, actor, actor_role, reason, data, decided_at, correlation_id)
       VALUES (pg_temp.uid(21, 1), 'closing', pg_temp.uid(2, 1), 'cli', 'program_admin', 'A benchmark',
               jsonb_build_object('closing', pg_temp.uid(22, 1), 'sha256', ''), '2025-01-01', pg_temp.uid(21, 1))""",
    """INSERT INTO closings (id, program_id, label, starts_at, ends_at, sha256, decision_id, closed_at)
       VALUES (pg_temp.uid(22, 1), pg_temp.uid(2, 1), 'Fall 2024', '2024-07-01', '2025-01-01', '',
               pg_temp.uid(21, 1), '2025-01-01')""",
    """INSERT INTO closed_members (closing_id, membership_id, minutes, status, credits)
       SELECT pg_temp.uid(22, 1), pg_temp.uid(6, n), (n * 31) %% 1100, 'behind',
              CASE WHEN n %% 2 = 0 THEN '[]' ELSE jsonb_build_array(
                jsonb_build_object('key', 'completion:' || pg_temp.uid(1, 1) || ':' || n || ':' || pg_temp.uid(5, n),
                                   'rule', 'lesson', 'component', 'online', 'minutes', 75,
                                   'program_version', pg_temp.uid(3, 1), 'happened_at', '2024-10-01T17:00:00+00:00'),
                jsonb_build_object('key', 'attendance:' || pg_temp.uid(9, (1 + n %% %(communities)s) * 10 + 1) || ':'
                                          || pg_temp.uid(5, n), 'rule', 'attendance', 'component', 'face_to_face',
                                   'program_version', pg_temp.uid(3, 1), 'minutes', 90,
                                   'happened_at', '2024-11-01T17:00:00+00:00')) END
       FROM generate_series(1, %(memberships)s) n""",
)


def size_of(memberships: int, facts: int = 10) -> Size:
    """So many memberships in communities of MEMBERS."""
    return Size(memberships, facts, max(2, memberships // MEMBERS))


def fill(admin: str, size: Size) -> float:
    """Fill a migrated, empty database, as its superuser (psycopg's URL). Returns the seconds that it took."""
    begun = time.perf_counter()
    seed(admin, size)
    values = {"memberships": size.memberships, "communities": size.communities, "hosts": HOSTS}
    with psycopg.connect(admin, autocommit=True) as connection:
        with connection.transaction():
            connection.execute("SET LOCAL session_replication_role = replica")
            connection.execute(UID)
            for statement in STATEMENTS:
                connection.execute(statement, values)
        connection.execute("VACUUM ANALYZE")
    return time.perf_counter() - begun
