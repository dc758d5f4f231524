# SPDX-License-Identifier: GPL-2.0-only
"""terminal.py: programs on terminals: Screen, a window of a tmux of the case's own, whose screen is read; Line, a bare pseudo-terminal."""
import fcntl
import os
import pty
import re
import select
import shlex
import signal
import struct
import subprocess
import tempfile
import termios
import time

import caselib
import process

SLOW = caselib.SLOW
BASH = ["bash", "--norc", "--noprofile", "-i"]
PROMPT = "PS1='> '; clear" # the first thing to type


def environment(**more):
    return {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C.UTF-8", "HOME": "/", "SHELL": "/bin/bash", "TERM": "screen", **more}


def native(*program):
    """The command that runs a program in the sandbox's root natively."""
    variant = [] if caselib.VARIANT == "root" else ["--userns"]
    own = ["env", "-u", "TMUX", "-u", "TMUX_PANE", "-u", "TMUX_TMPDIR"] # the screen's
    return [*own, f"{caselib.BIN}/native", *variant, "--nofile", "1024", "--hostname", "sandbox", "--directory", "/work", caselib.ROOT, *program]


def jailed(*program):
    return [caselib.JAIL, "--server", caselib.SERVER, "--chdir", "/work", "--setenv", "HOME=/", "--setenv", "SHELL=/bin/bash", *program]


class Screen:
    """A program in a window of 80 x 24."""

    def __init__(self, command, **more):
        self.directory = tempfile.mkdtemp()
        self.env = {**environment(**more), "TMUX_TMPDIR": self.directory}
        # In the foreground: so it is a child of ours, which ends with the case.
        self.server = process.start(["tmux", "-L", "case", "-f", "/dev/null", "-D"], subprocess.DEVNULL, subprocess.DEVNULL, env=self.env)
        caselib.started.append(self.server)
        process.until(lambda: os.path.exists(f"{self.directory}/tmux-{os.getuid()}/case"), 10 * SLOW)
        self.tmux("new-session", "-d", "-x", "80", "-y", "24", "-s", "case", shlex.join(command) + "; echo ended $?; exec sleep 1000")

    def tmux(self, *words):
        return subprocess.run(["tmux", "-L", "case", *words], env=self.env, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=30 * SLOW, text=True).stdout

    def text(self):
        return "\n".join(line.rstrip() for line in self.tmux("capture-pane", "-p", "-t", "case").splitlines()).rstrip()

    def wait(self, what, seconds=20):
        """Until the pattern is on the screen; the screen."""
        seen = process.until(lambda: re.search(what, self.text(), re.M | re.S) and self.text(), seconds * SLOW)
        if not seen:
            print(f"not seen: /{what}/ on\n{self.text()}")
            self.end()
            caselib.fail("see above")
        return seen

    def keys(self, *names):
        """Keys by tmux's names; text as -l."""
        self.tmux("send-keys", "-t", "case", *names)

    def type(self, text):
        self.tmux("send-keys", "-l", "-t", "case", text)

    def line(self, text, what, seconds=20):
        """Type a line and wait for what it shows."""
        self.type(text)
        self.keys("Enter")
        return self.wait(what, seconds)

    def end(self):
        self.tmux("kill-server")
        process.wait_limited(self.server, 10 * SLOW)
        process.end(self.server)


class Line:
    """A program that leads a session on a bare terminal, which can be unplugged."""

    def __init__(self, command, rows=24, columns=80, **more):
        self.output = b""
        self.seen = 0
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.execvpe(command[0], command, environment(**more))
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def more(self, seconds):
        ready, _, _ = select.select([self.master], [], [], seconds)
        if not ready:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:
            data = b""
        self.output += data
        return bool(data)

    def wait(self, text, seconds=20):
        """Until the text has come, behind what was waited for before."""
        end = time.monotonic() + seconds * SLOW
        while True:
            at = self.output.find(text.encode(), self.seen)
            if at >= 0:
                self.seen = at + len(text)
                return
            if not self.more(max(0, end - time.monotonic())):
                self.end()
                caselib.fail(f"no {text!r} in {self.output!r}")

    def send(self, text):
        os.write(self.master, text.encode())

    def unplug(self):
        os.close(self.master)
        self.master = -1

    def status(self, seconds=20):
        """The exit status, 128+n for a signal."""
        end = time.monotonic() + seconds * SLOW
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.pid = 0
                return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)
            if self.master >= 0:
                self.more(0.05)
            else:
                time.sleep(0.02)
        self.end()
        return caselib.fail(f"not ended: {self.output!r}")

    def end(self):
        if self.pid:
            process.kill_quietly(self.pid, signal.SIGKILL)


def same(steps, program, fix=None, **more):
    """Go through (what to type, what to wait for) natively and jailed: the screens have to be the same after each step.  What is typed: a text that ends in a newline or
    not, or a list of tmux's key names.  fix: takes out of a screen what may differ."""
    screens = []
    for side in (native, jailed):
        screen, seen = Screen(side(*program), **more), []
        for keys, what in steps:
            if isinstance(keys, list):
                screen.keys(*keys)
            elif keys.endswith("\n"):
                screen.type(keys[:-1])
                screen.keys("Enter")
            elif keys:
                screen.type(keys)
            text = screen.wait(what)
            seen.append(fix(text) if fix else text)
        screen.end()
        screens.append(seen)
    for step, a, b in zip(steps, *screens):
        if a != b:
            caselib.fail(f"after {step[0]!r} natively:\n{a}\njailed:\n{b}")
