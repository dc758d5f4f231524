# SPDX-License-Identifier: GPL-2.0-only
# limit: 180
"""Connections that carry nothing any more; a network that is away for some time, or for good; a session that has not waited; Ctrl-C meanwhile."""
import signal
import time

from caselib import SLOW, Server, done, expect, says, start_jail
from cutting import Relay, native_load, start_load

ROUNDS = 12
WAITS = "the connection to the server is cut: waiting up to"
want = native_load(ROUNDS)
server = Server("--resume-timeout", "30")


def compare(running, what, seconds=60):
    output = running.wait(seconds)
    expect(output.status == 0 and output.stdout == want, f"{what}: {output}")
    return output


# Some connections are silent, then all.  Each is missed after 8 to 12 seconds.
relay = Relay(server)
running = start_load(relay, ROUNDS)
expect(sum(relay.do(f"silence {n}") for n in range(4)) > 0, "there was nothing to silence")
compare(running, "silent connections")
running = start_load(relay, ROUNDS)
expect(relay.do("silence all") > 3, "there was nothing to silence")
output = compare(running, "all connections are silent")
expect(output.seconds < 40 * SLOW, f"noticed late: {output}")

# Nothing is carried for so long that it is missed; then all of it comes after all.
running = start_load(relay, ROUNDS)
relay.do("hold")
began = time.monotonic()
while WAITS not in running.read("err") and time.monotonic() - began < 30 * SLOW:
    time.sleep(0.05)
relay.do("release")
output = compare(running, "a slow network")
expect(WAITS in output.stderr and "is back" in output.stderr, f"what the user is told: {output}")

# All are reset, and nothing is let in for three seconds.
running = start_load(relay, ROUNDS)
relay.do("hold")
relay.do("reset all")
running.child.poll()
began = time.monotonic()
while WAITS not in running.read("err") and time.monotonic() - began < 10 * SLOW:
    time.sleep(0.05)
time.sleep(2)
relay.do("release")
output = compare(running, "away for three seconds")
expect(WAITS in output.stderr and "is back" in output.stderr, f"what the user is told: {output}")


def cut_off(*options, program=("sh", "-c", "mkfifo /tmp/f; exec 9<>/tmp/f; echo ready >&9; exec cat /tmp/f"), via=None):
    """A session whose program waits for the server, when that is away for good and the user has been told."""
    jailed = start_jail(*options, *program, server=(via or relay).address)
    jailed.saw("ready")
    (via or relay).do("hold")
    (via or relay).do("reset all")
    limit = time.monotonic() + 10 * SLOW
    while WAITS not in jailed.read("err") and jailed.child.poll() is None and time.monotonic() < limit:
        time.sleep(0.05)
    return jailed


# For good: it ends, and says why.
running = cut_off("--resume-timeout", "3")
says(running.wait(10), 125, "did not come back within 3 seconds")
relay.do("release")
# A signal that ends the program (a shell would handle it) ends the session at once.
running = cut_off()
expect(WAITS in running.read("err"), f"not told: {running.read('err')}")
running.kill(signal.SIGINT)
output = running.wait(5)
expect(output.status == 128 + signal.SIGINT and output.seconds < 20 * SLOW, f"SIGINT while the session waits: {output}")
relay.do("release")
# Not to be resumed: it ends at once.
running = cut_off("--resume-timeout", "0")
says(running.wait(5), 125)
relay.do("release")
# The server has not waited so long.
impatient = Server("--resume-timeout", "2")
other = Relay(impatient)
running = cut_off(via=other)
expect(impatient.idle(10), f"the server waits for longer than it may: {impatient.text()[-1000:]}")
other.do("release")
says(running.wait(15), 125, "the session is over|did not come back|has ended")
expect(server.idle(40), f"processes are left on the server: {server.processes()}\n{server.text()[-2000:]}")
done()
