# SPDX-License-Identifier: GPL-2.0-only
# limit: 60
"""A client that ends while its tether is cut, and cannot be made anew, leaves nothing on the server: not for the time that the session could be resumed in."""
import os
import signal
import subprocess

import process
from caselib import Server, done, expect, start_jail
from cutting import Relay

CUT = "its client is cut off"
server = Server() # it would wait for a minute


def start(relay):
    running = start_jail("sh", "-c", "echo ready; read line; exit 7", server=relay.address, stdin=subprocess.PIPE)
    running.saw("ready")
    # The tether and the spares are made meanwhile.
    expect(process.until(lambda: relay.do("count") >= 6, 10), f"{relay.do('count')} connections")
    return running


def find_tether():
    """Its number among the relay's connections: the order in which they are made is always the same."""
    relay = Relay(server)
    running = start(relay)
    for number in range(1, relay.do("count")):
        relay.do("reset 1") # the others move up, and new ones come last
        if process.until(lambda: CUT in server.text(), 0.5):
            break
    else:
        expect(False, f"no tether is found: {server.text()}")
    running.kill(signal.SIGTERM)
    running.wait()
    return number


def left_without(tether, end, status):
    relay = Relay(server)
    running = start(relay)
    seen = server.text().count(CUT)
    relay.do("refuse")
    relay.do(f"reset {tether}")
    expect(process.until(lambda: server.text().count(CUT) > seen, 10), f"connection {tether} was not the tether: {server.text()}")
    end(running)
    output = running.wait()
    expect(output.status == status, str(output))
    expect(server.idle(5), f"processes are left on the server: {server.processes()}\n{server.text()[-2000:]}")


tether = find_tether()
expect(server.idle(5), f"processes are left on the server: {server.processes()}")
left_without(tether, lambda running: os.close(running.child.stdin.fileno()), 7)
left_without(tether, lambda running: running.kill(signal.SIGTERM), 128 + signal.SIGTERM)
done()
