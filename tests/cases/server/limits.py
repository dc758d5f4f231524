# SPDX-License-Identifier: GPL-2.0-only
"""--max-sessions refuses with a message; connections that say nothing are dropped and delay nobody."""
import socket
import time

from caselib import SLOW, Server, done, expect, jail, process, says, start_jail

server = Server("--max-sessions", "2", "--hello-timeout", "1")
host, port = server.address.removeprefix("tcp:").split(":")
idle = [socket.create_connection((host, int(port))) for _ in range(30)]
running = [start_jail("sh", "-c", "echo ready; sleep 3000", server=server.address) for _ in range(2)]
for one in running:
    one.saw("ready")
says(jail("/bin/true", server=server.address), 125, "rsys-jail: .*session")
running[0].kill()
expect(process.until(lambda: jail("/bin/true", server=server.address).status == 0, 5 * SLOW), "no session after one has gone")
for s in idle:
    s.settimeout(5 * SLOW)
    try:
        expect(s.recv(1) == b"", "an answer to nothing")
    except ConnectionResetError:
        pass
done()
