# SPDX-License-Identifier: GPL-2.0-only
# variants: root
# limit: 150
"""A machine that is gone without a word: its sessions end within a minute and the time that they may be resumed, and others are served meanwhile.  On a cable between
two network namespaces of the case's own, whose ends know each other no more.  Root only: an ordinary user can make no interface in the server's network."""
import os
import signal
import subprocess
import sys

INSIDE = "RSYS_TEST_DEAD_PEER_INSIDE"
if INSIDE not in os.environ:
    os.environ[INSIDE] = "1"
    os.execvp("unshare", ["unshare", "--net", "--", sys.executable, os.path.abspath(__file__)])

from caselib import JAIL, SLOW, Running, Server, done, expect, jail, says, started  # noqa: E402
import process  # noqa: E402

NOTICED = 60 # seconds: transport/tcp.c
RESUME = 2


def ip(*words):
    out = subprocess.run(["ip", *words], capture_output=True, text=True)
    expect(out.returncode == 0, f"ip {words}: {out.stderr}")


holder = process.start(["unshare", "--net", "sh", "-c", "echo there; exec sleep 1000"], subprocess.PIPE, subprocess.DEVNULL)
started.append(holder)
expect(holder.stdout.readline() == b"there\n", "no other network namespace")
inside = ["nsenter", "--net", "--target", str(holder.pid)]
ip("link", "set", "lo", "up")
ip("link", "add", "ours", "address", "02:00:00:00:00:01", "type", "veth", "peer", "name", "theirs", "address", "02:00:00:00:00:02", "netns", str(holder.pid))
ip("address", "add", "192.0.2.1/30", "dev", "ours")
ip("link", "set", "ours", "up")
subprocess.run([*inside, "ip", "address", "add", "192.0.2.2/30", "dev", "theirs"], check=True)
subprocess.run([*inside, "ip", "link", "set", "theirs", "up"], check=True)

server = Server("--insecure", "--resume-timeout", str(RESUME), "--listen", "tcp:192.0.2.1:9000", "--quiet", ready=True)
there = Running([*inside, JAIL, "--server", "tcp:192.0.2.1:9000", "sh", "-c", "mkfifo /tmp/f; exec 9<>/tmp/f; echo ready >&9; exec cat /tmp/f"])
there.saw("ready")
expect(server.processes(), "there is no session")
# From here on what either side sends is for nobody.
ip("neighbour", "replace", "192.0.2.2", "lladdr", "02:00:00:00:00:99", "dev", "ours", "nud", "permanent")
subprocess.run([*inside, "ip", "neighbour", "replace", "192.0.2.1", "lladdr", "02:00:00:00:00:99", "dev", "theirs", "nud", "permanent"], check=True)
there.kill(signal.SIGKILL)
says(jail("true", server=server.address), 0)
expect(server.idle((NOTICED + RESUME + 10) / SLOW), f"the session of a machine that is gone is still there: {server.processes()}")
done()
