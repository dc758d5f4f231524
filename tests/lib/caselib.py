# SPDX-License-Identifier: GPL-2.0-only
"""caselib.py: what the scripts of tests/cases share: servers of their own, jailed programs, expectations."""
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback

import process

BIN = os.environ["RSYS_TEST_BIN"]
SERVER = os.environ["RSYS_TEST_SERVER"]    # the shared one
VARIANT = os.environ["RSYS_TEST_VARIANT"]
STAGE = os.environ["RSYS_TEST_STAGE"]
ROOT = os.environ["RSYS_TEST_ROOT"]
NATIVE = json.loads(os.environ["RSYS_TEST_NATIVE"])  # the command in front of a program that is to run natively in the same root
SLOW = float(os.environ["RSYS_TEST_SLOW"])
LIMIT = float(os.environ["RSYS_TEST_LIMIT"])         # seconds that the case may take, SLOW included
JAIL = f"{BIN}/rsys-jail"
SANDBOXD = f"{BIN}/rsys-sandboxd"
PRELOAD = f"{BIN}/rsys-preload"
started = []


def fail(text):
    print(f"FAILED: {text}", flush=True)
    finish()
    os._exit(1)


def skip(text):
    print(text, flush=True)
    finish()
    os._exit(77)


def finish():
    for child in started:
        process.end(child)


def broken(kind, value, trace):
    """A case that breaks leaves nothing behind, either."""
    traceback.print_exception(kind, value, trace)
    finish()
    sys.stdout.flush()
    os._exit(1)


sys.excepthook = broken


def expect(condition, text):
    if not condition:
        fail(text)


def policy(**changes):
    """The oracle's policy with some of the sandbox's keys changed; the path of a file."""
    with open(os.environ["RSYS_TEST_POLICY"], encoding="utf-8") as f:
        made = json.load(f)
    for key, value in changes.items():
        made["sandbox"][key] = value
    return write_policy(json.dumps(made, indent=2))


def write_policy(text, name=None):
    path = name or tempfile.mktemp(suffix=".json")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


class Server:
    """A rsys-sandboxd of the case's own.  It is found by its log, or with `ready` by what it writes to a pipe, whatever the log is."""

    def __init__(self, *options, policy_file=None, listen="tcp:127.0.0.1:0", wait=True, log=None, ready=False, **more):
        self.log = log or tempfile.mktemp(suffix=".log")
        arguments = [SANDBOXD, "--policy", policy_file or os.environ["RSYS_TEST_POLICY"], "--listen", listen, "--control", "", *options]
        self.address = None
        read, write = os.pipe() if ready else (None, None)
        if ready:
            arguments += ["--ready-fd", str(write)]
            more["pass_fds"] = [write]
        with open(self.log, "wb") as log_file:
            self.child = process.start(arguments, log_file, log_file, **more)
        started.append(self.child)
        self.pid = self.child.pid
        if ready:
            os.close(write)
            with open(read, encoding="utf-8") as pipe:
                self.address = pipe.readline().strip() or None
        elif wait:
            process.until(self.look, 10 * SLOW)
        if wait or ready:
            expect(self.address, "the server does not come up: " + self.text())

    def text(self):
        if not os.path.isfile(self.log):
            return ""
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()

    def look(self):
        match = re.search(r'listening on ([^\s",]+)', self.text())
        self.address = match[1] if match else None
        return match or self.child.poll() is not None

    def says(self, pattern, seconds=10):
        """Wait until its log has that."""
        expect(process.until(lambda: re.search(pattern, self.text()), seconds * SLOW), f"no /{pattern}/ in the log: {self.text()}")

    def processes(self):
        """What is below the daemon: session processes, sandboxes, executors."""
        return process.descendants(self.pid)

    def idle(self, seconds):
        """Whether it comes to hold nothing of any session within so long."""
        return process.until(lambda: not self.processes(), seconds * SLOW)


class Output:
    def __init__(self, status, stdout, stderr, seconds):
        self.status, self.stdout, self.stderr, self.seconds = status, stdout, stderr, seconds

    def __str__(self):
        return f"status {self.status} after {self.seconds:.1f} s\nstdout: {self.stdout[-1500:]}\nstderr: {self.stderr[-1500:]}"


class Running:
    """A program that runs, its output going to files."""

    def __init__(self, argv, stdin=subprocess.DEVNULL, env=None, **more):
        self.out, self.err = tempfile.TemporaryFile(), tempfile.TemporaryFile()
        self.began = time.monotonic()
        self.child = process.start(argv, self.out, self.err, stdin, env={**os.environ, **(env or {})}, **more)
        started.append(self.child)
        self.pid = self.child.pid

    def read(self, which="out"):
        f = getattr(self, which)
        return os.pread(f.fileno(), 1 << 20, 0).decode("utf-8", "replace")

    def saw(self, text, seconds=10):
        expect(process.until(lambda: text in self.read() or self.child.poll() is not None, seconds * SLOW) and text in self.read(),
               f"no \"{text}\" in {self.read()!r}, {self.read('err')!r}")

    def wait(self, seconds=20):
        status = process.wait_limited(self.child, seconds * SLOW)
        took = time.monotonic() - self.began
        if status is None:
            process.end(self.child)
            fail(f"not ended after {seconds * SLOW:.0f} s: {self.child.args}\n{self.read()[-1000:]}\n{self.read('err')[-1000:]}")
        return Output(128 - status if status < 0 else status, self.read(), self.read("err"), took)

    def kill(self, number=signal.SIGKILL):
        process.kill_quietly(self.pid, number)


def start_jail(*arguments, server=SERVER, **more):
    options = ["--server", server] if server else []
    return Running([JAIL, *options, *arguments], **more)


def jail(*arguments, seconds=20, **more):
    return start_jail(*arguments, **more).wait(seconds)


def run(*argv, seconds=20, **more):
    return Running(list(argv), **more).wait(seconds)


def says(output, status, *patterns, stream="stderr"):
    """It ended with the status and said something that matches each pattern."""
    wanted = status if isinstance(status, tuple) else (status,)
    expect(output.status in wanted, f"status {status} expected: {output}")
    for pattern in patterns:
        expect(re.search(pattern, getattr(output, stream)), f"no /{pattern}/ in {stream}: {output}")


class FakeServer:
    """A listener that treats each connection as a function says."""

    def __init__(self, handle):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address = "tcp:127.0.0.1:%d" % self.socket.getsockname()[1]
        self.kept = []
        self.handle = handle
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            connection, _ = self.socket.accept()
            self.kept.append(connection)
            try:
                self.handle(connection)
            except OSError:
                pass


def done():
    finish()
    sys.stdout.flush()
    os._exit(0)
