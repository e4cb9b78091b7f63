"""The REST API at /api/v1: bearer tokens, keyset paging, ETags, Idempotency-Key, problem+json. See docs/api.md."""
