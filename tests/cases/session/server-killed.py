# SPDX-License-Identifier: GPL-2.0-only
"""The daemon, or a session's process, is killed while guests run: the client ends within 2 seconds with 125 and a message; no guest is left."""
import os
import signal

from caselib import SLOW, Server, done, expect, process, says, start_jail

SCRIPT = "sleep 3000 & (while :; do :; done) & echo ready; exec cat /tmp/fifo"
COMMAND = ("bash", "-c", "mkfifo /tmp/fifo; " + SCRIPT)

for what in ("daemon", "session"):
    server = Server()
    running = start_jail(*COMMAND, server=server.address)
    running.saw("ready")
    guests = process.descendants(running.pid)
    expect(len(guests) >= 3, f"guests: {guests}")
    below = server.processes()
    if what == "daemon":
        os.kill(server.pid, signal.SIGKILL)
    else:
        parents = {pid: entry[2] for pid, entry in process.table().items()}
        for pid in below:
            if parents.get(pid) == server.pid:
                os.kill(pid, signal.SIGKILL)
    before = running.began
    output = running.wait(2)
    says(output, 125, "rsys-jail: ")
    left = process.until(lambda: not process.alive(guests), 2 * SLOW)
    expect(left, f"guests are left: {guests}")
    expect(process.until(lambda: not process.alive(below), 2 * SLOW), "executors are left")
done()
