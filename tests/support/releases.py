"""A small installation as SQL, at the schema of a revision: what an upgrade has to carry over.

`python -m tests.support.releases` writes the one of the newest revision; do that in the commit that adds
the revision, and never again.
"""

import os
import subprocess
import sys
from pathlib import Path

from alembic.script import ScriptDirectory
from sqlalchemy.engine import make_url

from records.database import make_engine
from records.migrate import alembic_config, upgrade
from service.embedded.placement import wheel_programs
from tests.support.seed import seed
from tests.support.servers import Servers
from tests.support.settings import make_settings

FOLDER = Path(__file__).parents[1] / "fixtures" / "releases"


def revisions() -> list[str]:
    """All revisions, the first one first."""
    scripts = ScriptDirectory.from_config(alembic_config(""))
    return [script.revision for script in scripts.walk_revisions()][::-1]


def dump(url: str) -> str:
    """The rows of a database as INSERT statements, without the revision that it is at."""
    parts = make_url(url).set(drivername="postgresql")
    options = ["--data-only", "--inserts", "--exclude-table=alembic_version", "--no-owner"]
    command = [str(wheel_programs() / "pg_dump"), *options, parts.render_as_string(hide_password=False)]
    text = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, "PGTZ": "UTC"}).stdout
    # psql's own commands and pg_dump's settings are no rows; a value may go over several lines.
    dropped = ("\\", "SET ", "SELECT pg_catalog.set_config", "--")
    return "".join(f"{line}\n" for line in text.splitlines() if line and not line.startswith(dropped))


def main() -> None:
    servers = Servers()
    servers.start()
    try:
        database = servers.create("copbridge_release")
        upgrade(make_settings(database, servers.redis_url))
        engine = make_engine(database.url)
        seed(engine)
        engine.dispose()
        target = FOLDER / f"{revisions()[-1]}.sql"
        FOLDER.mkdir(exist_ok=True)
        target.write_text(dump(database.admin_url))
        sys.stdout.write(f"{target.name}: {target.stat().st_size} bytes\n")
    finally:
        servers.stop()


if __name__ == "__main__":
    main()
