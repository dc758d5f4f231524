# SPDX-License-Identifier: GPL-2.0-only
"""While others flood the daemon, from another address, each in its own way, honest sessions start."""
# limit: 120
import abuse
from caselib import Server, done, expect

server = Server("--max-sessions", "24", "--quiet", "--hello-timeout", "3", ready=True)
abuse.RATE = 1000
failed, ratios = abuse.run(server.address, 5)
expect(server.child.poll() is None, "the daemon has ended: " + server.text())
expect(failed == 0, f"{failed} honest sessions failed: {ratios}")
expect(server.idle(10), f"processes are left: {server.processes()}")
done()
