"""What is written into Moodle for a program."""

from mappings.base import Model


class WriteBack(Model):
    """What is written into Moodle, by the companion plugin. Nothing is that isn't switched on here (law 5)."""

    standings: bool = False
    """Participants see their hours in Moodle, and those who teach the course see everybody's."""
    presence: bool = False
    """Whoever was at a session has the Moodle activity that stands for it complete."""
