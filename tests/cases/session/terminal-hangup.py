# SPDX-License-Identifier: GPL-2.0-only
"""The user's terminal: its modes after a guest that was killed, what happens when it is unplugged, and what a guest may not do to it."""
import fcntl
import os
import struct
import termios

import process
from caselib import Server, done, expect
from terminal import BASH, Line, jailed

# Killed in the middle of its own modes: they are put back.  One that ends by itself keeps what it has set.
for program, kept in (("kill -KILL $$", False), ("exit 3", True)):
    line = Line(jailed("sh", "-c", f"read x; stty raw -echo; echo is raw; {program}"))
    before = termios.tcgetattr(line.master)
    line.send("go\n")
    line.wait("is raw")
    expect(line.status() == (3 if kept else 137), f"the status of {program}")
    after = termios.tcgetattr(line.master)
    expect((before == after) != kept, f"modes after {program}: {before} {after}")
    line.unplug()

# The server goes away: the same.
server = Server()
line = Line([word if word != jailed()[2] else server.address for word in jailed("sh", "-c", "stty raw -echo; echo is raw; exec cat /dev/zero >/dev/null")])
before = termios.tcgetattr(line.master)
line.wait("is raw")
process.kill_quietly(server.pid)
expect(line.status() == 125, "the status when the server has gone")
expect(termios.tcgetattr(line.master)[3] & termios.ECHO, "echo is on again")
line.unplug()

# Unplugged: the hang-up is for the session's leader and the foreground, natively the program itself.
for program, status in ((["sh", "-c", "echo up; exec sleep 1000"], 129),
                        (["bash", "-c", "trap 'exit 6' HUP; echo up; while :; do sleep 0.05; done"], 6),
                        (["sh", "-c", "trap '' HUP; echo up; read x; exit 7"], 7),
                        (["bash", "-c", "set -m; sh -c 'echo up; exec sleep 1000'"], 129)):
    line = Line(jailed(*program))
    line.wait("up")
    line.unplug()
    got = line.status()
    expect(got == status, f"{program}: {got} after the hang-up")
line = Line(jailed(*BASH))
line.wait("bash")
line.unplug()
expect(line.status() in (0, 1, 129), "an interactive shell ends") # 0: the end of its input came before the signal, which rsys-jail hands on

# The window's size, told to the foreground.
line = Line(jailed("bash", "-c", "trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.05; done"))
line.wait("ready")
fcntl.ioctl(line.master, termios.TIOCSWINSZ, struct.pack("HHHH", 11, 22, 0, 0))
line.wait("11 22")
expect(line.status() == 0, "after the window's change")
line.unplug()

# What stays the user's.
line = Line(jailed("python3", "-c", """
import fcntl, os, termios
def refused(what, call):
    try:
        call()
        print(what, "worked", flush=True)
    except OSError as e:
        print(what, e.strerror, flush=True)
refused("TIOCSTI", lambda: fcntl.ioctl(0, termios.TIOCSTI, b"x"))
refused("TIOCEXCL", lambda: fcntl.ioctl(0, termios.TIOCEXCL))
refused("fchmod", lambda: os.fchmod(0, 0o666))
refused("chmod", lambda: os.chmod("/dev/console", 0o666))
refused("by the link", lambda: os.chmod("/proc/self/fd/0", 0o666))
refused("chown", lambda: os.chown("/dev/console", 0, 0))
print(os.ttyname(0), os.path.samestat(os.stat("/dev/console"), os.fstat(0)), os.access("/dev/console", os.R_OK | os.W_OK), flush=True)
os.write(os.open("/dev/console", os.O_WRONLY), b"on the console\\n")
os.write(os.open("/dev/tty", os.O_WRONLY), b"on the tty\\n")
"""))
for text in ("TIOCSTI Operation not permitted", "TIOCEXCL Operation not permitted", "fchmod Operation not permitted", "chmod Operation not permitted",
             "by the link Operation not permitted", "chown Operation not permitted", "/dev/console True True", "on the console", "on the tty"):
    line.wait(text)
expect(line.status() == 0, "after the refusals")
line.unplug()
done()
