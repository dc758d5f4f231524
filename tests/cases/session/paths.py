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
done()
