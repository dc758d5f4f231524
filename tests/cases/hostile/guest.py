#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""guest.py: guests that want out: they reach nothing of the client machine and do not outlive the session."""
# limit: 150
import os
import shutil
import sys
import time

import cases
import process

BIN, SERVER = os.environ["RSYS_TEST_BIN"], os.environ["RSYS_TEST_SERVER"]
SLOW = float(os.environ.get("RSYS_TEST_SLOW", "1"))
# Names of our own: others may run this on the same machine.
GUEST, OUTLIVING = f"hg{os.getpid()}", f"ol{os.getpid()}"
failures = 0


def fail(text):
    global failures
    failures += 1
    print(f"FAILED: {text}", flush=True)


def run(*arguments, limit=40):
    """Run the guest; it has to say that nothing got through, and leave no process behind."""
    what = arguments[0]
    started = time.monotonic()
    where = f"run-{what}"
    os.mkdir(where)
    marker = os.path.abspath("marker")
    with open(marker, "w", encoding="utf-8") as f:
        f.write("outside")
    command = [f"{BIN}/rsys-jail", "--server", SERVER, "--chdir", "/tmp", "--local", os.path.abspath(GUEST), GUEST, *[marker if a == "MARKER" else a for a in arguments]]
    result = cases.run_program(command, limit * SLOW, where)
    if result.status is None:
        fail(f"{what}: over its time limit")
    elif result.status != 0 or f"ok {what}" not in result.stdout:
        fail(f"{what}: status {result.status}\n{result.stdout[-2000:]}\n{result.stderr[-2000:]}")
    with open(marker, encoding="utf-8") as f:
        if f.read() != "outside":
            fail(f"{what}: the client's file was changed")
    left = [f"{comm} ({pid})" for pid, (comm, state, _, _) in process.table().items() if comm in (GUEST, OUTLIVING) and state not in "ZX"]
    if left and not process.until(lambda: not [1 for comm, state, _, _ in process.table().values() if comm in (GUEST, OUTLIVING) and state not in "ZX"], 3 * SLOW):
        fail(f"{what}: processes outlive the session: {left}")
    print(f"{what}: {time.monotonic() - started:.1f} s", flush=True)


shutil.copy(f"{BIN}/hostile-guest", GUEST)
wanted = sys.argv[1:]
for guest in (["doors"], ["others"], ["proc"], ["descriptors"], ["files", "MARKER"], ["race", "MARKER"], ["outlive", OUTLIVING], ["every-call", "20"]):
    if not wanted or guest[0] in wanted:
        run(*guest)
sys.exit(1 if failures else 0)
