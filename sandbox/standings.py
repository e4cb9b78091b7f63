"""What the service told of people's hours, as the companion plugin keeps and shows it."""

from __future__ import annotations

import json
from typing import Any

from sandbox.parameters import Params, check, integer, rows
from sandbox.site import Site
from sandbox.store import Db, one

STATUSES = {
    "no_commitment": "no commitment",
    "not_started": "not started",
    "in_progress": "in progress",
    "on_pace": "on pace",
    "behind": "behind",
    "cannot_reach": "can no longer be reached",
    "met": "met",
    "above": "met, and more",
}


def keep(site: Site, params: Params) -> dict[str, Any]:
    """local_copbridge_set_standings: an older `asof` never replaces a newer one; empty `data` takes one away."""
    check(params, "standings", "courses")
    found = [(integer(row, "userid"), row) for row in rows(params, "standings")]
    found += [(0, row) for row in rows(params, "courses")]
    refused = []
    with site.store.write() as db:
        for user, row in found:
            course, asof = integer(row, "courseid"), integer(row, "asof")
            reason = _refusal(db, site, course, user, asof, row.get("data", ""))
            if reason:
                refused.append({"courseid": course, "userid": user, "reason": reason})
            elif row.get("data"):
                db.execute("REPLACE INTO standings VALUES (?, ?, ?, ?)", (course, user, asof, row["data"]))
            else:
                db.execute("DELETE FROM standings WHERE course = ? AND userid = ?", (course, user))
        held = db.execute("SELECT count(*) FROM standings WHERE userid > 0").fetchone()[0]
    return {"kept": len(found) - len(refused), "refused": refused, "held": held}


def _refusal(db: Db, site: Site, course: int, user: int, asof: int, data: str) -> str:
    if not data:
        return ""
    if one(db, "SELECT 1 FROM course WHERE id = ?", course) is None or course in site.unchosen():
        return "notchosen"
    if user and one(db, "SELECT 1 FROM user WHERE id = ? AND deleted = 0", user) is None:
        return "unknown_user"
    held = one(db, "SELECT asof FROM standings WHERE course = ? AND userid = ?", course, user)
    if held is not None and held["asof"] > asof:
        return "older"
    try:
        document = json.loads(data)
    except ValueError:
        return "malformed"
    shaped = isinstance(document, dict) and document.get("version") == 1
    return "" if shaped and (not user or document.get("status") in STATUSES) else "malformed"


def words(site: Site, course: int, user: int) -> str:
    """How somebody stands, as the participant's page says it; empty where nothing was told."""
    found = site.rows("SELECT data FROM standings WHERE course = ? AND userid = ?", course, user)
    if not found:
        return ""
    told = json.loads(found[0]["data"])
    band = f" of {_hours(told['band_min'])} to {_hours(told['band_max'])}" if told["band_min"] is not None else ""
    return f"{_hours(told['minutes'])}{band}: {STATUSES[told['status']]}"


def _hours(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"
