# SPDX-License-Identifier: GPL-2.0-only
"""What a policy denies is in the server's log, with the call, its arguments' numbers and the rule's place: of an honest client, and of one that lies."""
# limit: 90
import errno
import json
import os
import re

import process
from caselib import SANDBOXD, SLOW, Running, Server, done, expect, jail, write_policy
from wire import NOREPLY, Session

with open(os.environ["RSYS_TEST_POLICY"], encoding="utf-8") as f:
    base = json.load(f)


def serve(syscalls, **more):
    policy = {"defaultAction": "allow", **more, "syscalls": syscalls, "sandbox": base["sandbox"]}
    return Server(policy_file=write_policy(json.dumps(policy, indent=1), "rules.json"))


def places(path, *names):
    """Where the entries that name these calls begin, as patterns."""
    with open(path, encoding="utf-8") as f:
        lines = f.read().splitlines()
    found = {}
    for name in names:
        at = next(i for i, line in enumerate(lines) if f'"{name}"' in line)
        found[name] = rf"{path}:{max(i for i in range(at) if lines[i].strip() == '{') + 1}"
    return found


def saw(server, pattern):
    expect(process.until(lambda: re.search(pattern, server.text()), 10 * SLOW), f"no /{pattern}/ in {server.text()}")


server = serve([
    {"names": ["mkdir"], "action": "deny", "errnoRet": "EDQUOT"},
    {"names": ["socket"], "action": "deny", "errnoRet": 97, "args": [{"index": 0, "op": "==", "value": 2}]},
    {"names": ["getpriority"], "action": "deny", "errnoRet": "ENOANO"},
    {"names": ["close", "umask"], "action": "log"},
    {"names": ["sync"], "action": "kill"},
    {"names": ["syncfs"], "action": "trap", "errnoRet": 7},
    {"names": ["rmdir"], "action": "deny"},
    {"names": ["getsid"], "action": "log"},
])
place = places("rules.json", "mkdir", "socket", "getpriority", "umask", "getsid", "sync", "syncfs", "rmdir")
out = jail("python3", "-c", """
import os, socket, ctypes, signal
libc = ctypes.CDLL(None, use_errno=True)
def tell(call, *args):
    try:
        print(call(*args) is None)
    except OSError as e:
        print(e.errno)
tell(os.mkdir, "/tmp/new", 0o755)
tell(socket.socket, socket.AF_INET)
tell(os.getpriority, os.PRIO_PROCESS, 0)
os.umask(0o27)
os.getsid(0)
for i in range(2000):
    tell(os.rmdir, "/none") if i == 0 else libc.rmdir(b"/none")
child = os.fork()
if child == 0:
    os.sync()
print(os.waitpid(child, 0)[1] & 127)
child = os.fork()
if child == 0:
    libc.syncfs(0)
print(os.waitpid(child, 0)[1] & 127)
""", server=server.address)
expect(out.stdout == "122\n97\n55\n1\n31\n31\n", f"what the program sees: {out}")
saw(server, rf"session 1: \S*{place['mkdir']}: denied with EDQUOT: mkdir\(0x[0-9a-f]+, 0x1ed\)\n")
saw(server, rf"session 1: \S*{place['socket']}: denied with EAFNOSUPPORT: socket\(0x2, 0x80001, 0\)\n")
saw(server, rf"session 1: \S*{place['getpriority']}: denied with ENOANO: getpriority\(0, 0\)\n")
saw(server, rf"session 1: \S*{place['umask']}: logged: umask\(0x17\)\n")
saw(server, rf"session 1: \S*{place['getsid']}: logged: getsid\(0\)\n")
saw(server, rf"session 1: \S*{place['sync']}: fatal: sync\(\)\n")
saw(server, rf"session 1: \S*{place['syncfs']}: trapped: syncfs\(0\)\n")
saw(server, r"session 1: more calls denied or logged: .*\brmdir (\d+)")
counts = [int(n) for n in re.findall(r"rmdir (\d+)", server.text())]
singly = len(re.findall(r"denied with EPERM: rmdir", server.text()))
expect(singly == 5 and 1700 < sum(counts) <= 1995, f"2000 of a kind: {singly} one by one, {counts} counted")
expect("asked of its executor" not in re.sub(r".*logged.*", "", server.text()), "nobody lied: " + server.text())

# A client that lies: the executor's kernel asks the session's process, and that says no.
session = Session(server.address)
executor = session.spawn(10)
expect(executor.call_path(83, "/tmp/new", 0o700) == -errno.EDQUOT, "mkdir by a lying client")
expect(executor.call(41, 2, 1, 0) == -97, "socket by a lying client")
expect(executor.call(41, 1, 1, 0) >= 0, "what the rule does not mean")
expect(executor.call(306, 0) == -errno.ENOSYS, "a trap is a refusal there")
saw(server, r"session 2: \S*: denied with EDQUOT: mkdir\(0x[0-9a-f]+, 0x1c0\), asked of its executor by the client")
# Reports of what is allowed, of what there is not, and of more than there can be.
for nr, args in ((0x7200 + 39, (1,)), (0x7200 + 511, ()), (0x7400 + 83, (1 << 63,)), (0x75ff, (3,)), (0x7600, ()), (0x71ff, ()), (0x7200 + 83, (7, 8))):
    expect(executor.call(nr, *args) in (0, -errno.ENOSYS), f"a report of {nr:#x}")
for _ in range(3000):
    executor.send(0x7200 + 83, (0, 0), flags=NOREPLY)
expect(executor.call(39) == 10, "it goes on")
saw(server, r"session 2: \S*: denied with EDQUOT: mkdir\(0x7, 0x8\)\n")
session.close()
saw(server, r"session 2: more calls denied or logged: mkdir \d+")
expect(len(server.text().splitlines()) < 60, "the log does not overflow: " + server.text())

# What is told stops where it would not: a signal that comes before it has been seen leaves no trace in the program.
server = serve([{"names": ["getpid", "getppid", "gettid"], "action": "log"}, {"names": ["getpgid"], "action": "deny", "errnoRet": "ENOANO"}])
out = jail("/guests/static/signals-unseen", server=server.address)
expect(out.stdout.endswith("\n0 wrong\n"), f"interrupted before it was seen: {out}")
out = jail("python3", "-c", """
import os, signal
signal.signal(signal.SIGALRM, lambda *a: None)
signal.siginterrupt(signal.SIGALRM, True)
signal.setitimer(signal.ITIMER_REAL, 0.0003, 0.0003)
seen = set()
for i in range(3000):
    try:
        os.getpgid(0)
    except OSError as e:
        seen.add(e.errno)
print(seen)
""", server=server.address)
expect(out.stdout == "{55}\n", f"denied and interrupted: {out}")

# Below a filter that has a listener already, as in some containers, there can be no other: what is denied is refused at once, with the same errors.
LISTENER = """
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
code = struct.pack("HBBI", 6, 0, 0, 0x7fff0000)  # allow
program = struct.pack("HxxxxxxQ", 1, ctypes.addressof(ctypes.create_string_buffer(code, len(code))))
assert libc.prctl(38, 1, 0, 0, 0) == 0
listener = libc.syscall(317, 1, 8, program)
os.set_inheritable(listener, True)  # it lives as long as somebody has it
os.execv(sys.argv[1], sys.argv[1:])
"""
policy_file = write_policy(json.dumps({"defaultAction": "allow", "syscalls": [{"names": ["mkdir"], "action": "deny", "errnoRet": "EDQUOT"},
                                                                              {"names": ["syncfs"], "action": "trap"}], "sandbox": base["sandbox"]}))
address = f"unix:{os.getcwd()}/below.sock"
below = Running(["python3", "-c", LISTENER, SANDBOXD, "--policy", policy_file, "--listen", address])
expect(process.until(lambda: "listening on" in below.read("err"), 10 * SLOW), "it comes up: " + below.read("err"))
session = Session(address)
executor = session.spawn(10)
expect(executor.call_path(83, "/tmp/new", 0o700) == -errno.EDQUOT, "mkdir where there is no listener")
expect(executor.call(306, 0) == -errno.ENOSYS, "a trap where there is no listener")
result = executor.call(0x7200 + 83, 1, 2)
expect(result == -errno.ENOSYS, f"a report where there is no listener: {result}")
session.close()
out = jail("sh", "-c", "mkdir /tmp/x; echo $?", server=address)
expect(out.stdout == "1\n" and "quota" in out.stderr, f"{out}")
expect("denied" not in below.read("err"), below.read("err"))

# The default denies, and a program that makes nothing but such calls ends as it should.
server = serve([{"names": ["@default", "@basic-io", "@file-system", "@process", "@signal", "@io-event", "@sync", "ioctl", "prlimit64"], "action": "allow"}],
               defaultAction="deny", defaultErrnoRet="ENOSYS")
out = jail("python3", "-c", "import socket; socket.socket()", server=server.address)
expect(out.status == 1 and "Errno 38" in out.stderr, f"{out}")
saw(server, r"rules\.json:2: denied with ENOSYS: socket\(0x2, 0x80001, 0\)")
done()
