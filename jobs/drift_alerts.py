"""What somebody should look at, in the log: drift of one kind that became frequent in a community."""

import structlog
from redis import Redis
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from records.queries.drift import frequent

log = structlog.get_logger()
A_DAY = 86_400


def tell(engine: Engine, redis: Redis, threshold: int) -> int:
    """Log each kind of drift of each community that reached the threshold, once a day. Returns how many were logged.

    Redis keeps who was told of: where it forgets, something is logged twice.
    """
    with Session(engine) as session:
        found = frequent(session, threshold)
    told = 0
    for community, kind, times in found:
        if redis.set(f"copbridge:drift:{community}:{kind}", b"1", nx=True, ex=A_DAY):
            log.warning("drift_alert", community=str(community), kind=str(kind), count=times, threshold=threshold)
            told += 1
    return told
