"""Programs as data: facts -> credits -> standing. Pure: pydantic, YAML and the standard library."""
