# SPDX-License-Identifier: GPL-2.0-only
"""Forty sessions that are all there together, and two hundred one after another: all are right, and the daemon holds what it held before."""
# limit: 150
import crowd
import holdings
import wire
from caselib import JAIL, SLOW, Server, done, expect, process

server = Server("--max-sessions", "64", "--quiet", listen="unix:sock", ready=True)
expect(crowd.at_once(JAIL, server.address, 40, {}) == 0, "sessions were wrong")
expect(server.idle(5), f"processes are left: {server.processes()}")
before = holdings.of(server.pid)
for n in range(200):
    session = wire.Session(server.address)
    expect(session.spawn(10).call(crowd.GETPID) == 10, f"session {n}")
    session.close()
expect(server.idle(5), f"processes are left: {server.processes()}")
same = ("descriptors", "mounts", "processes", "zombies")
expect(process.until(lambda: all(holdings.of(server.pid)[what] <= before[what] for what in same), 5 * SLOW), f"before {before}, after {holdings.of(server.pid)}")
done()
