# SPDX-License-Identifier: GPL-2.0-only
"""rsys-sandboxd --status: what is told of the daemon and of each session is what they do; only the daemon's user is answered; no reader delays the daemon."""
import json
import os
import signal
import socket
import stat
import time

from caselib import SANDBOXD, SLOW, VARIANT, Running, Server, done, expect, fail, jail, process, run, says, start_jail, write_policy


def ask(*options):
    output = run(SANDBOXD, "--status", "--control", "control", *options)
    expect(output.status == 0, f"--status: {output}")
    return output.stdout


def told():
    return json.loads(ask("--json"))


def until(condition, what):
    def look():
        now = told()
        return condition(now) and now
    return process.until(look, 10 * SLOW) or fail(f"{what}: {told()}")


server = Server("--control", "control", "--max-sessions", "3", "--drain-timeout", "600", "--log-format", "json")
expect(stat.S_IMODE(os.stat("control").st_mode) == 0o600, "others may ask")
status = told()
expect((status["pid"], status["state"], status["sessions"]) == (server.pid, "running", []), f"at first: {status}")
expect(status["listening"] == [{"address": server.address}] and status["limits"]["max_sessions"] == 3, f"at first: {status}")
expect(status["policy"] == os.environ["RSYS_TEST_POLICY"], f"the policy: {status}")

idle = start_jail("sh", "-c", "sleep 3000 & sleep 3000 & echo ready; wait", server=server.address)
idle.saw("ready")
fast = start_jail("sh", "-c", "echo ready; while :; do cd /; cd /tmp; done", server=server.address)
fast.saw("ready")
status = until(lambda s: [one["guests"] for one in s["sessions"]] == [3, 1] and s["sessions"][0]["calls_per_second"] == 0 < s["sessions"][1]["calls_per_second"],
               "guests: a shell and two sleeps that do nothing, a shell that is busy")
first, second = status["sessions"]
expect((first["id"], second["id"]) == (1, 2) and {first["state"], second["state"]} == {"running"}, f"sessions: {status}")
expect(first["peer"].startswith("tcp:127.0.0.1:") and first["peer"] != second["peer"], f"peers: {status}")
expect(first["calls"] > 20 and first["bytes_in"] > 40 * first["calls"] and first["bytes_out"] > 20 * first["calls"], f"counted: {first}")
expect(second["calls_per_second"] > 100, f"rates: {status}")
expect(first["denied"] == second["denied"] == 0, f"denied: {status}")
later = told()["sessions"]
expect(later[0]["calls"] == first["calls"] and later[1]["calls"] > second["calls"], f"later: {later}")
fast.kill()
status = until(lambda s: len(s["sessions"]) == 1, "one has ended")
expect(status["totals"]["sessions"] == 2 and status["totals"]["calls"] >= later[1]["calls"] + first["calls"], f"totals: {status}")

# For people.
text = ask()
lines = text.splitlines()
expect(f"pid {server.pid}" in lines[0] and "1 of 3 sessions; 2 since the start" in text, text)
expect(lines[-1].split()[0] == "1" and lines[-1].split()[3:5] == ["running", "3"], text)

# Who asks and never reads, nor says what, holds nothing up; too many of them are turned away.
silent = []
for _ in range(20):
    silent.append(socket.socket(socket.AF_UNIX))
    silent[-1].connect("control")
began = time.monotonic()
says(jail("/bin/true", server=server.address), 0)
expect(time.monotonic() - began < 8 * SLOW, "the daemon was held up")
server.says("too many are asking")
for s in silent:
    s.close()
expect(process.until(lambda: run(SANDBOXD, "--status", "--control", "control").status == 0, 10 * SLOW), "it does not answer again")
until(lambda s: s["totals"]["sessions"] == 3 and len(s["sessions"]) == 1, "after a session")
if VARIANT == "root":
    os.chmod("control", 0o777)
    os.chmod(".", 0o755)
    output = Running(["setpriv", "--reuid", "64999", "--regid", "64999", "--clear-groups", "python3", "-c",
                      "import socket; s = socket.socket(socket.AF_UNIX); s.connect('/proc/self/cwd/control'); print(s.recv(1))"]).wait()
    expect("b''" in output.stdout or "Permission" in output.stderr or "ConnectionReset" in output.stderr, f"another user was answered: {output}")

# Draining shows; nothing of it is left.
server.child.send_signal(signal.SIGTERM)
status = until(lambda s: s["state"] == "draining", "draining")
expect("draining" in ask().splitlines()[0], "draining")
says(jail("/bin/true", server=server.address), 125)
expect(told()["totals"]["refused"] == 1, f"refused: {told()}")
idle.kill()
expect(process.wait_limited(server.child, 10) == 0, f"no clean end: {server.text()}")
expect(not os.path.exists("control"), "the socket is left")
says(run(SANDBOXD, "--status", "--control", "control"), 1, "rsys-sandboxd: --status: connect to unix:.*control: .*No such file")
says(run(SANDBOXD, "--json"), 2, "--json: goes with --status")

# What the policy denies is counted.
with open(os.environ["RSYS_TEST_POLICY"], encoding="utf-8") as f:
    denying = {**json.load(f), "syscalls": [{"names": ["mkdir"], "action": "deny"}]}
server = Server("--control", "control", policy_file=write_policy(json.dumps(denying)))
says(jail("sh", "-c", "mkdir /tmp/a; mkdir /tmp/b; mkdir /tmp/c; true", server=server.address), 0)
status = until(lambda s: s["totals"]["denied"] >= 3, "denied")
expect(status["totals"]["denied"] == 3, f"denied: {status}")
server.child.terminate()
expect(process.wait_limited(server.child, 10) == 0, f"no clean end: {server.text()}")

# A second daemon does not take the place; one that was killed leaves it to the next.
server = Server("--control", "control")
says(Running([SANDBOXD, "--control", "control", "--listen", "unix:x"]).wait(), 1, "rsys-sandboxd: listen on unix:.*control: Address already in use")
asking = socket.socket(socket.AF_UNIX)
asking.connect("control")
expect(process.until(lambda: "rsys-status" in server.processes().values(), 10 * SLOW), f"nobody answers: {server.processes()}")
server.child.kill()
server.child.wait()
asking.settimeout(10 * SLOW)
try:
    expect(asking.recv(1) == b"", "who answers outlives the daemon")
except ConnectionResetError:  # it had not read all yet
    pass
server = Server("--control", "control")
expect(told()["pid"] == server.pid, "the new one answers")

# The usual place, of an ordinary user and of root; no second daemon fails for it.
if VARIANT != "root":
    here = {"XDG_RUNTIME_DIR": os.getcwd()}
    if os.geteuid() != 0:
        usual = Server(env={**os.environ, **here})
        usual.child.kill()
        usual = Running([SANDBOXD, "--listen", "unix:y"], env=here)
        expect(process.until(lambda: os.path.exists("rsys/control"), 10 * SLOW), f"no rsys/control: {usual.read('err')}")
        expect(json.loads(Running([SANDBOXD, "--status", "--json"], env=here).wait().stdout)["pid"] == usual.pid, "at XDG_RUNTIME_DIR")
        again = Running([SANDBOXD, "--listen", "unix:z"], env=here)
        expect(process.until(lambda: "another one has it" in again.read("err"), 10 * SLOW), again.read("err"))
        for one in (again, usual):
            one.child.terminate()
            says(one.wait(), 0)
done()
