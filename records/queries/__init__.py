"""What pages show. Every function takes an actor, and finds nothing outside of that actor's scope."""
