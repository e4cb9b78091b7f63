"""Health of one container: of a URL if one is given, else that database and Redis can be reached.

Exit code 0 is healthy. A process that died ends its container by itself.
"""

import sys
import urllib.request

from redis import Redis
from sqlalchemy import text

from records.database import make_engine
from records.settings import Settings


def main() -> None:
    """Raises, and thereby exits with 1, where something doesn't answer."""
    if len(sys.argv) > 1:
        urllib.request.urlopen(sys.argv[1], timeout=4).close()  # noqa: S310 - named by docker-compose.yml
        return
    settings = Settings.model_validate({})
    engine = make_engine(settings.database_url, pool_size=1)
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    engine.dispose()
    with Redis.from_url(settings.redis_url, socket_timeout=4) as client:
        client.ping()


if __name__ == "__main__":
    main()
