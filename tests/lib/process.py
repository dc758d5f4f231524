# SPDX-License-Identifier: GPL-2.0-only
"""process.py: processes under control: started in sessions of their own, waited for with limits, killed whole."""
import ctypes
import os
import select
import signal
import subprocess
import time

PR_SET_CHILD_SUBREAPER = 36


def become_subreaper():
    """Orphans of the cases become our children, wherever they went."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def table():
    """Every process as {pid: (comm, state, ppid, session)}, from /proc/PID/stat alone: that file never waits for the process's memory."""
    found = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as f:
                text = f.read().decode("utf-8", "replace")
        except OSError:
            continue
        opened, closed = text.index("("), text.rindex(")")
        fields = text[closed + 2:].split()
        found[int(name)] = (text[opened + 1:closed], fields[0], int(fields[1]), int(fields[3]))
    return found


def alive(pids):
    """Those of the processes that are there still, zombies left out."""
    processes = table()
    return [pid for pid in pids if pid in processes and processes[pid][1] not in "ZX"]


def descendants(of):
    """The processes below `of` (its children, theirs, ...), as {pid: comm}, zombies left out."""
    processes = table()
    below, todo = {}, [of]
    children = {}
    for pid, (_, _, ppid, _) in processes.items():
        children.setdefault(ppid, []).append(pid)
    while todo:
        for pid in children.get(todo.pop(), []):
            comm, state, _, _ = processes[pid]
            todo.append(pid)
            if state not in "ZX":
                below[pid] = comm
    return below


def kill_quietly(pid, number=signal.SIGKILL):
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def wait_limited(process, seconds):
    """Wait for a Popen for so long.  Its exit status (negative: signal), or None.  It stays a zombie until end() or poll(): its number is not to become another's
    before end() has looked for what it has left."""
    if process.returncode is not None:
        return process.returncode
    try:
        fd = os.pidfd_open(process.pid)
    except OSError:
        return process.poll()
    try:
        if not select.select([fd], [], [], max(seconds, 0))[0]:
            return None
        ended = os.waitid(os.P_PIDFD, fd, os.WEXITED | os.WNOWAIT)
        return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
    finally:
        os.close(fd)


def start(argv, stdout, stderr, stdin=subprocess.DEVNULL, **more):
    return subprocess.Popen(argv, stdin=stdin, stdout=stdout, stderr=stderr, start_new_session=True, close_fds=True, **more)


def end(process, extra=()):
    """Kill a started process, its session and what is below it; wait at most five seconds.  False when it would not die."""
    below = {}
    if process.returncode is None: # else the number may be anybody's by now
        below = descendants(process.pid)
        below.update({pid: "" for pid, (_, _, _, session) in table().items() if session == process.pid})
        kill_quietly(process.pid)
    for pid in [*extra, *below]:
        kill_quietly(pid)
    return wait_limited(process, 5) is not None and process.wait() is not None


def reap_orphans(keep=()):
    """Collect children of ours that nobody else waits for (orphans that came to us); returns the living ones, {pid: comm}."""
    living = {}
    me = os.getpid()
    for pid, (comm, state, ppid, _) in table().items():
        if ppid != me or pid in keep:
            continue
        if state == "Z":
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                pass
        else:
            living[pid] = comm
    return living


def until(condition, seconds, step=0.02):
    """Poll until condition() is true; its value, or the last false one."""
    limit = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > limit:
            return value
        time.sleep(step)
