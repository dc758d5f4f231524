# SPDX-License-Identifier: GPL-2.0-only
"""Hostile bytes at the TLS processes: floods, changed handshakes, recordings, another session's id; the daemon and an honest session go on."""
# limit: 120
import random
import time

import tlslib
from caselib import SLOW, done, expect, process, says, start_jail
from tlslib import PREAMBLE, closed, connect, keygen

UNKNOWN_MAX = 16
keygen("k")
server = tlslib.server("k", "-v", "--hello-timeout", "2")
victim = start_jail("--key", "k/client.key", "/bin/bash", "-c", "echo ready; for ((i = 0; ; i++)); do echo $i > /tmp/x; read -r j < /tmp/x; [ $i = $j ] || exit 1; "
                    "(exit 7); [ $? = 7 ] || exit 1; echo round $i; sleep 0.1; done", server=server.address)
victim.saw("ready")


def rounds():
    return victim.read().count("round")


def goes_on(after):
    had = rounds()
    expect(process.until(lambda: rounds() > had + 1 or victim.child.poll() is not None, 10 * SLOW) and victim.child.poll() is None,
           f"the honest session stands still after {after}: {victim.read('err')}")
    says(tlslib.jail(server, "k/client.key", "/bin/true"), 0)


def say(data, what):
    """Send it, end, and see the other side end too."""
    s = connect(server.address)
    try:
        s.sendall(data)
        s.shutdown(1)
    except OSError:
        pass  # it was quicker
    expect(closed(s) is not None, f"{what} is still open")
    s.close()


def unknown():
    return len([line for line in process_names() if line == "rsys-tls"]) - 1


def process_names():
    names = []
    for pid in server.processes():
        try:
            with open(f"/proc/{pid}/comm", encoding="utf-8") as f:
                names.append(f.read().strip())
        except OSError:
            pass
    return names


# A flood of clients that say nothing more: bounded, and over when their time is.
flood = [connect(server.address) for _ in range(100)]
for s in flood:
    s.sendall(PREAMBLE)
expect(process.until(lambda: unknown() >= UNKNOWN_MAX - 1, 10 * SLOW), f"{unknown()} TLS processes")
most = 0
for _ in range(20):
    most = max(most, unknown())
expect(most <= UNKNOWN_MAX + 2, f"{most} TLS processes for clients that nobody knows")  # two may be about to end
goes_on("a flood")
expect(process.until(lambda: unknown() <= 0, 10 * SLOW), f"{unknown()} TLS processes are left")

# A good handshake, changed: at every third byte or so of what the client sends first, and at random.
relay = tlslib.Relay(server.address)
says(tlslib.jail(relay, "k/client.key", "/bin/true"), 0)
hello = bytes(next(pair[0] for pair in relay.seen if pair[0][:40] == PREAMBLE))
dice = random.Random(20)
end = 40 + 5 + int.from_bytes(hello[43:45], "big")  # the first record
for i in range(150):
    changed = bytearray(hello[:end])
    for _ in range(dice.choice((1, 1, 1, 2, 8))):
        changed[dice.randrange(40, end)] = dice.randrange(256)
    if i % 5 == 0:
        del changed[dice.randrange(45, end):]
    say(bytes(changed) + dice.randbytes(dice.choice((0, 0, 300, 20000))), f"changed handshake {i}")
goes_on("changed handshakes")

# Recordings: of a session's first connection, of a channel, in full and cut.
for pair in list(relay.seen):
    for data in (bytes(pair[0]), bytes(pair[0][:-1])):
        say(data, "a recording")
started = server.text().count("started for")
goes_on("recordings")
expect(server.text().count("started for") == started + 1, "a recording started a session")

# Another session's id is public, and of no use without the session's key.
through = tlslib.Relay(server.address)
two = start_jail("--key", "k/client.key", "/bin/sh", "-c", "echo ready; read x; (exit 3); echo $?", server=through.address, stdin=-1)
two.saw("ready")
ids = {bytes(pair[0][8:24]) for pair in through.seen} - {bytes(16)}
expect(len(ids) == 1, f"ids: {ids}")
for i in range(20):
    say(PREAMBLE[:8] + ids.copy().pop() + bytes(16) + (hello[40:end] if i % 2 else dice.randbytes(200)), "a handshake for another session")
two.child.stdin.write(b"\n")
two.child.stdin.flush()
two.saw("3")
says(two.wait(), 0)
goes_on("another session's id")

# What is changed behind the handshake ends its session, on both sides, and is not taken for anything.
for direction in (0, 1):
    def change(number, way, offset, data, direction=direction):
        if way != direction or number == 0 or offset < 1500:
            return data
        return data[:-1] + bytes([data[-1] ^ 1])
    broken = tlslib.Relay(server.address, change)
    output = tlslib.jail(broken, "k/client.key", "--connect-timeout", "5", "/bin/sh", "-c", "i=0; while [ $i -lt 200 ]; do echo x > /tmp/x; i=$((i+1)); done")
    says(output, (125, 137), "rsys-jail: ")
goes_on("changed records")
victim.kill()
begun = time.monotonic()
expect(server.idle(10), f"processes are left after {time.monotonic() - begun:.0f} s: {server.processes()}")
expect(server.child.poll() is None, "the daemon has ended: " + server.text())
done()
