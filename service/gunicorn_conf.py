"""How gunicorn runs the web process; `copbridge web` adds address and sizes on its command line."""

from pathlib import Path

worker_class = "gthread"
proc_name = "copbridge-web"
# Also the longest that a stuck worker process may be silent.
timeout = 30
graceful_timeout = 10
keepalive = 15
# Its socket would lie in the home folder, outside of the state folder, and nobody uses it.
control_socket_disable = True
# A heartbeat on a slow disk makes a healthy worker look dead.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - gunicorn unlinks its file at once
