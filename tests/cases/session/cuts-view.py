# SPDX-License-Identifier: GPL-2.0-only
# view: fuse
# limit: 120
"""Guests that wait for a file's pages when the connection is cut: one that was killed does not wait; another one does, whatever signal comes; and the view goes on afterwards."""
import os
import signal
import subprocess

import process
from caselib import SLOW, Server, done, expect, start_jail
from cutting import Relay

WAITS = "the connection to the server is cut: waiting up to"
PROGRAM = """
import mmap, os, signal
f = os.open("/tmp/mapped", os.O_RDWR | os.O_CREAT | os.O_EXCL)
for _ in range(8):
    os.write(f, bytes(range(256)) * 1024)
m = mmap.mmap(f, 0, mmap.MAP_PRIVATE, mmap.PROT_READ)
signal.signal(signal.SIGUSR1, lambda *_: os.write(1, b"handled\\n"))
os.write(1, b"ready\\n")
os.read(0, 1)
os.write(1, b"%d\\n" % m[(1 << 20) + 77])
"""
server = Server("--resume-timeout", "60")
relay = Relay(server)


def state(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
            return f.read().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "gone"


def cut_in_fault(*program):
    """The session, whose connections are cut, and its guest that waits for a page."""
    jailed = start_jail(*program, server=relay.address, stdin=subprocess.PIPE)
    jailed.saw("ready")
    relay.do("hold")
    relay.do("reset all")
    os.write(jailed.child.stdin.fileno(), b"x")
    waiting = []
    expect(process.until(lambda: waiting.extend(pid for pid in process.descendants(jailed.pid) if state(pid) == "D") or waiting, 10 * SLOW),
           f"nobody waits for the view: {jailed.read()} {jailed.read('err')}")
    return jailed, waiting[0]


def ended(jailed, status, stdout):
    output = jailed.wait(10)
    expect(output.status == status and output.stdout == stdout, f"status {status} and {stdout!r} expected: {output}")


# It is killed: so the session ends, at once and while nothing is heard of the server.
jailed, guest = cut_in_fault("python3", "-c", PROGRAM)
expect(process.until(lambda: WAITS in jailed.read("err"), 10 * SLOW), f"not told: {jailed.read('err')}")
jailed.kill(signal.SIGTERM)
ended(jailed, 128 + signal.SIGTERM, "ready\n")
relay.do("release")

# It handles the signal: so it gets its page, and then the signal.
jailed, guest = cut_in_fault("python3", "-c", PROGRAM)
os.kill(guest, signal.SIGUSR1)
expect(not process.until(lambda: state(guest) != "D", 1), "a page that is not there has been had")
relay.do("release")
output = jailed.wait(20)
expect(output.status == 0 and sorted(output.stdout.split()) == ["77", "handled", "ready"], f"a handled signal: {output}")

# One of two is killed: it ends, and the other one goes on when the connection is back, as do the executor's descriptors.
SCRIPT = 'exec 3<&0; python3 -c "$0" <&3 & wait $!; echo "ended $?"; n=0; while [ $n -lt 20 ]; do wc -c </tmp/mapped; n=$((n+1)); done | sort -u; exec cmp /tmp/mapped /tmp/mapped'
jailed, guest = cut_in_fault("sh", "-c", SCRIPT, PROGRAM)
os.kill(guest, signal.SIGTERM)
expect(process.until(lambda: state(guest) in "ZXgone", 10 * SLOW), f"the guest that was killed is in state {state(guest)}")
jailed.saw("ended 143")
relay.do("release")
ended(jailed, 0, "ready\nended 143\n2097152\n")
expect(server.idle(20), f"processes are left on the server: {server.processes()}")
done()
