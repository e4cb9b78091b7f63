"""The client: one method for each function in use, and `call` for the rest."""

from moodle_client.plugin import Plugin
from moodle_client.provisioning import Provisioning
from moodle_client.reads import Reads
from moodle_client.writes import Writes


class MoodleClient(Reads, Writes, Plugin, Provisioning):
    """A client of one site. Use it as a context manager; threads may share it: each gets a pooled session.

    `timeout`: seconds of silence after which a try is given up. `pace`: limits of calls at once and a minute; give
    the same one to all clients of a site. `max_fields`: calls with more form fields are sent in parts, or refused
    where that can't be, for PHP drops the tail of them silently. `tries`: of reads, and of writes whose repetition
    is harmless, after transient failures; `budget`: the last of them begins within so many seconds. `max_bytes`: of
    an answer. `clock`, `sleep` and `jitter` are for tests.

    Methods return a Reply and raise MoodleError; ValueError and TypeError are mistakes of the caller's code.

    Example:
        with MoodleClient("https://moodle.example.org", token) as moodle:
            print(moodle.site_info().data.sitename)
    """
