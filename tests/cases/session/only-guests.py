# SPDX-License-Identifier: GPL-2.0-only
# variants: user userns
# limit: 240
"""Small guests of which only network calls go to the server (--only): they see what they see without rsys-jail, whichever way calls are intercepted.  Not as root: natively and with
--only they run on this machine's own files."""
import os
import re
import shutil
import tempfile

from caselib import JAIL, STAGE, Server, done, expect, policy, run

SOURCE = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))), "tests", "guests")
GUESTS = """arguments chmod cloexec close-range copy-range credentials descriptors emfile epoll epoll-shared eventfd-timerfd exec-chain exec-errors exec-script exec-thread
 execveat exit-codes exit-group exit-signal fcntl-flags fd-sharing flock fork futex-shared inotify interleave large-transfer links many-forks memfd-seals mmap-coherent
 mmap-private mmap-shared ofd-locks open-flags orphan pidfd pipe-blocking pipe-chain pipe-nonblock poll poll-mixed posix-locks posix-spawn pty readv-writev redirect select
 sessions side-by-side side-by-side-threads signalfd signals-basic signals-descriptors signals-interrupt signals-kill signals-nested signals-pipe-interrupt signals-sleep signals-stop signals-storm
 signals-suspend sigpipe socket-tcp socket-udp socket-unix socket-waits socketpair splice sysv-ipc tcp-loopback threads-blocked threads-churn threads-fork
 threads-leader-exit threads-remote unix-socket vfork wait-forms waits-masks waits-random xattr""".split()
# Where calls are traced: what has to do with descriptors, waits, births and signals.
TRACED = """cloexec close-range descriptors emfile epoll epoll-shared exec-chain exec-thread fd-sharing fork interleave posix-spawn select side-by-side side-by-side-threads signalfd
 signals-interrupt signals-pipe-interrupt signals-storm socket-tcp socket-unix socket-waits splice tcp-loopback threads-fork threads-remote vfork waits-masks""".split()
server = Server(policy_file=policy(network="none"))
wanted = os.environ.get("RSYS_TESTS_ONLY", "").split()  # names, when looking into one of them
failed = []


def program(name):
    return f"{STAGE}/guests/static/{name}"


def once(name, *before):
    """Its status and what it has written, in a fresh directory that is named in what it says as if it were always the same."""
    with open(f"{SOURCE}/{name}.c", encoding="utf-8") as f:
        tag = re.search(r"^// stdin: (.*)$", f.read(), re.M)
    directory = tempfile.mkdtemp()
    arguments = ["1", "250"] if name == "interleave" else []
    with tempfile.TemporaryFile() as stdin:
        stdin.write(f"{tag[1]}\n".encode() if tag else b"")
        stdin.seek(0)
        made = run(*before, program(name), *arguments, seconds=60, stdin=stdin, cwd=directory)
    shutil.rmtree(directory, ignore_errors=True)
    return made.status, made.stdout.replace(directory, "/here"), made.stderr.replace(directory, "/here")


def compare(name, backend):
    command = (JAIL, "--server", server.address, "--only", "@network-io", f"--intercept={backend}")
    for _ in range(2):  # as tests/run does
        native, jailed = once(name), once(name, *command)
        if native == jailed:
            return
    failed.append(f"{name}, {backend}: natively {native}, with --only {jailed}")


for guest in wanted or GUESTS:
    compare(guest, "notify")
for guest in wanted or TRACED:
    compare(guest, "ptrace")
expect(not failed, "\n".join(failed))
done()
