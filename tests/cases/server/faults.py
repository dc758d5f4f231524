# SPDX-License-Identifier: GPL-2.0-only
"""The daemon runs out of descriptors and processes, its log is full, its policy is read again without end: it lives, and goes on when there is room."""
import os
import resource
import signal

import wire
from caselib import SLOW, VARIANT, Server, done, expect, process

server = Server(log="/dev/full", ready=True)


def start():
    session = wire.Session(server.address)
    expect(session.spawn(10).call(wire.OP_NULL) == 0, "a session's executor")
    session.close()


def squeezed(what, limit, values):
    """With each of the lower limits a session starts or not, and the daemon lives; afterwards it starts."""
    before = resource.prlimit(server.pid, limit)
    failed = 0
    for value in values:
        resource.prlimit(server.pid, limit, (value, before[1]))
        connections = [wire.connect(server.address) for _ in range(5)]
        try:
            start()
        except (AssertionError, wire.Gone, OSError):
            failed += 1
        expect(server.child.poll() is None, f"the daemon has ended, with {what} {value}")
        for connection in connections:
            connection.close()
    resource.prlimit(server.pid, limit, before)
    expect(process.until(lambda: server.idle(1), 10), f"processes are left after {what}")
    start()
    return failed


start()
held = len(os.listdir(f"/proc/{server.pid}/fd"))
wire.TIMEOUT = 1 * SLOW
failed = squeezed("descriptors", resource.RLIMIT_NOFILE, range(held, held + 8))
expect(failed > 0, "descriptors never ran out")
if VARIANT != "root": # root's processes are not bounded so
    expect(squeezed("processes", resource.RLIMIT_NPROC, (1,)) == 1, "processes never ran out")
wire.TIMEOUT = 10 * SLOW
for _ in range(30):
    for _ in range(3):
        os.kill(server.pid, signal.SIGHUP)
    start()
expect(server.idle(5), f"processes are left: {server.processes()}")
expect(process.until(lambda: len(os.listdir(f"/proc/{server.pid}/fd")) <= held, 5 * SLOW), "descriptors are left")
done()
