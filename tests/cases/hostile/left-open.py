#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""left-open.py: what a user leaves open for a guest (descriptors, a process group, a terminal) leads no further than it has to."""
# limit: 60
import os
import pty
import re
import socket

import process
from caselib import BIN, JAIL, SERVER, Running, done, expect, jail, says

GUEST = f"{BIN}/left-open"


def start(*arguments, **more):
    return Running([JAIL, "--server", SERVER, "--local", GUEST, "left-open", *arguments], **more)


def check(*arguments, **more):
    says(start(*arguments, **more).wait(), 0, f"ok {arguments[0]}", stream="stdout")


# The shell that starts us, and another job of it: all in one process group, as in every script.
script = 'sleep 100 & "$@"; echo "status $?"; kill $! && echo "priority $(nice)"'
output = Running(["/bin/sh", "-c", script, "sh", JAIL, "--server", SERVER, "--local", GUEST, "left-open", "group"]).wait()
says(output, 0, f"ok group\nstatus 0\npriority {os.nice(0)}\n", stream="stdout")

# A file.
with open("private", "w", encoding="utf-8") as f:
    f.write("private")
os.chmod("private", 0o600)
before = os.stat("private")
with open("private", "rb") as f:
    check("file", stdin=f)
after = os.stat("private")
expect((after.st_mode, after.st_size, after.st_mtime_ns, after.st_ctime_ns) == (before.st_mode, before.st_size, before.st_mtime_ns, before.st_ctime_ns),
       "the file was changed")

# A terminal.
ours, theirs = pty.openpty()
check("terminal", stdin=theirs)
os.close(os.open(os.ttyname(theirs), os.O_RDWR | os.O_NOCTTY))

# Directories.
for flags in (os.O_RDONLY, os.O_PATH):
    fd = os.open("/", flags | os.O_DIRECTORY)
    says(jail("/bin/true", stdin=fd), 125, "standard input is a directory")
    os.close(fd)

# Sockets of the client's network.
victim = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
victim.bind(("127.0.0.1", 0))
victim.settimeout(0)
friend = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
friend.bind(("127.0.0.1", 0))
datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
datagrams.connect(friend.getsockname())
check("internet", str(victim.getsockname()[1]), stdin=datagrams)
try:
    expect(False, f"another address was reached: {victim.recv(100)!r}")
except BlockingIOError:
    pass
listener, other = socket.create_server(("127.0.0.1", 0)), socket.create_server(("127.0.0.1", 0))
stream = socket.create_connection(listener.getsockname())
check("internet", str(other.getsockname()[1]), stdin=stream)
other.settimeout(0)
try:
    other.accept()
    expect(False, "another address was connected to")
except BlockingIOError:
    pass

# A descriptor on its way.
one, two = socket.socketpair()
directory = os.open("/etc", os.O_RDONLY)
socket.send_fds(one, [b"take"], [directory])
check("rights", stdin=two)

# Cores: 1 is what the kernel takes for none, also where a pipe would take them.
one, two = socket.socketpair()
running = start("core", stdin=two)
running.saw("ready")
guests = [pid for pid, comm in process.descendants(running.pid).items() if comm == "left-open"]
expect(len(guests) == 1, f"one guest expected: {guests}")
with open(f"/proc/{guests[0]}/limits", encoding="utf-8") as f:
    limits = f.read()
expect(re.search(r"Max core file size +[01] ", limits), limits)
one.send(b"x")
says(running.wait(), 0, "ok core", stream="stdout")
done()
