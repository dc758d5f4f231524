# SPDX-License-Identifier: GPL-2.0-only
"""The policy's root directory is missing: the daemon or the session says so and names it."""
from caselib import Server, done, expect, jail, policy, process, says

server = Server(policy_file=policy(root={"path": "/none/root", "mode": "overlay"}), wait=False)
process.until(server.look, 10)
if server.address is None:
    expect(server.child.returncode == 1 and "/none/root" in server.text(), f"status {server.child.returncode}: {server.text()}")
else:
    says(jail("/bin/true", server=server.address), 125, "/none/root")
    says(jail("/bin/true", server=server.address), 125, "/none/root")
    expect(server.idle(2), f"processes are left: {server.processes()}")
done()
