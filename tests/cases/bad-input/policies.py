# SPDX-License-Identifier: GPL-2.0-only
"""Policies that are wrong: file, line and column, and what is wrong; status 1, from --check and from the start of the daemon."""
from caselib import SANDBOXD, VARIANT, done, policy, run, says, write_policy

WRONG = (
    ('{\n  "defaultAction": "allow",\n  "syscalls": [\n}\n', 4, "", "syntax"),
    ('{\n  "defaultAction": "allow",\n  "sandbox": {"rooot": "/"}\n}\n', 3, "rooot", "unknown key"),
    ('{\n  "defaultAction": "allow",\n  "colour": 1,\n  "sandbox": {"root": "/"}\n}\n', 3, "colour", "unknown key"),
    ('{\n  "defaultAction": "allow",\n  "syscalls": [{"names": ["opeen"], "action": "deny"}],\n  "sandbox": {"root": "/"}\n}\n', 3, "opeen", "unknown call"),
    ('{\n  "defaultAction": "allow",\n  "syscalls": [{"names": ["@none"], "action": "deny"}],\n  "sandbox": {"root": "/"}\n}\n', 3, "@none", "unknown group"),
    ('{\n  "defaultAction": "allow",\n  "syscalls": [{"names": ["mmap"], "action": "remote"}],\n  "sandbox": {"root": "/"}\n}\n', 3, "mmap", "impossible placement"),
    ('{\n  "defaultAction": "allow",\n  "syscalls": [{"names": ["open"], "action": "deni"}],\n  "sandbox": {"root": "/"}\n}\n', 3, "deni", "unknown action"),
    ('{\n  "defaultAction": "allow",\n  "sandbox": {"network": "veth"}\n}\n', 3, "needs \"ipv4\" or \"ipv6\"", "incomplete"),
    ('{\n  "defaultAction": "allow",\n  "sandbox": {"network": {"mode": "veth", "ipv4": "10.9.0/24"}}\n}\n', 3, "is not an IPv4 address", "no address"),
    ('{\n  "defaultAction": "allow",\n  "paths": [{"path": "/usr", "access": "rz"}],\n  "sandbox": {"root": "/"}\n}\n', 3, "unknown access", "unknown access"),
    ('{\n  "defaultAction": 7,\n  "sandbox": {"root": "/"}\n}\n', 2, "", "wrong type"),
    ("", 1, "", "empty"),
    ("[]\n", 1, "", "not an object"),
    ('{\n  "defaultAction": "allow",\n  "defaultAction": "deny",\n  "sandbox": {"root": "/"}\n}\n', 3, "", "twice"),
)
for text, line, word, what in WRONG:
    path = write_policy(text, "wrong.json")
    says(run(SANDBOXD, "--check", path), 1, rf"wrong\.json:{line}:\d+: ", word)
    says(run(SANDBOXD, "--policy", path, "--listen", "tcp:127.0.0.1:0"), 1, rf"wrong\.json:{line}:\d+: ", word)
says(run(SANDBOXD, "--check", "/none/policy.json"), 1, "/none/policy.json")
says(run(SANDBOXD, "--policy", "/none/policy.json"), 1, "/none/policy.json")
good = write_policy('{"defaultAction": "allow", "sandbox": {"root": "/"}}\n')
says(run(SANDBOXD, "--check", good), 0, ".", stream="stdout")
cable = policy(network={"mode": "veth", "ipv4": "10.9.0.0/24"})
says(run(SANDBOXD, "--check", cable), 0, r"IPv4 +10\.9\.0\.0/24: an address for each session; all else by 10\.9\.0\.1, the server's end", stream="stdout")
if VARIANT != "root":
    says(run(SANDBOXD, "--policy", cable, "--listen", "tcp:127.0.0.1:0"), 1,
         r'has the network "veth", which takes CAP_NET_ADMIN: run rsys-sandboxd as root, or use the network "none" or "host"')
done()
