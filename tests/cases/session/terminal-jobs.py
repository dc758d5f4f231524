# SPDX-License-Identifier: GPL-2.0-only
# limit: 60
"""rsys-jail as a job of the user's own shell: it stops, continues, reads and ends as what it runs would."""
import os
import shlex

from caselib import done
from terminal import BASH, PROMPT, Screen, jailed

screen = Screen(BASH)
screen.line(PROMPT, "^>$")
JAIL = shlex.join(jailed())
screen.line(f"J='{JAIL}'; clear", "^>$")
screen.line("$J sh -c 'echo up; exec sleep 1000'", "^up$")
screen.keys("C-z")
screen.wait(r"Stopped +\$J")
screen.line("fg; echo ended by $?", "fg.*sleep 1000'$")
screen.keys("C-c")
screen.wait("ended by 130$")

# Stopped as what it runs is, and by the same signal: a reader in the background, and a writer that may not.
look = """import os, signal, sys
pid = os.fork()
if pid == 0:
    os.setpgid(0, 0)
    os.execvp(sys.argv[1], sys.argv[1:])
status = os.waitpid(pid, os.WUNTRACED)[1]
print(os.WIFSTOPPED(status) and signal.Signals(os.WSTOPSIG(status)).name)
os.killpg(pid, signal.SIGKILL)
os.waitpid(pid, 0)
"""
with open("look.py", "w", encoding="utf-8") as f:
    f.write(look)
screen.line(f"clear; python3 {os.getcwd()}/look.py $J cat", "^SIGTTIN$")
screen.line(f"clear; stty tostop; python3 {os.getcwd()}/look.py $J echo written", "^SIGTTOU$")
screen.line("clear; stty -tostop; $J cat & clear", r"\A>")
screen.line('clear; while [ -z "$(jobs -s)" ]; do sleep 0.05; done; fg; echo cat $?', r"cat$")
screen.line("some words", "some words.some words")
screen.keys("C-d")
screen.wait("^cat 0$")

# A shell within, that stops itself, and takes its terminal with it and back.
screen.line("clear; $J bash --norc --noprofile -i", r"\A[^\n]*[#$]\Z")
screen.line(PROMPT, "^>$")
screen.line("tty", "^/dev/console$")
screen.line("echo $((6 * 7)) >$(tty); sleep 1000", "^42$")
screen.keys("C-z")
screen.wait("Stopped +sleep")
screen.line("kill %1; clear; suspend", r"Stopped +\$J")
screen.line("echo outside; fg", "outside.*-i$")
screen.line("echo inside; exit 5", "^inside$")
screen.line("echo status $?", "^status 5$")

screen.end()
done()
