# SPDX-License-Identifier: GPL-2.0-only
"""The client is killed with SIGKILL: within 2 seconds the server holds nothing of the session."""
from caselib import SLOW, Server, done, expect, jail, process, says, start_jail

server = Server()
for script in ("echo ready; sleep 3000", "mkfifo /tmp/f; (while :; do :; done) & (cat /tmp/f) & echo ready; cat /tmp/f", "echo ready; find / >/tmp/list; sleep 3000"):
    running = start_jail("bash", "-c", script, server=server.address)
    running.saw("ready")
    expect(server.processes(), "the server has no processes for a session")
    guests = process.descendants(running.pid)
    running.kill()
    expect(server.idle(2), f"processes are left on the server: {server.processes()}")
    expect(process.until(lambda: not process.alive(guests), 2 * SLOW), "guests are left")
# The same when the supervisor, below rsys-jail, is killed.
running = start_jail("bash", "-c", "echo ready; sleep 3000", server=server.address)
running.saw("ready")
for pid in process.descendants(running.pid):
    process.kill_quietly(pid)
output = running.wait(5)
expect(server.idle(2), f"processes are left on the server: {server.processes()}")
says(jail("/bin/true", server=server.address), 0)
done()
