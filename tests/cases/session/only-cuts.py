# SPDX-License-Identifier: GPL-2.0-only
# limit: 90
"""Connections are reset at random while a program of which only chosen calls go to the server does a little of everything: numbers are moved once, nothing is lost, nothing is done twice."""
import re

import cutting
from caselib import Server, done, expect
from cutting import Relay, cut_at_random, native_load, start_load

ROUNDS, SESSIONS, PAUSE = 30, 4, 0.01
CHOSEN = "@file-system,@network-io,memfd_create,eventfd2,timerfd_create"
cutting.UNMAPPED = ["unmapped"]  # files of the server are mapped as copies
want = native_load(ROUNDS)
server = Server("--resume-timeout", "5")
relay = Relay(server)
cuts = resumed = 0
for seed in range(1, SESSIONS + 1):
    running = start_load(relay, ROUNDS, "--only", CHOSEN)
    cuts += cut_at_random(relay, running, seed, ["reset"], PAUSE, 40)
    output = running.wait()
    expect(output.status == 0 and output.stdout == want, f"seed {seed}: {output}")
    told = re.search(r"(\d+) connections cut, (\d+) resumed", output.stderr)
    resumed += int(told[2]) if told else 0
print(f"{cuts} connections were reset, {resumed} resumed")
expect(cuts >= 30 and resumed >= 10, "too few cuts to tell anything")
expect(server.idle(10), f"processes are left on the server: {server.processes()}\n{server.text()[-2000:]}")
done()
