# SPDX-License-Identifier: GPL-2.0-only
# limit: 90
"""An interactive shell on a terminal: what is on the screen is what it is natively."""
import re

from caselib import done
from terminal import BASH, PROMPT, same

CLEAR = ("clear\n", r"\A>")
STOPPED = r"Stopped[^\n]*\n>"
UNTIL_STOPPED = 'while [ -z "$(jobs -s)" ]; do sleep 0.05; done; jobs\n'


def fix(text):
    text = re.sub(r"\n+(\[\d\]\+  Stopped[^\n]*)(\n+\1)*", r"\n\1", text)  # told of twice when it stops between two commands of the loop
    return re.sub(r"(?m)^(.*)\[(\d)\] \d+$", r"\1[\2] PID", text)  # a job's number is told with its pid


# What to type, and how the screen ends after it.
STEPS = [
    (PROMPT + "\n", r"\A>"),
    ("[ -t 0 ] && [ -t 1 ] && [ -t 2 ] && stty size\n", r"^24 80\n>"),
    ("echo written >/dev/tty; cat <<<x >/dev/tty\n", r"^x\n>"),
    ("sh -c 'echo up; exec sleep 1000'\n", r"^up"),
    (["C-z"], STOPPED),
    CLEAR,
    ("bg\n", r"&\n>"),
    ("jobs %1; fg\n", r"sleep 1000'"),
    (["C-c"], r"\^C\n>"),
    ("echo was $?; cat\n", r"^was 130"),
    ("typed\n", r"typed\ntyped"),
    (["C-d"], r"typed\n>"),
    CLEAR,
    ("cat & " + UNTIL_STOPPED, STOPPED),
    ("fg\n", r"cat"),
    (["C-d"], r"cat\n>"),
    CLEAR,
    ("stty tostop; sh -c 'echo from behind' & " + UNTIL_STOPPED, STOPPED),
    ("fg; stty -tostop\n", r"^from behind\n>"),
    ("sh -c 'trap \"echo caught; exit 9\" QUIT; echo go; read x'\n", r"^go"),
    (["C-\\"], r"caught\n>"),
    ("echo $?\n", r"^9\n>"),
    CLEAR,
    ("sleep 1000 | sh -c 'echo up; exec sleep 1000'\n", r"^up"),
    (["C-c"], r"\^C\n>"),
    ('echo "${PIPESTATUS[*]}"\n', r"^130 130\n>"),
    ("bash --norc --noprofile -i\n", r"[#$]"),
    (PROMPT + "\n", r"\A>"),
    ("sh -c 'echo up; exec sleep 1000'\n", r"^up"),
    (["C-z"], STOPPED),
    ("fg\n", r"fg\nsh -c[^\n]*"),
    (["C-c"], r"\^C\n>"),
    ("suspend\n", r"Stopped +bash[^\n]*\n>"),
    ("fg; echo back $?\n", r"-i\n>"),
    ("exit 3\n", r"^back 3\n>"),
    ("read -s -p 'secret: ' word; echo; echo ${#word}\n", r"^secret:"),
    ("hidden\n", r"^6\n>"),
    ("stty -echo; stty -a | grep -c -- '-echo '; stty echo\n", r"^1\n>"),
    ("script -qc 'tty >/dev/null && stty size' /dev/null\n", r"^\d+ \d+\n>"),
    CLEAR,
    ("exit 7\n", r"^ended 7"),
]
same([(keys, what + r"\Z") for keys, what in STEPS], BASH, fix)
done()
