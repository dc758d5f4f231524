# SPDX-License-Identifier: GPL-2.0-only
"""What the service manager is told: that the daemon is ready, reloads, is alive, has sessions, stops; what it starts is told nothing of the manager."""
import os
import signal

from caselib import JAIL, Running, Server, done, expect, jail, policy, process, says, start_jail, write_policy
from manager import Manager

for name in (os.path.abspath("notify"), "@rsys-test-notify-%d" % os.getpid()):
    manager = Manager(name)
    path = policy()
    server = Server("--drain-timeout", "600", policy_file=path, env=manager.environment(WATCHDOG_USEC="200000"))
    manager.hears("^READY=1$")
    expect(manager.heard == ["READY=1\nSTATUS=0 sessions"], f"first: {manager.heard}")
    manager.hears("^WATCHDOG=1$")
    manager.hears("^WATCHDOG=1$")
    running = start_jail("sh", "-c", "echo ready; read x; env", server=server.address, stdin=-1)
    running.saw("ready")
    manager.hears("^STATUS=1 sessions, 1 since the start$")
    server.child.send_signal(signal.SIGHUP)
    expect(int(manager.hears("^RELOADING=1\nMONOTONIC_USEC=([0-9]+)$")[1]) > 0, "no time of the reload")
    manager.hears("^READY=1$")
    write_policy("{", path)
    server.child.send_signal(signal.SIGHUP)
    manager.hears("^RELOADING=1\n")
    manager.hears("^READY=1\nSTATUS=The policy could not be loaded again: ")
    server.child.send_signal(signal.SIGTERM)
    manager.hears("^STOPPING=1$")
    server.child.send_signal(signal.SIGTERM)
    manager.hears("^STATUS=0 sessions, 1 since the start$")
    expect(process.wait_limited(server.child, 10) == 0, f"no clean end: {server.text()}")
    running.kill()

# The watchdog of another process; no watchdog.
manager = Manager(os.path.abspath("other"))
server = Server(env=manager.environment(WATCHDOG_USEC="1000", WATCHDOG_PID="1"))
manager.hears("^READY=1$")
says(jail("/bin/true", server=server.address), 0)
manager.hears("^STATUS=0 sessions, 1")
expect(not [text for text in manager.heard if "WATCHDOG" in text], f"told: {manager.heard}")
# A private daemon is nobody's service, nor is it the client's.
says(Running([JAIL, "/bin/true"], env={"NOTIFY_SOCKET": manager.name, "WATCHDOG_USEC": "1000", "LISTEN_FDS": "1", "LISTEN_PID": "1"}).wait(), 0)
server.child.send_signal(signal.SIGINT)
manager.hears("^STOPPING=1$")
expect(not [text for text in manager.heard[2:-1] if "STATUS" not in text], f"told: {manager.heard}")
expect(process.wait_limited(server.child, 10) == 0, f"no clean end: {server.text()}")

says(Running([server.child.args[0], "--listen", "unix:x"], env={"NOTIFY_SOCKET": "nonsense"}).wait(), 1, "NOTIFY_SOCKET=nonsense: expected a path")
says(Running([server.child.args[0], "--listen", "unix:x"], env={"NOTIFY_SOCKET": "/nowhere/at/all"}).wait(), 1, "connect to the service manager")
done()
