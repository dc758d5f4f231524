# SPDX-License-Identifier: GPL-2.0-only
# limit: 60
"""--only, as a job of the user's own shell, and with a shell within: stopping, continuing, Ctrl-C and job control are as without rsys-jail."""
import shlex

from caselib import JAIL, SERVER, done
from terminal import BASH, PROMPT, Screen

screen = Screen(BASH)
screen.line(PROMPT, "^>$")
screen.line(f"J='{shlex.join([JAIL, '--server', SERVER, '--only', '@network-io'])}'; clear", "^>$")
screen.line("$J sh -c 'echo up; exec sleep 1000'", "^up$")
screen.keys("C-z")
screen.wait(r"Stopped +\$J")
screen.line("fg; echo ended by $?", "fg.*sleep 1000'$")
screen.keys("C-c")
screen.wait("ended by 130$")
# It waits for the server when it is stopped, continued and interrupted.
screen.line("clear; $J python3 -c 'import socket; s = socket.create_server((\"127.0.0.1\", 0)); print(\"waits\"); s.accept()'", "^waits$")
screen.keys("C-z")
screen.wait(r"Stopped +\$J")
screen.line("fg; echo ended by $?", "^fg|accept")
screen.keys("C-c")
screen.wait("KeyboardInterrupt")
# A shell within, on the user's own terminal.
screen.line("clear; tty; $J bash --norc --noprofile -i", r"[#$]\Z")
screen.line(PROMPT, "^>$")
screen.line('clear; [ "$(tty)" = "$(readlink /proc/self/fd/0)" ] && echo its own', "^its own$")
screen.line("sleep 1000", "sleep 1000$")
screen.keys("C-z")
screen.wait("Stopped +sleep")
screen.line("kill %1; clear; cat & clear", r">\Z")
screen.line('clear; while [ -z "$(jobs -s)" ]; do sleep 0.05; done; fg', r"cat$")
screen.line("some words", "some words.some words")
screen.keys("C-d")
screen.line("suspend", r"Stopped +\$J")
screen.line("clear; echo outside; fg", "outside.*-i$")
screen.line("echo inside; exit 5", "^inside$")
screen.line("echo status $?", "^status 5$")
screen.end()
done()
