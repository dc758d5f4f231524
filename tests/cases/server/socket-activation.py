# SPDX-License-Identifier: GPL-2.0-only
"""Listeners that a service manager hands over: TCP and unix ones are served under their names; what the rules forbid, or is no listener, is refused."""
import os
import shutil
import socket

from caselib import SANDBOXD, SLOW, Running, done, expect, jail, process, says
from manager import with_listeners

POLICY = os.environ["RSYS_TEST_POLICY"]


def serve(sockets, *options, names="", pid="self", **more):
    return Running(with_listeners(sockets, [SANDBOXD, "--policy", POLICY, "--control", "", *options], names, pid), pass_fds=[s.fileno() for s in sockets], **more)


def stream(address):
    return socket.create_server((address, 0), family=socket.AF_INET6 if ":" in address else socket.AF_INET)


tcp, unix, abstract = stream("127.0.0.1"), socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
unix.bind("own.sock")
unix.listen()
abstract.bind("\0rsys-test-%d" % os.getpid())
abstract.listen()
daemon = serve([tcp, unix, abstract], names="first:second:")
port = tcp.getsockname()[1]
for text in (f"listening on tcp:127.0.0.1:{port}, inherited as first", "listening on unix:own.sock, inherited as second", "listening on unix:@rsys-test-"):
    expect(process.until(lambda text=text: text in daemon.read("err"), 10 * SLOW), f"no \"{text}\": {daemon.read('err')}")
says(jail("/bin/true", server=f"tcp:127.0.0.1:{port}"), 0)
says(jail("/bin/true", server="unix:" + os.path.abspath("own.sock")), 0)
says(jail("sh", "-c", "echo \"$LISTEN_FDS$LISTEN_PID\"", server=f"tcp:127.0.0.1:{port}"), 0, "^\n$", stream="stdout")
expect("127.0.0.1:9000" not in daemon.read("err"), "it listens at the default address too")
daemon.child.terminate()
says(daemon.wait(), 0)
expect(os.path.exists("own.sock"), "it removed a name that is the manager's")
# The listener is the manager's still: a new daemon takes over.
again = serve([tcp], "--listen", "unix:more.sock")
says(jail("/bin/true", server=f"tcp:127.0.0.1:{port}"), 0)
expect(process.until(lambda: os.path.exists("more.sock"), 10 * SLOW), "no listener beside the inherited one")
again.child.terminate()
says(again.wait(), 0)

# What is refused, and what is not for us.
public = stream("0.0.0.0")
says(serve([public]).wait(), 1, r"listen on tcp:0\.0\.0\.0:\d+: other machines reach this address")
if socket.has_ipv6 and os.path.exists("/proc/net/if_inet6"):
    says(serve([stream("::")]).wait(), 1, r"listen on tcp:\[::\]:\d+: other machines")
    six = serve([stream("::1")])
    expect(process.until(lambda: "listening on tcp:[::1]:" in six.read("err"), 10 * SLOW), six.read("err"))
    six.child.terminate()
    says(six.wait(), 0)
silent = socket.socket()
says(serve([silent]).wait(), 1, "no stream socket that listens")
says(serve([socket.socket(socket.AF_INET, socket.SOCK_DGRAM)]).wait(), 1, "no stream socket that listens")
with open(POLICY, encoding="utf-8") as f:
    says(serve([f]).wait(), 1, "listen on descriptor 3")
other = serve([public], "--listen", "unix:other.sock", pid="1") # another process's: left alone
expect(process.until(lambda: "listening on unix:" in other.read("err"), 10 * SLOW), other.read("err"))
other.child.terminate()
says(other.wait(), 0)

# The real thing, where it is installed: it starts the daemon at the first connection.
if shutil.which("systemd-socket-activate"):
    probe = stream("127.0.0.1")
    port = probe.getsockname()[1]
    probe.close()
    real = Running(["systemd-socket-activate", "-l", f"127.0.0.1:{port}", SANDBOXD, "--policy", POLICY, "--control", ""])
    expect(process.until(lambda: "Listening on" in real.read("err"), 10 * SLOW), real.read("err"))
    says(jail("/bin/true", server=f"tcp:127.0.0.1:{port}"), 0)
    real.child.terminate()
    says(real.wait(), 0)
done()
