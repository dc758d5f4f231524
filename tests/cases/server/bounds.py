# SPDX-License-Identifier: GPL-2.0-only
"""A client that lies asks for processes and kernel objects without end: it comes to its session's bound, whatever ids it takes, and others start as before."""
import errno

import wire
from caselib import VARIANT, Server, done, expect, policy

SETUID, SETRESUID, INOTIFY_INIT1 = 105, 117, 294
BOUND = 60
server = Server(policy_file=policy(limits={"nofile": 1024, "nproc": BOUND}))


def other(what):
    session = wire.Session(server.address)
    executor = session.spawn(10)
    child = session.clone(executor, 0, 11)
    expect(child.call(wire.OP_NULL) == 0, f"another session while one {what}")
    result = executor.call(INOTIFY_INIT1, 0)
    expect(result >= 0, f"another session's inotify while one {what}: {wire.name(result)}")
    session.close()


liar = wire.Session(server.address)
made = []
# Some as another user of the sandbox's, where it has more than one: the bound is the session's.
parent = liar.spawn(10)
if VARIANT == "root":
    expect(parent.call(SETRESUID, 7, 7, 7) == 0, "become user 7")
for n in range(BOUND // 2):
    made.append(liar.clone(parent, 0, 20 + n))
refused = None
for pid in range(1000, 1000 + 2 * BOUND):
    result = liar.control.call(wire.OP_SPAWN, pid)
    if result < 0:
        refused = pid - 1000
        expect(result == -errno.EAGAIN, f"the bound is told as {wire.name(result)}")
        break
expect(refused is not None, f"{2 * BOUND} more processes than {BOUND // 2}, where {BOUND} are allowed")
expect(refused + len(made) <= BOUND, f"{refused} and {len(made)} processes, where {BOUND} are allowed")
other("has all its processes")
if VARIANT == "root": # an ordinary user's sessions are all his
    result = 0
    while result >= 0:
        result = parent.call(INOTIFY_INIT1, 0)
    expect(result == -errno.EMFILE, f"inotify's end: {wire.name(result)}")
    other("has all its inotify instances")
liar.close()
expect(server.idle(5), f"processes are left: {server.processes()}")
done()
