# SPDX-License-Identifier: GPL-2.0-only
"""manager.py: plays the service manager of a daemon: hands listeners over, hears what it is told (sd_listen_fds(3), sd_notify(3))."""
import os
import re
import socket

from caselib import SLOW, fail


class Manager:
    """Where a service tells what it does."""

    def __init__(self, name):
        """name: a path, or "@" and an abstract name."""
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + name[1:] if name.startswith("@") else name)
        self.name = name
        self.heard = []

    def environment(self, **more):
        return {**os.environ, "NOTIFY_SOCKET": self.name, **more}

    def hears(self, pattern, seconds=10):
        """Wait for a message that matches; the match.  What comes before it is in heard too."""
        while True:
            self.socket.settimeout(seconds * SLOW)
            try:
                text = self.socket.recv(4096).decode()
            except TimeoutError:
                fail(f"no /{pattern}/ was told, but {self.heard}")
            self.heard.append(text)
            match = re.search(pattern, text, re.M)
            if match:
                return match


# Descriptors 3 and up, and whose they are: what the manager does between fork and exec.
WITH_LISTENERS = """
import fcntl, os, sys
fds = [int(word) for word in sys.argv[1].split(",") if word]
high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 100) for fd in fds]
for i, fd in enumerate(high):
    os.dup2(fd, 3 + i, inheritable=True)
    os.close(fd)
os.environ["LISTEN_FDS"] = str(len(fds))
os.environ["LISTEN_PID"] = sys.argv[2].replace("self", str(os.getpid()))
if sys.argv[3]:
    os.environ["LISTEN_FDNAMES"] = sys.argv[3]
os.execv(sys.argv[4], sys.argv[4:])
"""


def with_listeners(sockets, command, names="", pid="self"):
    """The command that starts `command` with these sockets handed over; give it pass_fds too."""
    return ["python3", "-c", WITH_LISTENERS, ",".join(str(s.fileno()) for s in sockets), pid, names, *command]
