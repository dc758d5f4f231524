# SPDX-License-Identifier: GPL-2.0-only
"""--only with names that are none, or of calls that cannot be chosen; and with what it cannot be had together with: status 125 and what was wrong, before anything is connected to."""
from caselib import Server, done, jail, says

NOWHERE = "tcp:127.0.0.1:1"
for names, patterns in {
    "": ("--only", "empty name"),
    ",": ("empty name",),
    "socket,,open": ("--only socket,,open: an empty name",),
    "sockt": ("--only sockt: there is no such system call", "rsys-calls"),
    "@netwrk-io": ("--only @netwrk-io: there is no such group of calls",),
    "read": ("--only read: it cannot be chosen: it goes where its descriptors are at home",),
    "socket,connect": ("--only connect",),
    "poll": ("where its descriptors are at home",),
    "pipe": ("--only pipe: it cannot be chosen: it is always this machine's",),
    "mmap": ("where its descriptors are at home",),
    "fork": ("always this machine's",),
    "clone3": ("it never runs",),
    "@memlock": ("--only @memlock: none of its calls can be chosen",),
}.items():
    says(jail("--only", names, "true", server=NOWHERE), 125, *patterns)
says(jail("--only"), 125, "only")
says(jail("--only", "socket", "--learn", "x.json", "true", server=NOWHERE), 125, "--only and --learn")
says(jail("--only", "socket", "true", server=NOWHERE), 125, "127.0.0.1")
server = Server()
says(jail("--only", "socket", "no-such-program", server=server.address), 127, "no-such-program .a file of this machine")
says(jail("--only", "socket", "/etc/passwd", server=server.address), 126, "/etc/passwd")
says(jail("--only", "socket", "--chdir", "/no/such", "true", server=server.address), 125, "/no/such")
done()
