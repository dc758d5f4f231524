# SPDX-License-Identifier: GPL-2.0-only
"""--check: for each call what becomes of it, by which rule, and what enforces it; and what is odd about a policy though it loads."""
import json

from caselib import SANDBOXD, done, expect, run, says, write_policy

SYSCALLS = [
    {"names": ["@file-system"], "action": "allow"},
    {"names": ["mkdir", "mkdirat"], "action": "deny", "errnoRet": "EROFS"},
    {"names": ["mkdir"], "action": "allow", "comment": "no effect: denied above"},
    {"names": ["mkdir"], "action": "deny", "errnoRet": "EACCES", "args": [{"index": 1, "op": "==", "value": 0}], "comment": "no effect: denied above"},
    {"names": ["socket"], "action": "deny", "args": [{"index": 0, "op": "==", "value": 1}, {"index": 0, "op": "==", "value": 2}], "comment": "never"},
    {"names": ["socket"], "action": "deny", "args": [{"index": 0, "op": "<", "value": 2}, {"index": 0, "op": ">", "value": 1}], "comment": "never"},
    {"names": ["socket"], "action": "deny", "args": [{"index": 0, "op": "&", "value": 3, "valueTwo": 1}, {"index": 0, "op": "==", "value": 2}], "comment": "never"},
    {"names": ["socket"], "action": "deny", "args": [{"index": 0, "op": "!=", "value": 1}, {"index": 0, "op": "!=", "value": 2}], "comment": "sometimes"},
    {"names": ["ptrace"], "action": "allow", "comment": "never runs"},
    {"names": ["sync"], "action": "kill"},
    {"names": ["syncfs"], "action": "trap"},
    {"names": ["umask"], "action": "log"},
    {"names": ["recvmsg"], "action": "deny"},
]
path = write_policy(json.dumps({"defaultAction": "allow", "paths": [{"path": "/usr", "access": "rx"}], "syscalls": SYSCALLS, "sandbox": {"root": "/"}}, indent=1), "odd.json")
with open(path, encoding="utf-8") as f:
    lines = f.read().splitlines()
entries = [i + 1 for i, line in enumerate(lines) if line == "  {" or line == '  {"'][1:]
expect(len(entries) == len(SYSCALLS), f"{entries}")
place = [f"odd.json:{line}" for line in entries]

out = run(SANDBOXD, "--check", path)
for text in (
        rf"{place[2]}: it has no effect on any call that it names: mkdir, say, is decided by {place[1]}\n",
        rf"{place[3]}: it has no effect on any call that it names: mkdir, say, is decided by {place[1]}\n",
        rf"{place[4]}: the conditions on the arguments never hold together",
        rf"{place[5]}: the conditions on the arguments never hold together",
        rf"{place[6]}: the conditions on the arguments never hold together",
        r"odd\.json:\d+: ptrace never runs under any policy",
        rf"denied with EROFS, by {place[1]}; enforced by: guests' filter, executors' filter: 1\n    mkdirat\n",
        rf"denied with EPERM, by {place[12]}; enforced by: guests' filter, executors' filter but for what executors need: 1\n    recvmsg\n",
        rf"fatal, by {place[9]}; ", rf"trapped, by {place[10]}; ", rf", and logged, by {place[11]}; ",
        rf"in the sandbox, by {place[0]}; bounded by: mounts, Landlock: \d+\n    open ",
        rf"socket +deny with EPERM if argument 0 != 1 and argument 0 != 2  \[{place[7]}\]"):
    says(out, 0, text, stream="stdout")
expect(f"{place[0]}:" not in out.stdout and f"{place[7]}:" not in out.stdout, f"what has an effect is not odd: {out.stdout}")

out = run(SANDBOXD, "--check", path, "--json")
told = json.loads(out.stdout)
calls = {call["name"]: call for call in told["calls"]}
expect(len(told["warnings"]) == 6 and len(calls) > 350 and told["default"]["action"] == "allow", f"{told['warnings']} {len(calls)}")
expect(told["paths"] == [{"path": "/usr", "access": "rx", "optional": False}], f"{told['paths']}")


def has(name, **wanted):
    expect(all(calls[name].get(key) == value for key, value in wanted.items()), f"{name}: {calls[name]}")


has("mkdir", rules=[{"action": "deny", "errno": "EROFS", "rule": place[1], "args": []}], where="by its arguments")
has("mkdirat", action="deny", errno="EROFS", rule=place[1], layers="guests' filter, executors' filter")
has("sync", action="kill", rule=place[9])
has("syncfs", action="trap", rule=place[10])
has("umask", action="log", rule=place[11])
has("getpid", action="allow", rule="odd.json:2", layers="the client's kernel")
has("bpf", action="deny", rule=None, where="never, under any policy")
expect(calls["socket"]["rules"][-1] == {"action": "allow", "rule": "odd.json:2"}, f"{calls['socket']}")
says(run(SANDBOXD, "--json"), 2, "--json: goes with --status and --check")
done()
