# SPDX-License-Identifier: GPL-2.0-only
"""SIGTERM: no new sessions; those that there are go on, with new processes too, until they end or --drain-timeout is over."""
import os
import signal
import time

from caselib import SLOW, Server, done, expect, jail, process, says, start_jail

server = Server("--drain-timeout", "600")
os.mkfifo("go")
fifo = os.open("go", os.O_RDWR)
# More processes at once than there are spare channels: the daemon has to take connections still.
running = start_jail("sh", "-c", "echo ready; read line; for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.5 & done; wait; echo done",
                     server=server.address, stdin=fifo)
running.saw("ready")
server.child.send_signal(signal.SIGTERM)
server.says("draining: 1 sessions may go on for 600 s")
says(jail("/bin/true", server=server.address), 125, "rsys-jail: .*refused.*ending")
expect(server.child.poll() is None, "it has ended with a session")
os.write(fifo, b"go\n")
output = running.wait()
expect(output.status == 0 and output.stdout.endswith("done\n"), f"the session: {output}")
expect(process.wait_limited(server.child, 5 * SLOW) == 0, f"the daemon does not end with its last session: {server.text()}")

server = Server("--drain-timeout", "1")
running = start_jail("sh", "-c", "echo ready; sleep 3000", server=server.address)
running.saw("ready")
began = time.monotonic()
server.child.send_signal(signal.SIGTERM)
expect(process.wait_limited(server.child, 10 * SLOW) == 0, f"it does not end after its time: {server.text()}")
expect(time.monotonic() - began >= 0.9, "it did not give the session its time")
says(running.wait(5), 125, "rsys-jail: ")
done()
