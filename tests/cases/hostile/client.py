#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""client.py: a client that lies: the daemon and other sessions go on, and what the policy denies is denied by the kernel."""
# limit: 120
import errno
import glob
import json
import os
import random
import re
import socket
import struct
import sys
import time

import process
import wire
from wire import Channel, Gone, Session, frame

BIN, ROOT = os.environ["RSYS_TEST_BIN"], os.environ["RSYS_TEST_ROOT"]
SLOW = float(os.environ.get("RSYS_TEST_SLOW", "1"))
READ, WRITE, OPEN, CLOSE, GETPID, MKDIR, SOCKET, KILL, DUP2, GETCWD = 0, 1, 2, 3, 39, 83, 41, 62, 33, 79
failures = []


def check(what, truth, more=""):
    if not truth:
        failures.append(what)
        print(f"FAILED: {what} {more}", flush=True)


class Daemon:
    def __init__(self):
        policy = {
            "defaultAction": "remote",
            "syscalls": [
                {"names": ["mkdir", "mkdirat"], "action": "deny", "errnoRet": errno.EXDEV},
                {"names": ["socket"], "action": "deny", "errnoRet": errno.EACCES},
                {"names": ["fchmod"], "action": "deny", "errnoRet": errno.EOWNERDEAD, "args": [{"index": 1, "value": 0o777, "op": "SCMP_CMP_EQ"}]},
            ],
            "sandbox": {
                "root": {"path": ROOT, "mode": "overlay"},
                "mounts": [{"type": "proc", "target": "/proc"}, {"type": "dev", "target": "/dev"}, {"type": "tmpfs", "target": "/tmp"}],
                "limits": {"nofile": 256, "nproc": 300},
            },
        }
        with open("policy.json", "w", encoding="utf-8") as f:
            json.dump(policy, f)
        self.log = open("daemon.log", "wb")
        self.child = process.start([f"{BIN}/rsys-sandboxd", "--policy", "policy.json", "--listen", "tcp:127.0.0.1:0", "--hello-timeout", "2"],
                                   self.log, self.log)
        self.address = process.until(self.look, 15)
        assert self.address, "the daemon does not come up:\n" + self.text()

    def text(self):
        with open("daemon.log", encoding="utf-8", errors="replace") as f:
            return f.read()

    def look(self):
        match = re.search(r"listening on (tcp:127\.0\.0\.1:\d+)", self.text())
        return match and match[1]

    def below(self):
        return process.descendants(self.child.pid)


class Victim:
    """An honest session that has to go on, whatever the others do."""

    def __init__(self, daemon):
        self.session = Session(daemon.address)
        self.main = self.session.spawn(10)
        self.fd = self.main.call_path(OPEN, "/tmp/precious", os.O_CREAT | os.O_RDWR, 0o600)
        assert self.main.write(self.fd, b"precious") == 8
        self.rounds = 0

    def check(self, after, daemon):
        self.rounds += 1
        try:
            check(f"the other session's pid after {after}", self.main.call(GETPID) == 10)
            check(f"the other session's data after {after}", self.main.read(17, self.fd, 100, 0) == (8, b"precious"))
            check(f"the other session's init after {after}", self.session.control.call(wire.OP_NULL) == 0)
            child = self.session.clone(self.main, 0, 100 + self.rounds)
            check(f"the other session's fork after {after}", child.call(wire.OP_EXIT, 1) == 0)
            child.s.close()
        except (Gone, TimeoutError, AssertionError) as error:
            check(f"the other session lives after {after}", False, repr(error))
        check(f"the daemon lives after {after}", daemon.child.poll() is None, daemon.text())


# ---- hellos ----

def hellos(daemon):
    def refused(what, data):
        s = wire.connect(daemon.address)
        s.sendall(data)
        check(f"{what} is hung up on", wire.hung_up(s))
        s.close()
    refused("an HTTP request", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" + b"x" * 100)
    refused("a wrong magic", wire.HELLO.pack(1, wire.VERSION, 1, bytes(16)))
    refused("an unknown kind", wire.HELLO.pack(wire.MAGIC, wire.VERSION, 77, bytes(16)))
    refused("a session with a token", wire.HELLO.pack(wire.MAGIC, wire.VERSION, 1, b"x" * 16))
    refused("a channel without a token", wire.HELLO.pack(wire.MAGIC, wire.VERSION, 2, bytes(16)))
    refused("a channel with a wrong token", wire.HELLO.pack(wire.MAGIC, wire.VERSION, 2, os.urandom(16)))
    refused("reserved fields", wire.HELLO.pack(wire.MAGIC, wire.VERSION, 1, bytes(16))[:-1] + b"x")
    refused("half a hello", wire.HELLO.pack(wire.MAGIC, wire.VERSION, 1, bytes(16))[:20])
    s = wire.connect(daemon.address)
    s.sendall(wire.HELLO.pack(wire.MAGIC, 999, 1, bytes(16)))
    reply = wire.HELLO_REPLY.unpack(wire.receive(s, wire.HELLO_REPLY.size))
    check("another version is told ours", reply[:3] == (wire.MAGIC, wire.VERSION, 1), repr(reply))
    s.close()
    # More silent connections than the daemon holds: the oldest go, the next client is served.
    silent = [wire.connect(daemon.address) for _ in range(300)]
    other = Session(daemon.address)
    check("a session beside 300 silent connections", other.control.call(wire.OP_NULL) == 0)
    other.close()
    for s in silent:
        s.close()


def flood(daemon):
    """Sessions and channels that are begun and dropped at every point."""
    for i in range(30):
        s = wire.connect(daemon.address)
        s.sendall(wire.HELLO.pack(wire.MAGIC, wire.VERSION, wire.HELLO_SESSION, bytes(16))[:40 if i % 3 else i])
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset, not an end
        s.close()
    session = Session(daemon.address)
    # Far more spare channels than anyone takes, never read.
    spares = []
    for _ in range(400):
        try:
            spares.append(session.spare())
        except OSError:
            break
    other = Session(daemon.address)
    check("a session beside a flood of channels", other.spawn(10).call(GETPID) == 10)
    for channel in spares:
        channel.s.close()
    session.close()
    other.close()


# ---- frames ----

def malformed(daemon):
    session = Session(daemon.address)
    big = 0xffffffff
    lies = [
        dict(relocs=65), dict(relocs=0xffff), dict(outs=17), dict(outs=0xffff), dict(in_size=1), dict(in_size=big, arena=big), dict(in_size=big),
        dict(arena=wire.ARENA + 1), dict(arena=big), dict(in_size=wire.ARENA + 1, arena=wire.ARENA + 1),
    ]
    pid = 100
    for lie in lies:
        pid += 1
        channel = session.spawn(pid)
        channel.s.sendall(frame(GETPID, lies=lie))
        # A size that is true so far as it goes is waited for: then the end of the connection is the end of the executor.
        if not wire.hung_up(channel.s, 0.3):
            channel.s.shutdown(socket.SHUT_WR)
            check(f"a frame that lies ({lie}) ends its executor", wire.hung_up(channel.s))
        check(f"init lives after {lie}", session.control.call(wire.OP_NULL) == 0)
    tables = [
        dict(relocs=[(0, 65)]), dict(relocs=[(8 + 57, 0)]), dict(relocs=[(big, 0)]), dict(relocs=[(0, big)]), dict(relocs=[(7, 0)]), dict(relocs=[(6, 0)]),
        dict(outs=[(0, 65, 1, 1, 0)]), dict(outs=[(65, 0, 1, 1, 0)]), dict(outs=[(big, 1, 1, 1, 0)]), dict(outs=[(8, big - 4, 4, 1, 0)]),
        dict(outs=[(0, 8, 3, 1, 61)]), dict(outs=[(0, 8, 3, 1, big)]), dict(outs=[(0, 8, 0, 1, 0)]), dict(outs=[(0, 8, 5, 1, 0)]), dict(outs=[(0, 8, 2, 0, 0)]),
    ]
    for table in tables:
        pid += 1
        channel = session.spawn(pid)
        channel.s.sendall(frame(GETPID, arena=64, **table))
        result = wire.hung_up(channel.s, 1)
        if not result:  # taken: then it must have been harmless
            channel.seq = 1
            check(f"an executor that took {table} lives", channel.call(GETPID) == pid)
        check(f"init lives after {table}", session.control.call(wire.OP_NULL) == 0)
    # Outs that name the whole arena sixteen times: bounded work, and no memory of anybody else.
    channel = session.spawn(pid + 1)
    channel.send(GETPID, outs=[(0, wire.ARENA, wire.OUT_ALWAYS, 1, 0)] * 16, arena=wire.ARENA)
    _, parts = channel.receive(16)
    check("an arena that was never written is zero behind the request's own bytes", all(p[4096:] == bytes(wire.ARENA - 4096) for p in parts))
    # Random bytes.
    rng = random.Random(1)
    for i in range(40):
        pid += 2
        channel = session.spawn(pid)
        try:
            channel.s.sendall(rng.randbytes(rng.choice((1, 71, 72, 73, 500, 100000))))
            channel.s.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        wire.hung_up(channel.s)
        channel.s.close()
    check("init lives after random frames", session.control.call(wire.OP_NULL) == 0)
    session.close()


def control_lies(daemon):
    def ends(what, data):
        session = Session(daemon.address)
        executor = session.spawn(10)
        session.control.s.sendall(data)
        check(f"{what} on the control channel ends the session", wire.hung_up(session.control.s) and wire.hung_up(executor.s))
        session.close()
    ends("in-data", frame(wire.OP_NULL, ins=b"x" * 8))
    ends("an out", frame(wire.OP_NULL, outs=[(0, 8, 4, 1, 0)], arena=64))
    ends("too many relocations", frame(wire.OP_NULL, relocs=[(0, 0)] * 65))
    ends("an impossible size", frame(wire.OP_NULL, lies={"in_size": 0xffffffff}))
    session = Session(daemon.address)
    executor = session.spawn(10)
    for nr, args in [(wire.OP_SPAWN, (0,)), (wire.OP_SPAWN, (1,)), (wire.OP_SPAWN, (-1,)), (wire.OP_SPAWN, (1 << 31,)), (wire.OP_SPAWN, (1 << 32 | 50,)),
                     (wire.OP_SPAWN, (1 << 30,)), (wire.OP_KILL, (-1,)), (wire.OP_KILL, (0,)), (wire.OP_KILL, (1,)), (wire.OP_KILL, (4000,)),
                     (wire.OP_CANCEL, (-1, -1, 1)), (wire.OP_CANCEL, (1, 10, 1)), (wire.OP_CANCEL, (4000, 4000, 1)), (wire.OP_EXIT, (1,)), (GETPID, ()),
                     (0xffff, ()), (59, ())]:
        result = session.control.call(nr, *args)
        check(f"operation {nr:#x}{args} on the control channel fails", result < 0, wire.name(result))
    # A cancel of init itself and of idle threads does no harm.
    for tid in (1, 10):
        for _ in range(50):
            session.control.send(wire.OP_CANCEL, (tid, tid, 5), flags=wire.NOREPLY)
    check("init lives after cancels", session.control.call(wire.OP_NULL) == 0)
    check("the executor lives after cancels", executor.call(GETPID) == 10)
    session.close()
    # Half a frame, then the end.
    session = Session(daemon.address)
    executor = session.spawn(10)
    session.control.s.sendall(frame(wire.OP_NULL)[:30])
    session.control.s.shutdown(socket.SHUT_WR)
    check("the end of the control connection ends the session", wire.hung_up(executor.s))
    session.close()


# ---- what the kernel has to refuse ----

def denied(daemon):
    session = Session(daemon.address)
    e = session.spawn(10)
    check("mkdir is denied with the policy's errno", e.call_path(MKDIR, "/tmp/d", 0o755) == -errno.EXDEV)
    check("mkdirat too", e.call_path(258, "/tmp/d", -100, 0o755, at=1) in (-errno.EXDEV,))
    check("socket is denied", e.call(SOCKET, 2, 1, 0) == -errno.EACCES)
    fd = e.call_path(OPEN, "/tmp/f", os.O_CREAT | os.O_RDWR, 0o600)
    check("fchmod 0777 is denied", e.call(91, fd, 0o777) == -errno.EOWNERDEAD)
    check("fchmod 0755 is not", e.call(91, fd, 0o755) == 0)
    # From another thread and another process of the session, after an exec as well.
    thread = session.clone(e, 0x10f00, 11)
    check("a thread is denied too", thread.call(SOCKET, 2, 1, 0) == -errno.EACCES)
    child = session.clone(e, 0, 12)
    child.send(wire.OP_EXEC, (1, 2, 2), b"x\0", flags=wire.NOREPLY)
    check("a child after exec is denied too", child.call(SOCKET, 2, 1, 0) == -errno.EACCES)
    # Calls that never run on a server, and calls whose success would break the walls.  (nr, args).
    walls = {
        "ptrace init": (101, (16, 1)), "ptrace a sibling": (101, (16, 12)), "process_vm_readv": (310, (1, 0, 0, 0, 0)), "mount": (165, (0, 0, 0, 0, 0)),
        "umount2": (166, (0, 2)), "pivot_root": (155, (0, 0)), "chroot": (161, (0,)), "unshare a user namespace": (272, (0x10000000,)),
        "unshare a mount namespace": (272, (0x20000,)), "setns": (308, (3, 0)), "bpf": (321, (0, 0, 0)), "perf_event_open": (298, (0, 0, 0, 0, 0)),
        "init_module": (175, (0, 0, 0)), "kexec_load": (246, (0, 0, 0, 0)), "reboot": (169, (0xfee1dead, 672274793, 0x1234567)), "iopl": (172, (3,)),
        "io_uring_setup": (425, (8, 0)), "userfaultfd": (323, (0,)), "keyctl": (250, (0, -3, 0)), "add_key": (248, (0, 0, 0, 0, -3)),
        "open_by_handle_at": (304, (0, 0, 0)), "swapon": (167, (0, 0)), "settimeofday": (164, (0, 0)), "acct": (163, (0,)), "quotactl": (179, (0, 0, 0, 0)),
        "execve": (59, (0, 0, 0)), "fork": (57, ()), "vfork": (58, ()), "seccomp": (317, (1, 0, 0)), "fsopen": (430, (0, 0)), "move_mount": (429, (0, 0, 0, 0, 0)),
        "pidfd_getfd": (438, (3, 0, 0)), "modify_ldt": (154, (0, 0, 0)),
    }
    for what, (nr, args) in walls.items():
        try:
            result = e.call(nr, *args)
            check(f"{what} is refused", result < 0, wire.name(result))
        except Gone:
            check(f"{what} is refused with an errno", False, "the executor ended")
            e = session.spawn(20 + nr)
    session.close()


def escapes(daemon):
    """Nothing of the server's machine can be named."""
    marker = os.path.abspath("marker")
    with open(marker, "w", encoding="utf-8") as f:
        f.write("outside")
    session = Session(daemon.address)
    e = session.spawn(10)
    for path in (marker, "/../../../../../../.." + marker, "/proc/1/root" + marker, "/proc/self/root/../.." + marker, "/proc/1/cwd/../../.." + marker,
                 f"/proc/{os.getpid()}/root" + marker, f"/proc/self/fd/{session.nofile + 3}/../../../.." + marker):
        result = e.call_path(OPEN, path, os.O_RDONLY)
        check(f"open {path}", result < 0, wire.name(result))
    # Through the executor's own descriptors, as directories.
    for fd in range(session.nofile, session.nofile + 8):
        result = e.call_path(257, ".." + marker, fd, os.O_RDONLY, at=1)
        check(f"openat below descriptor L+{fd - session.nofile}", result < 0, wire.name(result))
    # The programs that run here are the executor alone, and it cannot be written.
    check("the executor's program is sealed", e.call_path(257, "/proc/self/exe", -100, os.O_RDWR, at=1) < 0)
    # Signals stay inside, and init does not take them.
    e.call(KILL, 1, 9)
    check("init outlives SIGKILL from inside", session.control.call(wire.OP_NULL) == 0)
    e.send(KILL, (-1, 9))
    try:
        e.receive()
    except Gone:
        pass
    check("init outlives kill(-1)", session.control.call(wire.OP_NULL) == 0)
    session.close()


def descriptors(daemon):
    """The executor's own descriptors are the client's to break: its session alone."""
    session = Session(daemon.address)
    level = session.nofile
    for i in range(6):
        e = session.spawn(10 + i)
        e.send(CLOSE, (level + i,))
        try:
            e.receive()
        except Gone:
            pass
        check(f"init lives after close(L+{i})", session.control.call(wire.OP_NULL) == 0)
    e = session.spawn(30)
    check("dup2 above the limit", e.call(DUP2, 0, level + 2) == -errno.EBADF)
    # Rubbish for the broker: a message without a descriptor, and one with a descriptor that is no channel.
    e.send(46, (level + 1, 0, 0x40), struct.pack("<QI4xQQQQI4x", 0, 0, 56, 1, 0, 0, 0) + struct.pack("<QQ", 72, 1) + b"x", [(1, 0), (8 + 16, 56), (8 + 56, 72)])
    check("rubbish in the broker", e.receive()[0] == 1)
    control = struct.pack("<QiiiI", 20, 1, 1, level + 3, 0)
    e.send(46, (level + 1, 0, 0x40), struct.pack("<QI4xQQQQI4x", 0, 0, 56, 1, 80, 20, 0) + struct.pack("<QQ", 72, 1) + b"x" + bytes(7) + control,
           [(1, 0), (8 + 16, 56), (8 + 56, 72), (8 + 32, 80)])
    check("something else in the broker", e.receive()[0] == 1)
    e.send(wire.OP_CLONE, (0, 31), flags=wire.NOREPLY)
    check("init lives after rubbish in the broker", session.control.call(wire.OP_NULL) == 0)
    session.close()


def pointers(daemon):
    """Numbers for pointers: the kernel says EFAULT, or the executor breaks itself."""
    session = Session(daemon.address)
    rng = random.Random(2)
    e, pid = session.spawn(10), 10
    check("open of a number", e.call(OPEN, 4096) == -errno.EFAULT)
    check("write from the kernel's half", e.call(WRITE, 0, 0xffff800000000000, 8) < 0)
    # Every call that the executor lets through, with random arguments; some hang, some end it.
    for i in range(250):
        nr = rng.randrange(0, 470)
        args = [rng.choice((0, 1, 3, 0xffffffffffffffff, 4096, 0x405000, 0x401000, rng.getrandbits(64), rng.randrange(300))) for _ in range(6)]
        try:
            e.send(nr, args)
            e.s.settimeout(0.05)
            seq, size, _, _ = wire.REPLY.unpack(wire.receive(e.s, wire.REPLY.size))
            e.s.settimeout(wire.TIMEOUT)
        except (Gone, TimeoutError, OSError):
            session.control.send(wire.OP_KILL, (pid,), flags=wire.NOREPLY)
            e.s.close()
            pid += 1
            try:
                e = session.spawn(pid)
            except OSError:
                session.close()
                session = Session(daemon.address)
                e = session.spawn(pid)
            except (Gone, TimeoutError):
                check("a session outlives its executors", session.control.call(wire.OP_NULL) == 0)
                raise
    session.close()


def masses(daemon, base):
    """Many processes, threads and requests without a reader; then the client is gone, and so is everything else."""
    session = Session(daemon.address)
    e = session.spawn(10)
    for i in range(100):
        session.clone(e, 0 if i % 2 else 0x10f00, 1000 + i)
    more = session.spawn(11)
    more.s.settimeout(0.5)
    try:
        while True:
            more.s.sendall(frame(GETPID, outs=[(0, wire.ARENA, wire.OUT_ALWAYS, 1, 0)] * 16, arena=wire.ARENA) * 8)
    except (TimeoutError, OSError):
        pass
    check("init lives beside an executor that cannot send", session.control.call(wire.OP_NULL) == 0)
    # No more processes than the policy's limit, and the daemon's other sessions can still fork.
    for i in range(400):
        e.send(wire.OP_CLONE, (0, 2000 + i), flags=wire.NOREPLY)
    time.sleep(0.2)
    living = len(daemon.below())
    check("the number of processes is limited", living < 450, str(living))
    session.close()
    gone = process.until(lambda: len(daemon.below()) <= base, 5 * SLOW)
    check("nothing is left of a session whose client is gone", gone, repr(daemon.below()))


def main():
    daemon = Daemon()
    try:
        victim = Victim(daemon)
        base = len(daemon.below())
        attacks = [globals()[name] for name in sys.argv[1:]] or [hellos, flood, malformed, control_lies, denied, escapes, descriptors, pointers]
        for attack in attacks:
            started = time.monotonic()
            try:
                attack(daemon)
            except (Gone, TimeoutError, AssertionError, OSError) as error:
                import traceback
                check(f"{attack.__name__} goes through", False, "".join(traceback.format_exception(error)[-3:]))
            victim.check(attack.__name__, daemon)
            print(f"{attack.__name__}: {time.monotonic() - started:.1f} s", flush=True)
        process.until(lambda: len(daemon.below()) <= base, 5 * SLOW)
        check("no session is left", len(daemon.below()) <= base, repr(daemon.below()))
        masses(daemon, base)
        victim.check("masses", daemon)
        victim.session.close()
        check("nothing is left below the daemon", process.until(lambda: not daemon.below(), 5 * SLOW), repr(daemon.below()))
        daemon.child.terminate()
        check("the daemon ends with 0", process.wait_limited(daemon.child, 10) == 0)
    finally:
        process.end(daemon.child)
    print(f"{len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    raise SystemExit(main())
