# SPDX-License-Identifier: GPL-2.0-only
"""Twenty sessions in waves on one server: all are right, and nothing stays."""
from caselib import Server, done, expect, start_jail

server = Server()
for wave in range(4):
    running = [start_jail("bash", "-c", f"echo {n} >/tmp/n; sleep 0.1; cat /tmp/n; exit {n}", server=server.address) for n in range(5)]
    for n, one in enumerate(running):
        output = one.wait(30)
        expect(output.status == n and output.stdout == f"{n}\n", f"session {n}: {output}")
expect(server.idle(2), f"processes are left on the server: {server.processes()}")
done()
