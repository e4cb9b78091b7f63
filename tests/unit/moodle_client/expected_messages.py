"""What the recorded answers about messages between users hold."""

from tests.unit.moodle_client.expected import Played, rows

SEND = "core_message_send_instant_messages"
MESSAGES = {
    f"{SEND}{name}": Played(
        lambda moodle, name=f"{SEND}{name}": moodle.send_instant_messages(rows(name, "messages")),  # type: ignore[misc]
        lambda found: [(one.msgid, one.sent, bool(one.errormessage)) for one in found],
        [(msgid, msgid > 0, msgid < 0)],
    )
    for name, msgid in (("", 1), (".err_not_contactable", -1), (".err_user", -1))
}
