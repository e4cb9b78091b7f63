"""A simulated Moodle site for the demo, the tests and load: tied to the service only by the wire."""
