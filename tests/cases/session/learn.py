# SPDX-License-Identifier: GPL-2.0-only
"""--learn: a policy of what a program needs, under which it runs with the same output, and another does not; further runs add to it."""
# limit: 120
import json
import os

from caselib import SANDBOXD, Server, done, expect, jail, run, says, write_policy

with open(os.environ["RSYS_TEST_POLICY"], encoding="utf-8") as f:
    sandbox = json.load(f)["sandbox"]
CHANGES = """
import os, socket, subprocess, threading
os.mkdir("/tmp/d")
with open("/tmp/d/x", "w") as f:
    f.write("written")
os.rename("/tmp/d/x", "/tmp/y")
os.symlink("y", "/tmp/l")
os.link("/tmp/y", "/tmp/d/z")
with open("/tmp/l", "r+") as f:
    print(f.read())
    f.truncate(3)
os.mkfifo("/tmp/d/p")
print(os.stat("/tmp/d/z").st_size, sorted(os.listdir("/tmp/d")))
a, b = socket.socketpair()
s = socket.create_server(("127.0.0.1", 0))
c = socket.create_connection(s.getsockname())
u = socket.socket(socket.AF_UNIX)
u.bind("/tmp/d/sock")
t = threading.Thread(target=lambda: print("a thread", flush=True))
t.start()
t.join()
print(subprocess.run(["sh", "-c", "echo a child | tr a-z A-Z"], stdout=subprocess.PIPE).stdout)
os.remove("/tmp/d/p")
print(open("/proc/self/comm").read(), open("/etc/hostname").read() == "" or True, isinstance(os.urandom(4), bytes))
"""
PROGRAMS = {
    "ls": ["ls", "-l", "/usr"],
    "sh": ["sh", "-c", "cd /tmp && for i in 1 2 3; do echo $i >f$i; done && cat f* | sort -r | tail -n 2 && rm f1 && test ! -e f1 && echo gone"],
    "python": ["python3", "-uc", CHANGES],
    "relative": ["sh", "-c", "cd /usr/bin && ./env -i ./true && echo run; cat /dev/null; ls /dev/null"],
    "static": ["/guests/static/pipe-chain"],
}


def learned(name, argv, before=0):
    """Learn, and check what comes of it; the output."""
    out = jail("--learn", f"{name}.json", "--chdir", "/work", *argv)
    expect(out.status == 0, f"learning {name}: {out}")
    check = run(SANDBOXD, "--check", f"{name}.json")
    expect(check.status == 0 and "has no effect" not in check.stdout, f"{name}: {check}")
    with open(f"{name}.json", encoding="utf-8") as f:
        policy = json.load(f)
    expect(policy["defaultAction"] == "deny" and all(rule["action"] in ("allow", "local") for rule in policy["syscalls"]), f"{name}: {policy}")
    return out.stdout


def under(name):
    return Server(policy_file=write_policy(json.dumps({"include": f"{name}.json", "sandbox": sandbox}), f"run-{name}.json"))


def same(server, name, argv, stdout):
    out = jail("--chdir", "/work", *argv, server=server.address)
    expect(out.status == 0 and out.stdout == stdout, f"{name}: learned {stdout!r}, then {out}\n{server.text()}")


outputs = {name: learned(name, argv) for name, argv in PROGRAMS.items()}
servers = {name: under(name) for name in PROGRAMS}
for name, argv in PROGRAMS.items():
    same(servers[name], name, argv, outputs[name])

# Another program needs other calls or files.
says(jail("cat", "/etc/passwd", server=servers["ls"].address), 126, "Permission denied")
says(jail("ls", "/etc", server=servers["ls"].address), 2, "Permission denied")
says(jail("python3", "-c", "print(1)", server=servers["sh"].address), 126, "Permission denied")
out = jail("sh", "-c", "echo x >/tmp/allowed; echo x >/work/new", server=servers["sh"].address)
says(out, (1, 2), "Permission denied")
expect(not {"socket", "mkdir", "connect"} & {name for rule in json.load(open("sh.json", encoding="utf-8"))["syscalls"] for name in rule["names"]}, "what sh has no need of")

# Further runs add, and take nothing away.
first = json.load(open("ls.json", encoding="utf-8"))
learned("ls", PROGRAMS["sh"])
second = json.load(open("ls.json", encoding="utf-8"))
names = [{name for rule in policy["syscalls"] for name in rule["names"]} for policy in (first, second)]
expect(names[0] < names[1], f"{names}")
server = under("ls")
for name in ("ls", "sh"):
    same(server, name, PROGRAMS[name], outputs[name])
learned("ls", PROGRAMS["sh"])
expect(json.load(open("ls.json", encoding="utf-8")) == second, "the same run again adds nothing")

# Not to what somebody has written by hand.
write_policy('{"defaultAction": "allow"}', "hand.json")
says(jail("--learn", "hand.json", "true"), 125, r"hand\.json: its default is not \"deny\": it was not made by --learn")
write_policy('{"defaultAction": "deny", "syscalls": [{"names": ["read"], "action": "deny"}]}', "hand.json")
says(jail("--learn", "hand.json", "true"), 125, r"hand\.json:1: it has rules that --learn does not make")
says(jail("--learn", "/none/file.json", "true"), 125, "--learn=/none/file.json: No such file")
says(jail("--learn", "/dev/null", "true"), 125, "a file is wanted")
done()
