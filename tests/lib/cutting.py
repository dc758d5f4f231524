# SPDX-License-Identifier: GPL-2.0-only
"""cutting.py: a network that breaks (tests/programs/cut-relay.c) in front of a server, and a load that notices what is lost or done twice (tests/guests/cut-load.c)."""
import os
import random
import subprocess
import tempfile
import time

import process
from caselib import BIN, NATIVE, SLOW, STAGE, expect, fail, run, start_jail, started

LOAD = f"{STAGE}/guests/static/cut-load"
UNMAPPED = ["unmapped"] if os.environ.get("RSYS_VIEW") == "copy" else [] # copies have no mappings that can write


class Relay:
    def __init__(self, server):
        self.child = subprocess.Popen([f"{BIN}/cut-relay", server.address.rsplit(":", 1)[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                      bufsize=1, start_new_session=True)
        started.append(self.child)
        self.address = f"{server.address.split(':')[0]}:127.0.0.1:{self.child.stdout.readline().strip()}"

    def do(self, command):
        self.child.stdin.write(command + "\n")
        return int(self.child.stdout.readline())


def start_load(relay, rounds, *options):
    """The load, jailed; returns when its first round is done: the start of a session is not resumed."""
    running = start_jail("--stats", *options, "--chdir", "/tmp", "--local", LOAD, "cut-load", str(rounds), *UNMAPPED, server=relay.address)
    running.saw("started", 20)
    return running


def native_load(rounds):
    """What the load says without a jail."""
    directory = tempfile.mkdtemp()
    os.chmod(directory, 0o777)
    output = run(LOAD, str(rounds), *UNMAPPED, cwd=directory, seconds=20)
    expect(output.status == 0, f"the load, natively: {output}")
    return output.stdout


def cut_at_random(relay, running, seed, ways, pause, seconds):
    """Until it ends.  How many connections were cut."""
    chance = random.Random(seed)
    limit = time.monotonic() + seconds * SLOW
    cuts = 0
    while running.child.poll() is None:
        if time.monotonic() > limit:
            fail(f"seed {seed}: not ended after {seconds * SLOW:.0f} s and {cuts} cuts: {running.read()}\n{running.read('err')}")
        cuts += relay.do(f"{chance.choice(ways)} {chance.randrange(1000)}")
        process.until(lambda: running.child.poll() is not None, chance.uniform(0, 2 * pause), pause / 4)
    return cuts
