"""Real servers out of wheels, run under the state folder: PostgreSQL and Valkey."""
