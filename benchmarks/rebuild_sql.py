"""What the rebuild is compared with: one aggregate written by hand, and fetching the same rows."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import psycopg

from benchmarks.rebuild_seed import MINUTES

# The totals of the program in benchmarks.rebuild_seed. Every rule is applied where it was bound already, every
# session has one account a person: what the engine does beside (dates of versions, alternatives, explanations,
# roles) is left out.
TOTALS = """
WITH rules (rule, minutes) AS (SELECT * FROM unnest(%(rules)s::text[], %(minutes)s::int[])),
earned AS (
  SELECT m.id AS membership_id, r.minutes
  FROM memberships m
  JOIN community_courses cc ON cc.community_id = m.community_id
  JOIN accounts a ON a.person_id = m.person_id AND a.site_id = cc.site_id
  JOIN facts f ON f.account_id = a.id AND f.site_id = cc.site_id AND f.course_id = cc.course_id
  JOIN bindings b ON b.site_id = f.site_id AND b.module_id = f.module_id AND b.status = 'active'
  JOIN rules r ON r.rule = b.rule
  WHERE f.superseded_at IS NULL AND f.state IN (1, 2) AND f.ended IS DISTINCT FROM 'undone' AND NOT f.provisional
  UNION ALL
  SELECT m.id, f.minutes
  FROM memberships m
  JOIN sessions s ON s.community_id = m.community_id
  JOIN accounts a ON a.person_id = m.person_id
  JOIN facts f ON f.account_id = a.id AND f.session_id = s.id
  WHERE f.superseded_at IS NULL
)
SELECT m.id, coalesce(sum(e.minutes), 0)::int
FROM memberships m LEFT JOIN earned e ON e.membership_id = m.id
GROUP BY m.id ORDER BY m.community_id, m.id
"""
FACTS = """
SELECT m.id, f.id, f.key, f.kind, f.account_id, f.site_id, f.course_id, f.module_id, f.session_id, f.happened_at,
       f.state, f.minutes, f.ended, f.provisional, f.correlation_id
FROM memberships m
JOIN accounts a ON a.person_id = m.person_id
JOIN facts f ON f.account_id = a.id
WHERE m.id = ANY(%s) AND f.superseded_at IS NULL
"""


@dataclass(frozen=True)
class Aggregate:
    """`totals`: minutes of each membership, by community and id."""

    seconds: float
    totals: list[int]


def aggregate(url: str) -> Aggregate:
    """The totals of all memberships by one statement."""
    with psycopg.connect(url) as connection:
        begun = time.perf_counter()
        rows = connection.execute(
            TOTALS, {"rules": list(MINUTES), "minutes": [MINUTES[rule] for rule in MINUTES]}
        ).fetchall()
        return Aggregate(time.perf_counter() - begun, [minutes for _, minutes in rows])


def fetch(url: str, chunks: Sequence[Sequence[UUID]]) -> tuple[float, int]:
    """Seconds, and rows: the facts of each chunk of memberships, in binary, and nothing done with them."""
    rows = 0
    with psycopg.connect(url) as connection, connection.cursor(binary=True) as cursor:
        begun = time.perf_counter()
        for chunk in chunks:
            rows += len(cursor.execute(FACTS, [list(chunk)]).fetchall())
        return time.perf_counter() - begun, rows
