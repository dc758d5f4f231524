# SPDX-License-Identifier: GPL-2.0-only
# root: programs
# limit: 120
"""vim, less, top and tmux on a terminal: the same screens as natively."""
import re

from caselib import done
from terminal import BASH, PROMPT, same

START = (PROMPT + "\n", r"\A>\Z")
CLEAR = ("clear\n", r"\A>\Z")
END = ("exit\n", r"^ended 0\Z")


def fix(text):
    return re.sub(r"(?m)^\[0\] 0:.*", "[0]", text)  # tmux's last line: what runs at the moment, and the time


same([
    START,
    ("vim.tiny -u NONE -N notes\n", r"\[New\]"),
    ("ione line", "^one line"),
    (["Escape"], r"^one line[^-]*\Z"),
    ("yypA, and more", "and more"),
    (["Escape"], r"and more[^-]*\Z"),
    (":set number\n", "^ +2 one line"),
    (":w\n", "written"),
    (":!wc -l notes\n", r"^2 notes\n.*continue\Z"),
    (["Enter"], r"\A +1 one line\n +2 one line, and more\n~"),
    (["C-z"], r"Stopped[^\n]*\n>\Z"),
    CLEAR,
    ("cat notes; fg\n", r"\A +1 one line\n +2 one line, and more\n~"),
    (":q!\n", r"notes\s+>\Z"),
    CLEAR,
    ("ls -l notes | cut -c 1-10\n", r"^-rw-r--r--\n>\Z"),
    END,
], BASH)
same([
    START,
    ("seq 1000 >numbers; less numbers\n", r"^numbers\Z"),
    ("G", r"\(END\)\Z"),
    ("/^50$\n", r"Pattern not found"),
    (["Enter"], r"\(END\)\Z|^:\Z"),
    ("g", r"\A1\n.*:\Z"),
    ("/^5.0$\n", r"\A500\n.*:\Z"),
    ("n", r"\A510\n.*:\Z"),
    ("q", r">\Z"),
    CLEAR,
    ("seq 50 | less\n", r"\A1\n.*:\Z"),
    (["Space"], r"^46\n.*:\Z|^46\n.*\(END\)\Z"),
    ("q", r">\Z"),
    END,
], BASH)
same([
    START,
    ("tmux -f /dev/null new-session bash --norc --noprofile -i\n", r"[#$]\n.*^\[0\] 0:"),
    (PROMPT + "\n", r"\A>\n.*^\[0\]"),
    ("echo in $((1 + 2)); stty size\n", r"^23 80\n>"),
    (["C-b", "%"], r"│[^\n]*[#$]\n"),
    ("stty size; tty | sed 's/[0-9]/N/'\n", r"│23 39.*│/dev/pts/N\n[^\n]*[#$]\n"),
    ("exit\n", r"\A[^│]*^23 80\n[^│]*\Z"),
    (["C-b", "d"], r"^\[detached \(from session 0\)\]\n>\Z"),
    ("clear; tmux list-windows | cut -d' ' -f 1; tmux attach\n", r"^\[0\] 0:bash"),
    ("exit\n", r"^\[exited\]\n>\Z"),
    CLEAR,
    END,
], BASH, fix)
same([
    START,
    ("top -d 100; clear; echo status $?\n", "PID USER"),
    ("q", r"\Astatus 0\n>\Z"),
    END,
], BASH, lambda text: "top" if "PID USER" in text else text)
done()
