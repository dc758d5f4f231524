# SPDX-License-Identifier: GPL-2.0-only
# limit: 90
"""Connections are reset at random while a session does a little of everything: nothing is lost, nothing is done twice, and all is as natively."""
import os
import re

from caselib import VARIANT, Server, done, expect
from cutting import Relay, cut_at_random, native_load, start_load

ROUNDS, SESSIONS, PAUSE = 30, 4, 0.01
WANTED = 60  # cuts, in all
want = native_load(ROUNDS)
server = Server() # a client that ends while its tether is cut says so on the control channel
relay = Relay(server)
cuts = resumed = 0
for seed in range(1, SESSIONS + 1):
    running = start_load(relay, ROUNDS)
    cuts += cut_at_random(relay, running, seed, ["reset"], PAUSE, 40)
    output = running.wait()
    expect(output.status == 0 and output.stdout == want, f"seed {seed}: {output}")
    told = re.search(r"(\d+) connections cut, (\d+) resumed", output.stderr)
    resumed += int(told[2]) if told else 0
print(f"{cuts} connections were reset, {resumed} resumed")
expect(cuts >= WANTED and resumed >= WANTED / 4, "too few cuts to tell anything")
expect(server.idle(10), f"processes are left on the server: {server.processes()}\n{server.text()[-2000:]}")
done()
