# SPDX-License-Identifier: GPL-2.0-only
"""crowd.py: many sessions at once, and many one after another."""
import os
import signal
import subprocess
import tempfile
import time

import holdings
import process
import wire

GETPID = 39
# Says that it is there; waits until all are; then forks, pipes and writes files.
SCRIPT = """echo ready; read -r _
for i in 1 2 3 4 5; do echo "$1 $i"; done | sort -r | while read -r line; do echo "$line" >>/tmp/lines; done
mkdir /tmp/d && (cd /tmp/d && for i in 1 2 3; do echo $i >f$i; done; cat f*) | tr '\\n' ' '
cat /tmp/lines | tr '\\n' ' '; n=$(ls /tmp/d | wc -l); echo "$n files, $(hostname)"; exit 7"""


def wanted(name):
    return "ready\n1 2 3 " + "".join(f"{name} {i} " for i in (5, 4, 3, 2, 1)) + "3 files, sandbox\n"


def at_once(jail, address, count, identity):
    """count sessions that are all there at the same time: how many were wrong."""
    directory = tempfile.TemporaryDirectory(prefix="load-")
    gate_read, gate = os.pipe()
    began = time.monotonic()
    running = []
    for n in range(count):
        out = open(f"{directory.name}/{n}", "w+b")
        running.append((process.start([jail, "--server", address, "--connect-timeout", "120", "--quiet", "sh", "-c", SCRIPT, "sh", f"s{n}"], out, subprocess.STDOUT,
                                      gate_read, **identity), out))
    os.close(gate_read)

    def ready():
        return sum(os.fstat(out.fileno()).st_size >= 6 or child.poll() is not None for child, out in running) == count
    process.until(ready, 300, 0.2)
    all_there = sum(child.poll() is None for child, _ in running)
    started = time.monotonic() - began
    os.close(gate)
    wrong = 0
    for n, (child, out) in enumerate(running):
        ended = process.wait_limited(child, 300)
        out.seek(0)
        text = out.read().decode("utf-8", "replace")
        if ended != 7 or text != wanted(f"s{n}"):
            wrong += 1
            if wrong <= 5:
                print(f"  session {n}: status {ended}: {text[-300:]!r}", flush=True)
        process.end(child)
        out.close()
    directory.cleanup()
    print(f"  {count} sessions at once: {all_there} were there together, after {started:.1f} s; all ended after {time.monotonic() - began:.1f} s; {wrong} were wrong",
          flush=True)
    return wrong + (count - all_there)


def in_turn(jail, address, daemon, count, identity):
    """count sessions one after another, each hundredth a real program: how many were wrong, and whether something stays."""
    def settle():
        process.until(lambda: not process.descendants(daemon), 20)
        # The kernel takes network namespaces apart by itself, some time later.
        limit = time.monotonic() + 30
        seen = holdings.network_namespaces()
        while time.monotonic() < limit:
            time.sleep(1)
            now = holdings.network_namespaces()
            if now == seen:
                break
            seen = now
        return holdings.of(daemon)
    wrong = 0

    def some(n):
        nonlocal wrong
        for i in range(n):
            if i % 100 == 0:
                status = subprocess.run([jail, "--server", address, "sh", "-c", "echo $((6 * 7)) | cat >/tmp/x; exit $(cat /tmp/x)"], stdin=subprocess.DEVNULL,
                                        timeout=60, check=False, **identity).returncode
                wrong += status != 42
                continue
            session = wire.Session(address)
            wrong += session.spawn(10).call(GETPID) != 10
            session.close()
    some(min(100, count)) # what the first ones allocate stays
    rows = {"before": settle()}
    began = time.monotonic()
    some(count // 2)
    half = time.monotonic() - began
    rows["in the middle"] = settle()
    began = time.monotonic()
    some(count - count // 2)
    half += time.monotonic() - began
    rows["after"] = settle()
    print(f"  {count} sessions one after another: {half * 1000 / count:.2f} ms each; {wrong} were wrong", flush=True)
    holdings.show(rows)
    first, last = rows["before"], rows["after"]
    others = ("network namespaces", "locks") # whose: others on this machine have some too
    grown = [name for name in first if name != "resident KiB" and last[name] > first[name] + (64 if name in others else 0)]
    if last["resident KiB"] > first["resident KiB"] + 512:
        grown.append("resident KiB")
    for name in grown:
        print(f"  STAYS: {name}: {first[name]} before, {last[name]} after", flush=True)
    return wrong + len(grown)


def reloads(jail, address, daemon, seconds, identity):
    """The policy is read again without end, while sessions start."""
    before = holdings.of(daemon)
    wrong = count = loaded = 0
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        for _ in range(5):
            os.kill(daemon, signal.SIGHUP)
            loaded += 1
        session = wire.Session(address)
        wrong += session.spawn(10).call(GETPID) != 10
        session.close()
        count += 1
    process.until(lambda: not process.descendants(daemon), 20)
    after = holdings.of(daemon)
    print(f"  {loaded} reloads during {count} sessions; {wrong} were wrong", flush=True)
    holdings.show({"before": before, "after": after})
    return wrong + (after["descriptors"] > before["descriptors"]) + (after["resident KiB"] > before["resident KiB"] + 1024)
