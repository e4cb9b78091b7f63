"""Becomes another program: drops privileges, and asks to be told when the parent dies.

Run as a script (`python -I -S launch.py PARENT SIGNAL UID GID COMMAND...`, "-" for a UID and GID
that stay), never imported: what it does must happen between fork and exec, and doing that in a
`preexec_fn` isn't safe in a process with threads. Linux alone can tell a child of its parent's
death; elsewhere a killed supervisor's children are found at the next start.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Exec the command given; never returns."""
    parent, signal_number, uid, gid, *command = sys.argv[1:]
    if uid != "-":
        os.setgroups([])
        os.setgid(int(gid))
        os.setuid(int(uid))
    if sys.platform == "linux":
        # After the change of user: the kernel forgets the wish when credentials change.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal_number))
        if os.getppid() != int(parent):
            os.kill(os.getpid(), signal.SIGKILL)
    os.execv(command[0], command)  # noqa: S606 - becoming the command is this file's purpose


if __name__ == "__main__":
    main()
