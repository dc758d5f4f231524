# SPDX-License-Identifier: GPL-2.0-only
"""Who leaves the sandboxes that he asks for waits a tenth of a second for the next ones; others do not wait for that, and neither does who uses his."""
import socket
import time

import wire
from caselib import SLOW, Server, done, expect

HELLO = wire.HELLO.pack(wire.MAGIC, wire.VERSION, wire.HELLO_SESSION, bytes(16))
WASTED = 8

server = Server(ready=True)
host, port = server.address.removeprefix("tcp:").rsplit(":", 1)


def wasted():
    """A session that is made, and left as soon as it is there.  When it was there."""
    with socket.socket() as s:
        s.settimeout(wire.TIMEOUT)
        s.bind(("127.0.0.2", 0))
        s.connect((host, int(port)))
        s.sendall(HELLO)
        _, _, status, _ = wire.HELLO_REPLY.unpack(wire.receive(s, wire.HELLO_REPLY.size))
        expect(status == 0, f"refused: {status}")
        return time.monotonic()


def used():
    session = wire.Session(server.address)
    expect(session.spawn(10).call(wire.OP_NULL) == 0, "a session that does not work")
    session.close()


# The end of one may be heard of after the next hello: so they come in pairs at most.
times = [wasted() for _ in range(WASTED)]
expect(times[-1] - times[0] > 0.095 * (WASTED // 2 - 1), f"{WASTED} sandboxes were made for one who leaves them, in {times[-1] - times[0]:.3f} s")
# What others do does not depend on it: had they been paused too, 30 sessions would take 3 seconds.
began = time.monotonic()
for _ in range(30):
    used()
took = time.monotonic() - began
wasted()
expect(took < 30 * 0.1 * SLOW, f"30 sessions that were used took {took:.2f} s")
expect(server.idle(10), f"processes are left: {server.processes()}")
done()
