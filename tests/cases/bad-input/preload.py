# SPDX-License-Identifier: GPL-2.0-only
"""rsys-preload: wrong command lines, programs that no library can be brought into, servers that are not there, calls that the policy denies: its status and what was wrong."""
import json
import os
import shutil

from caselib import JAIL, PRELOAD, SERVER, STAGE, Server, done, expect, policy, run, says, write_policy

TRUE = "/bin/true"
says(run(PRELOAD), 125, "which PROGRAM")
says(run(PRELOAD, "--no-such-option", TRUE), 125, "no-such-option")
says(run(PRELOAD, "--help"), 0, "--calls", stream="stdout")
says(run(PRELOAD, "--version"), 0, "rsys-preload", stream="stdout")
says(run(PRELOAD, "--paths", "relative", TRUE), 125, "absolute path", "relative")
says(run(PRELOAD, "--setenv", "nothing", TRUE), 125, "NAME=VALUE")
says(run(PRELOAD, "--connect-timeout", "soon", TRUE), 125, "soon")
says(run(PRELOAD, "--server", SERVER, "--calls", "opn", TRUE), 125, "opn")
says(run(PRELOAD, "--server", SERVER, "--calls", "futex", TRUE), 125, "futex", "no server")
says(run(PRELOAD, "--server", SERVER, "--chdir", "/nonexistent", TRUE), 125, "/nonexistent", "No such file")
says(run(PRELOAD, "--server", "nonsense", TRUE), 125, "nonsense")
says(run(PRELOAD, "--server", "tcp:127.0.0.1:1", TRUE), 125, "127.0.0.1:1")

says(run(PRELOAD, "no-such-program-anywhere"), 127, "no such program", "rsys-jail")
says(run(PRELOAD, "/nonexistent/program"), 127, "no such program")
with open("data", "w", encoding="utf-8") as f:
    f.write("no program\n")
says(run(PRELOAD, "./data"), 126, "cannot be executed")

static = f"{STAGE}/guests/static/fork"
says(run(PRELOAD, static), 126, "static/fork", "statically linked", "rsys-jail")
with open("script", "w", encoding="utf-8") as f:
    f.write(f"#!{static} argument\n")
os.chmod("script", 0o755)
says(run(PRELOAD, "./script"), 126, "static/fork", "statically linked")
shutil.copy2(TRUE, "gains")
os.chmod("gains", 0o4755)
says(run(PRELOAD, "./gains"), 126, "gains", "set-user-ID", "rsys-jail")
with open(TRUE, "rb") as f:
    image = bytearray(f.read())
image[18] = 183  # e_machine: EM_AARCH64
with open("other", "wb") as f:
    f.write(image)
os.chmod("other", 0o755)
says(run(PRELOAD, "./other"), 126, "another architecture")

# The same by execve of a program in the session: refused there, the program goes on.
output = run(PRELOAD, "--server", SERVER, "--paths", "/work", "/bin/sh", "-c", f"{static}; echo status $?; {JAIL} --version >/dev/null && echo goes on")
says(output, 0, "statically linked", "rsys-jail")
expect(output.stdout == "status 126\ngoes on\n", str(output))

# What the policy denies is denied with its errno.
with open(policy(), encoding="utf-8") as f:
    denies = json.load(f)
denies["syscalls"] = [{"names": ["unlinkat", "unlink"], "action": "SCMP_ACT_ERRNO", "errnoRet": 61}]
server = Server(policy_file=write_policy(json.dumps(denies)))
says(run(PRELOAD, "--server", server.address, "--paths", "/tmp", "/bin/sh", "-c", "echo x >/tmp/f && cat /tmp/f && rm /tmp/f"), 1, "/tmp/f.*No data available")
done()
