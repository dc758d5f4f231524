# SPDX-License-Identifier: GPL-2.0-only
"""The policy's `paths`: natively under the same Landlock domain and in a jail of that policy, the same ways out are tried, with the same results."""
# limit: 120
import difflib
import json
import os

from caselib import NATIVE, ROOT, Server, done, expect, jail, run, says, write_policy

PATHS = [
    {"path": "/usr", "access": ["read", "execute"]},
    {"path": "/guests", "access": "rx"},
    {"path": "/proc", "access": "ro"},
    {"path": "/dev", "access": ["ro", "write-file", "ioctl-dev"]},
    {"path": "/dev/shm", "access": "rwx"},
    {"path": "/work", "access": "rw"},
    {"path": "/var", "access": ["read"]},
    {"path": "/bound", "access": "ro"},
    {"path": "/run", "access": ["ro", "make-reg", "make-sock"]},
    {"path": "/nothing/there", "access": "rwx", "optional": True},
]


def confined(paths, **more):
    with open(os.environ["RSYS_TEST_POLICY"], encoding="utf-8") as f:
        policy = json.load(f)
    policy["sandbox"]["mounts"].append({"type": "bind", "source": f"{ROOT}/etc", "target": "/bound"})
    policy["paths"] = paths
    policy.update(more)
    return write_policy(json.dumps(policy))


def confined_server(paths, **more):
    return Server(policy_file=confined(paths, **more))


server = confined_server(PATHS)
native = [NATIVE[0], "--bind", f"{ROOT}/etc", "/bound", *NATIVE[1:]]


def same(natively, jailed):
    a, b = run(*native, *natively), jail("--chdir", "/work", *jailed, server=server.address)
    lines = list(difflib.unified_diff(a.stdout.splitlines(), b.stdout.splitlines(), "native", "jailed", lineterm="", n=1))
    expect(a.status == 0, f"natively: {a}")
    expect(not lines and a.status == b.status, "\n".join(lines) + f"\n{b}")
    return a.stdout


for form in ("static", "dynamic"):
    program = f"/guests/{form}/paths-escape"
    said = same([program, "confine"], [program, "jailed"])
    expect("secrets seen: no" in said and "open /etc/passwd 0: EACCES" in said, said)
    # A guest's own domain lies below the session's.
    said = same([program, "confine", f"/guests/{form}/landlock"], [f"/guests/{form}/landlock"])
    expect("content of /proc/self/comm" in said, said)

# What is missing, and what is a link, is told when a session starts; the daemon goes on.
server = confined_server([*PATHS, {"path": "/nothing/there", "access": "ro"}])
says(jail("/usr/bin/true", server=server.address), 125, "stage paths: /nothing/there is not in the sandbox: make it there, or say \"optional\": true")
server = confined_server([{"path": "/proc/self/exe", "access": "ro"}])
says(jail("/usr/bin/true", server=server.address), 125, "is or goes through a symbolic link")
# Nothing at all may be opened: nothing can be executed either.
server = confined_server([])
says(jail("/usr/bin/true", server=server.address), 126, "Permission denied")

# TCP ports, natively a matter of the domain too: EACCES for those that are not named, whoever asks.
server = Server(policy_file=write_policy(json.dumps({"include": confined(PATHS), "ports": {"bind": [0, 7001], "connect": [7001]}})),
                listen=f"unix:{os.getcwd()}/ports.sock")
TCP = """
import errno, socket
def tell(what, call, *args):
    try:
        call(*args)
        print(what, "yes")
    except OSError as e:
        print(what, errno.errorcode[e.errno])
for family, here in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
    a, b, c, d = [socket.socket(family) for _ in range(4)]
    tell("bind 7001", a.bind, (here, 7001))
    tell("bind 7002", b.bind, (here, 7002))
    tell("bind any", b.bind, (here, 0))
    a.listen()
    tell("connect 7001", c.connect, (here, 7001))
    tell("connect 7002", d.connect, (here, 7002))
    u = socket.socket(family, socket.SOCK_DGRAM)
    tell("udp 7002", u.bind, (here, 7002))
    for s in (a, b, c, d, u):
        s.close()
"""
out = jail("/usr/bin/python3", "-c", TCP, server=server.address)
expect(out.stdout == "bind 7001 yes\nbind 7002 EACCES\nbind any yes\nconnect 7001 yes\nconnect 7002 EACCES\nudp 7002 yes\n" * 2, f"{out}")
# Without paths, files are as they were.
server = Server(policy_file=write_policy(json.dumps({"include": os.environ["RSYS_TEST_POLICY"], "ports": {"connect": []}})), listen=f"unix:{os.getcwd()}/none.sock")
out = jail("python3", "-c", TCP, server=server.address)
expect(out.stdout == "bind 7001 yes\nbind 7002 yes\nbind any EINVAL\nconnect 7001 EACCES\nconnect 7002 EACCES\nudp 7002 yes\n" * 2, f"{out}")
says(jail("cat", "/etc/passwd", server=server.address), 0, "^root:", stream="stdout")
done()
