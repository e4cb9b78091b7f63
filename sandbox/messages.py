"""Messages between users, as far as a service account sends them: core_message_send_instant_messages."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from sandbox.capabilities import Caller
from sandbox.parameters import MoodleError, Params, check, integer, rows
from sandbox.site import Site
from sandbox.store import Db, Row, one

FUNCTION = "core_message_send_instant_messages"
LONGEST = 4_096
NOT_THERE = "You cannot send a message to a user ID ({user}) that doesn't exist."
TOO_LONG = "The message is longer than the maximum allowed."
NOT_REACHED = "You can't message this user due to their message preferences. Try adding them as a contact."


def send(site: Site, caller: Caller, params: Params) -> list[dict[str, Any]]:
    """Each message is answered by itself, whether it was kept or why not."""
    check(params, "messages")
    if site.setting("messaging") == "off":
        raise MoodleError("core\\exception\\moodle_exception", "disabled", "Messaging is disabled on this site")
    caller.demand("moodle/site:sendmessage", "Send messages to any user")
    told = []
    with site.store.write() as db:
        for row in rows(params, "messages"):
            user, text = integer(row, "touserid"), row.get("text", "")
            own = {"clientmsgid": row["clientmsgid"]} if "clientmsgid" in row else {}
            refusal = _refusal(db, caller, user, text)
            if refusal:
                told.append({"msgid": -1} | own | {"errormessage": refusal, "candeletemessagesforallusers": False})
            else:
                told.append(_kept(db, caller.user, user, text, int(site.clock())) | own)
    return told


def _refusal(db: Db, caller: Caller, user: int, text: str) -> str:
    if one(db, "SELECT 1 FROM user WHERE id = ? AND deleted = 0", user) is None:
        return NOT_THERE.format(user=user)
    if len(text.encode()) > LONGEST:
        return TOO_LONG
    if caller.may("moodle/site:messageanyuser"):
        return ""
    blocked = one(db, "SELECT 1 FROM message_users_blocked WHERE userid = ? AND blockeduserid = ?", user, caller.user)
    shared = one(
        db,
        "SELECT 1 FROM user_enrolments a JOIN user_enrolments b ON b.course = a.course"
        " WHERE a.userid = ? AND b.userid = ? AND a.status = 0 AND b.status = 0",
        *(user, caller.user),
    )
    return NOT_REACHED if blocked or shared is None else ""


def _kept(db: Db, sender: int, user: int, text: str, now: int) -> dict[str, Any]:
    made = db.execute(
        "INSERT INTO messages (useridfrom, useridto, fullmessage, timecreated) VALUES (?, ?, ?, ?)",
        (sender, user, text, now),
    )
    return {
        "msgid": made.lastrowid,
        "text": f"<p>{text}</p>",
        "timecreated": now,
        "conversationid": user,
        "useridfrom": sender,
        "candeletemessagesforallusers": False,
    }


def of_user(site: Site, user: int) -> list[str]:
    """The messages that a user got, the latest first, as plain text: what the sandbox's pages show."""
    found: list[Row] = site.rows("SELECT fullmessage FROM messages WHERE useridto = ? ORDER BY id DESC", user)
    return [plain(row["fullmessage"]) for row in found]


def plain(text: str) -> str:
    """A message without its markup."""
    reader = _Plain()
    reader.feed(text)
    reader.close()
    return "".join(reader.parts)


class _Plain(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.parts.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        if tag == "br":
            self.parts.append("\n")
