# SPDX-License-Identifier: GPL-2.0-only
"""Under a filter with a listener, as container managers have it, guests get none: they are traced, and one line says so."""
import os
import sys
import tempfile

from caselib import JAIL, SERVER, done, expect, jail, run, says

# Install a filter that lets everything through, with a listener that stays open; run a program below it.
below = """
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
allow = ctypes.create_string_buffer(struct.pack("<HBBI", 6, 0, 0, 0x7fff0000))
program = ctypes.create_string_buffer(struct.pack("<HxxxxxxQ", 1, ctypes.addressof(allow)))
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.syscall(317, 1, 8, ctypes.byref(program)) >= 0, ctypes.get_errno()
child = os.fork()
if child == 0:
    os.execv(sys.argv[1], sys.argv[1:])
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
script = tempfile.mktemp(suffix=".py")
with open(script, "w", encoding="utf-8") as f:
    f.write(below)

work = ["/bin/sh", "-c", "echo a | tr a b; exit 3"]


def under(*options, env=None):
    return run(sys.executable, script, JAIL, "--server", SERVER, *options, *work, env=env or {"RSYS_INTERCEPT": ""})


made = under()
says(made, 3, "rsys-jail: the kernel gives no listener for system calls here .*traced")
expect(made.stdout == "b\n" and made.stderr.count("\n") == 1, str(made))
says(under("--intercept=notify"), 125, "--intercept=ptrace")
for made in (under("--intercept=ptrace"), under(env={"RSYS_INTERCEPT": "ptrace"}), jail("--intercept=ptrace", *work)):
    expect((made.status, made.stdout, made.stderr) == (3, "b\n", ""), str(made))
expect(jail("--intercept=notify", *work, env={"RSYS_INTERCEPT": "ptrace"}).status == 3, "with notifications")

# A guest gets no listener, as there is one natively; what its own filter wants to have traced has no tracer.
guest = """
import ctypes, os, struct
libc = ctypes.CDLL(None, use_errno=True)
def install(flags, *words):
    code = ctypes.create_string_buffer(b"".join(struct.pack("<HBBI", *word) for word in words))
    program = ctypes.create_string_buffer(struct.pack("<HxxxxxxQ", len(words), ctypes.addressof(code)))
    return libc.syscall(317, 1, flags, ctypes.byref(program)), ctypes.get_errno()
libc.prctl(38, 1, 0, 0, 0)
print(install(8, (6, 0, 0, 0x7fff0000)))
print(install(0, (0x20, 0, 0, 0), (0x15, 0, 1, 39), (6, 0, 0, 0x7ff00001), (6, 0, 0, 0x7fff0000))[0])
print(libc.syscall(39), ctypes.get_errno())
"""
for backend in ("notify", "ptrace"):
    made = jail(f"--intercept={backend}", "python3", "-c", guest)
    expect(made.stdout == "(-1, 16)\n0\n-1 38\n", backend + str(made))
done()
