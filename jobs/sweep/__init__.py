"""The sweep: Moodle's whole state read by ourselves, as the readings of docs/wire/, down the way of all others."""
