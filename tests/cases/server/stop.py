# SPDX-License-Identifier: GPL-2.0-only
"""SIGINT, and SIGTERM given twice or with --drain-timeout=0, end the daemon and all sessions; the clients end with 125; nothing is left."""
import signal

from caselib import Server, done, expect, process, says, start_jail

for options, numbers in (((), [signal.SIGINT]), ((), [signal.SIGTERM, signal.SIGTERM]), ((), [signal.SIGTERM, signal.SIGINT]),
                         (("--drain-timeout", "0"), [signal.SIGTERM])):
    server = Server(*options)
    running = [start_jail("sh", "-c", "echo ready; sleep 3000", server=server.address) for _ in range(2)]
    for one in running:
        one.saw("ready")
    below = server.processes()
    for i, number in enumerate(numbers):
        server.child.send_signal(number)
        if i + 1 < len(numbers): # else the kernel may make one of two
            server.says("draining: 2 sessions")
    status = process.wait_limited(server.child, 5)
    expect(status == 0, f"the daemon's status is {status}: {server.text()}")
    for one in running:
        says(one.wait(5), 125, "rsys-jail: ")
    expect(process.until(lambda: not process.alive(below), 2), "executors are left")
done()
