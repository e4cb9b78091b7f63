"""One file per kind of item: what it changes in the mirror, and what has to be looked at again."""
