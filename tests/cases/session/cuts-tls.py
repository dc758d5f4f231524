# SPDX-License-Identifier: GPL-2.0-only
# view: fuse
# limit: 90
"""Connections over TLS are cut, where an end does not tell what it is: at random, for good, and by a client that ends, that is killed, and a server that ends."""
import re
import signal

import tlslib
from caselib import SLOW, done, expect, process, says, start_jail
from cutting import Relay, cut_at_random, native_load, start_load

ROUNDS, SESSIONS = 20, 2
KEY = ("--key", "k/client.key")
WAIT = 6
want = native_load(ROUNDS)
tlslib.keygen("k")
server = tlslib.server("k", "--resume-timeout", str(WAIT))
relay = Relay(server)
cuts = resumed = 0
for seed in range(1, SESSIONS + 1):
    running = start_load(relay, ROUNDS, *KEY)
    cuts += cut_at_random(relay, running, seed, ["reset"], 0.02, 30)
    output = running.wait()
    expect(output.status == 0 and output.stdout == want, f"seed {seed}: {output}")
    told = re.search(r"(\d+) connections cut, (\d+) resumed", output.stderr)
    resumed += int(told[2]) if told else 0
print(f"{cuts} connections were reset, {resumed} resumed")
expect(cuts >= 10 and resumed >= 5, "too few cuts to tell anything")
expect(server.idle(2 * WAIT), f"processes are left on the server: {server.processes()}\n{server.text()[-2000:]}")

# A client that ends says so: its session does not wait for it.
says(tlslib.jail(relay, "k/client.key", "true"), 0)
expect(server.idle(WAIT / 2), f"a session waits for a client that has ended: {server.text()[-2000:]}")

# One that is killed cannot: its session waits as long as it may.
running = start_jail(*KEY, "sh", "-c", "echo ready; exec sleep 1000", server=relay.address)
running.saw("ready")
running.child.send_signal(signal.SIGKILL)
expect(process.until(lambda: "its client is cut off" in server.text()[-1000:], 10 * SLOW), f"no cut was told: {server.text()[-1000:]}")
expect(server.idle(2 * WAIT * SLOW), "the session of a killed client stays")

# The server says so too.
running = start_jail(*KEY, "sh", "-c", "echo ready; exec cat /dev/zero > /dev/null", server=relay.address)
running.saw("ready")
server.child.send_signal(signal.SIGINT)
says(running.wait(10), 125, "the server has ended the session")
done()
