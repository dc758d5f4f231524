# SPDX-License-Identifier: GPL-2.0-only
"""What a policy says holds in a session: errors, conditions, the strictest of several rules, placements, fatal calls, capabilities and limits."""
import json
import os

from caselib import Server, done, expect, jail, says, write_policy

SYSCALLS = [
    {"names": ["mkdir", "mkdirat"], "action": "deny", "errnoRet": "EDQUOT"},
    {"names": ["mkdir", "mkdirat"], "action": "allow", "comment": "less strict: without effect"},
    {"names": ["socket"], "action": "deny", "errnoRet": 97, "args": [{"index": 0, "op": "!=", "value": 1}]},
    {"names": ["getpriority"], "action": "deny", "errnoRet": "ENOANO", "comment": "a call that only the client makes"},
    {"names": ["lseek"], "action": "deny", "errnoRet": "ESPIPE", "args": [{"index": 1, "op": ">=", "value": 4096}, {"index": 1, "op": "<", "value": 8192}]},
    {"names": ["uname"], "action": "local"},
    {"names": ["sync"], "action": "kill"},
]
with open(os.environ["RSYS_TEST_POLICY"], encoding="utf-8") as f:
    policy = json.load(f)
policy["syscalls"] = SYSCALLS
policy["sandbox"]["hostname"] = "strict"
policy["sandbox"]["capabilities"] = ["CAP_CHOWN"]
policy["sandbox"]["limits"] = {"nofile": 200}
server = Server(policy_file=write_policy(json.dumps(policy)))

out = jail("python3", "-c", """
import os, socket
def tell(what, call, *args):
    try:
        call(*args)
        print(what, "done")
    except OSError as e:
        print(what, e.errno)
tell("mkdir", os.mkdir, "/tmp/new")
tell("inet", socket.socket, socket.AF_INET)
tell("unix", socket.socket, socket.AF_UNIX)
tell("getpriority", os.getpriority, os.PRIO_PROCESS, 0)
fd = os.open("/tmp/file", os.O_RDWR | os.O_CREAT)
for at in (0, 4095, 4096, 8191, 8192, 1 << 40):
    tell(f"lseek {at}", os.lseek, fd, at, os.SEEK_SET)
print(os.uname().nodename)
print([line.split()[1] for line in open("/proc/self/status") if line.startswith("CapEff")][0][-8:])
fds = []
try:
    while True:
        fds.append(os.dup(0))
except OSError as e:
    print("descriptors", e.errno, fds[-1])
""", server=server.address)
expect(out.stdout == """mkdir 122
inet 97
unix done
getpriority 55
lseek 0 done
lseek 4095 done
lseek 4096 29
lseek 8191 29
lseek 8192 done
lseek 1099511627776 done
strict
00000001
descriptors 24 199
""", f"what the policy says: {out}")
says(jail("sync", server=server.address), 159)
says(jail("sh", "-c", "sync; echo $?", server=server.address), 0, "159", stream="stdout")
done()
