#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""bench.py: what a remote call costs, each row as a ratio to a baseline of the same run.

    bench.py --build DIR [--json FILE] [--size BYTES] [--delay MS] [--mode free|pinned|both] [GLOB]...

Each row is measured free (the kernel places the processes) and pinned (everything on one CPU).  With --delay every connection goes through a relay that adds so many
milliseconds to a round trip, and the baselines of round trips go with it.  A row that fails or takes too long says so, and the rest goes on.  Ratios
of times: lower is better; of throughput: higher is better.  Longer than 600 lines: the rows are one list of short functions."""
import argparse
import fnmatch
import json
import os
import platform
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lib"))

import process, wire, library_rows, preload_rows  # noqa: E401,E402

LIMIT = 120  # seconds for any one program
CAPABILITIES = "cb"  # of native programs and guests, as make_policy() has them
REQUEST, REPLY = wire.HEAD.size, wire.REPLY.size


class Failed(Exception):
    pass


def output(argv, limit=LIMIT, pinned=False, cwd=None, env=None):
    """Run it; its standard output.  Files, not pipes: what outlives it holds nothing of ours."""
    if pinned:
        argv = ["taskset", "-c", "0"] + argv
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = process.start(argv, out, err, cwd=cwd, env=env)
        status = process.wait_limited(child, limit)
        process.end(child)
        out.seek(0)
        err.seek(0)
        if status is None:
            raise Failed(f"over its time limit of {limit} s")
        if status != 0:
            text = err.read().decode("utf-8", "replace").strip().splitlines()
            raise Failed(f"status {status}" + (": " + text[-1] if text else ""))
        return out.read().decode("utf-8", "replace")


class Relay:
    def __init__(self, bench, port, microseconds):
        self.count_file = f"{bench.stage}/turns"
        self.child = subprocess.Popen([f"{bench.bin}/relay", str(port), str(microseconds), self.count_file], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      start_new_session=True)
        self.port = int(self.child.stdout.readline())

    def turns(self):
        try:
            with open(self.count_file, encoding="utf-8") as f:
                return int(f.read() or 0)
        except (FileNotFoundError, ValueError):
            return 0

    def stop(self):
        self.child.stdin.close()
        self.child.stdout.close()
        process.end(self.child)


class Bench:
    """One mode: a server, and what the rows need."""

    def __init__(self, arguments, stage, root, pinned):
        self.arguments, self.stage, self.root, self.pinned = arguments, stage, root, pinned
        self.build, self.bin = arguments.build, f"{stage}/bin"
        self.env = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8", "TERM": "dumb"}
        self.servers, self.relays, self.others, self.options = [], [], {}, []
        if not os.path.isdir(f"{stage}/keys"):
            output([f"{self.build}/rsys-keygen", f"{stage}/keys"])
        self.server, self.port = self.start_server(f"{stage}/policy.json", "server", ["--listen", "tls:127.0.0.1:0", "--key", f"{stage}/keys/server.key"])
        self.tls_port = int(re.search(r"listening on tls:127\.0\.0\.1:(\d+)", self.log)[1])
        self.relay = Relay(self, self.port, int(arguments.delay * 1000)) if arguments.delay > 0 else None
        self.address = f"tcp:127.0.0.1:{self.relay.port if self.relay else self.port}"

    def start_server(self, policy, name, more=()):
        """A rsys-sandboxd, when it listens: the process and its port."""
        log_path = f"{self.stage}/{name}.log"
        with open(log_path, "wb") as log:
            server = process.start((["taskset", "-c", "0"] if self.pinned else []) + [
                f"{self.build}/rsys-sandboxd", "--policy", policy, *more, "--listen", "tcp:127.0.0.1:0"], log, log)
        self.servers.append(server)

        def look():
            with open(log_path, encoding="utf-8", errors="replace") as f:
                self.log = f.read()
            return re.search(r"listening on tcp:127\.0\.0\.1:(\d+)", self.log) or server.poll() is not None
        found = process.until(look, 15)
        if not found or found is True:
            raise Failed("the server does not come up: " + self.log.strip())
        return server, int(found[1])

    def other(self, name, root=None, syscalls=None, network=None):
        """The address of a server under another policy, started when it is first asked for."""
        if name not in self.others:
            path = f"{self.stage}/{name}.json"
            make_policy(self.stage, root or self.root, path, syscalls, network)
            port = self.start_server(path, name)[1]
            relay = Relay(self, port, int(self.arguments.delay * 1000)) if self.relay else None
            if relay:
                self.relays.append(relay)
            self.others[name] = f"tcp:127.0.0.1:{relay.port if relay else port}"
        return self.others[name]

    def tls(self):
        """The address of the same server over TLS."""
        if "tls" not in self.others:
            relay = Relay(self, self.tls_port, int(self.arguments.delay * 1000)) if self.relay else None
            if relay:
                self.relays.append(relay)
            self.others["tls"] = f"tls:127.0.0.1:{relay.port if relay else self.tls_port}"
        return self.others["tls"]

    def local_pipes(self):
        return self.other("local", syscalls=[{"names": ["pipe", "pipe2"], "action": "local"}])

    def programs(self):
        """The larger root, and a server for it."""
        found = subprocess.run([f"{os.path.dirname(os.path.dirname(HERE))}/tests/make-root", "--programs", "--where"], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=60, check=False)
        if found.returncode != 0 or not os.path.isdir(found.stdout.strip()):
            raise Failed("the root with the larger programs is not there: tests/make-root --programs")
        return found.stdout.strip(), self.other("programs", root=found.stdout.strip())

    def stop(self):
        for relay in self.relays:
            relay.stop()
        if self.relay:
            self.relay.stop()
        for server in self.servers:
            server.terminate()
            process.wait_limited(server, 10)
            process.end(server)

    def jail(self, program, address=None, limit=LIMIT, cwd="/work"):
        address = address or self.address
        key = ["--key", f"{self.stage}/keys/client.key"] if address.startswith("tls:") else []
        return output([f"{self.build}/rsys-jail", "--server", address, *key, "--chdir", cwd, *self.options] + program, limit, self.pinned, env=self.env)

    def native(self, program, directory="/work", root=None):
        """In the same root, natively."""
        return output([f"{self.build}/tests/programs/native", "--directory", directory, "--capabilities", CAPABILITIES, "--bind", self.bin, "/bench", root or self.root] + program, pinned=self.pinned,
                      env=self.env)

    def guest(self, *args, address=None):
        return float(self.jail(["/bench/guest", *map(str, args)], address))

    def native_guest(self, *args):
        return float(self.native(["/bench/guest", *map(str, args)]))

    def preload(self, program, *args):
        return float(output([f"{self.build}/rsys-preload", "--server", self.address, "--chdir", "/work", self.bin + program, *map(str, args)], pinned=self.pinned, env=self.env))

    def raw(self, *args, program="raw"):
        return float(output([f"{self.bin}/{program}", *map(str, args)], pinned=self.pinned))

    def seconds(self, run, times=5):
        """The best wall-clock time of a few runs."""
        best = None
        for _ in range(times):
            started = time.monotonic()
            run()
            took = time.monotonic() - started
            best = took if best is None else min(best, took)
        return best

    def floor(self, request, reply, n=30000):
        """A raw round trip; with a relay, its delay."""
        if self.relay:
            return self.arguments.delay * 1e6
        return self.raw("pingpong", n, request, reply)

    def calls(self, n):
        """How many calls are worth measuring, when each waits for the relay."""
        return max(30, min(n, int(n * 0.02 / self.arguments.delay))) if self.relay else n

    def round_trips(self, what, n, per):
        """Round trips an operation: the difference of two runs of different length, counted by a relay."""
        counts = []
        for times in (n, 2 * n):
            relay = Relay(self, self.port, 0)
            try:
                self.jail(["/bench/guest", what, str(3 * times)], f"tcp:127.0.0.1:{relay.port}")
                process.until(relay.turns, 5)
                time.sleep(0.2)  # the last connections' counts
                counts.append(relay.turns())
            finally:
                relay.stop()
            os.unlink(relay.count_file)
        return (counts[1] - counts[0]) / (3 * n) / per


# ---- the rows: each returns (value, baseline, unit, note) ----

def row_local(b):
    n = 300000
    return b.guest("local", n), b.native_guest("local", n), "ns"


def row_null(b):
    return b.guest("null", b.calls(30000)), b.floor(REQUEST, REPLY), "ns"


def row_stat(b):
    return b.guest("stat", b.calls(20000)), b.floor(REQUEST + 16 + 16 + 16, REPLY + 4 + 144), "ns"


def row_open_read_close(b):
    return b.guest("openread", b.calls(9000)), 3 * b.floor(REQUEST, REPLY), "ns"


def with_options(row, *options):
    """The same row with other options of rsys-jail's."""
    def run(b):
        b.options = list(options)
        try:
            return row(b)
        finally:
            b.options = []
    return run


def traced(row):
    return with_options(row, "--intercept=ptrace")


def copied(row):
    return with_options(row, "--view=copy")


def row_resumable(b):
    n = b.calls(60000)
    value = b.guest("null", n)
    b.options = ["--resume-timeout", "0"]
    baseline = b.guest("null", n)
    b.options = []
    return value, baseline, "ns"


def row_round_trips_stat(b):
    return b.round_trips("stat", 300, 1), 1, "round trips"


def row_round_trips_open_read_close(b):
    return b.round_trips("openread", 300, 3), 1, "round trips"


def transfer(b, what, block):
    size = b.arguments.size if not b.relay else min(b.arguments.size, 64 << 20)
    return b.guest(what, size // block, block), b.raw("stream", size, block), "B/s"


def row_read_64k(b):
    return transfer(b, "read", 65536)


def row_read_1m(b):
    return transfer(b, "read", 1 << 20)


def row_write_64k(b):
    return transfer(b, "write", 65536)


def row_write_1m(b):
    return transfer(b, "write", 1 << 20)


def life(b, what, n):
    return b.guest(what, b.calls(n)), b.native_guest(what, n), "ns"


def row_fork_exit_wait(b):
    return life(b, "fork", 600)


def row_fork_exec_wait(b):
    return life(b, "exec", 300)


def row_thread(b):
    return life(b, "thread", 900)


def pipes(b, what, n, size, address):
    return b.guest(what, b.calls(n), size, address=address), b.native_guest(what, n, size), "B/s" if what == "pipe" else "ns"


def row_pipe(b):
    return pipes(b, "pipe", 6000, 65536, None)


def row_pipe_local(b):
    return pipes(b, "pipe", 6000, 65536, b.local_pipes())


def row_pingpong(b):
    return pipes(b, "pingpong", 9000, 1, None)


def row_pingpong_local(b):
    return pipes(b, "pingpong", 9000, 1, b.local_pipes())


def row_echo(b):
    """A peer outside of the sandbox; natively without one, on the same network."""
    peer = process.start((["taskset", "-c", "0"] if b.pinned else []) + [f"{b.bin}/raw", "echo"], subprocess.PIPE, subprocess.DEVNULL)
    try:
        port = peer.stdout.readline().decode().strip()
        n = b.calls(9000)
        address = b.other("network", network="host")
        return b.guest("echo", n, 64, port, address=address), float(output([f"{b.bin}/guest", "echo", "9000", "64", port], pinned=b.pinned)), "ns"
    finally:
        process.end(peer)
        peer.stdout.close()


def row_start(b):
    bwrap = ["bwrap", "--unshare-all", "--ro-bind", b.root, "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "/bin/true"]
    return b.seconds(lambda: b.jail(["/bin/true"], cwd="/"), 10) * 1e9, b.seconds(lambda: output(bwrap, pinned=b.pinned), 10) * 1e9, "ns"


def row_start_embedded(b):
    bwrap = ["bwrap", "--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "/bin/true"]
    jail = [f"{b.build}/rsys-jail", "/bin/true"]
    return b.seconds(lambda: output(jail, pinned=b.pinned), 10) * 1e9, b.seconds(lambda: output(bwrap, pinned=b.pinned), 10) * 1e9, "ns"


def row_tls_start(b):
    return tuple(b.seconds(lambda a=address: b.jail(["/bin/true"], a, cwd="/"), 10) * 1e9 for address in (b.tls(), None)) + ("ns",)


def row_tls_null(b):
    return b.guest("null", b.calls(30000), address=b.tls()), b.guest("null", b.calls(30000)), "ns"


def row_tls_fork(b):
    return b.guest("fork", b.calls(600), address=b.tls()), b.guest("fork", b.calls(600)), "ns"


def tls_transfer(b, what):
    n = max(1, min(b.arguments.size, 256 << 20) >> 20)
    return b.guest(what, n, 1 << 20, address=b.tls()), b.guest(what, n, 1 << 20), "B/s"


def row_tls_read(b):
    return tls_transfer(b, "read")


def row_tls_write(b):
    return tls_transfer(b, "write")


def program(b, script, times=2):
    command = ["/bin/bash", "-c", script]
    return b.seconds(lambda: b.jail(command), times) * 1e9, b.seconds(lambda: b.native(command), times) * 1e9, "ns"


def row_python(b):
    return program(b, "exec python3 -c pass", 5)


def row_git_status(b):
    setup = "git init -q . && for i in {1..200}; do echo $i >f$i; done && git add . && git -c user.name=a -c user.email=a commit -qm x"
    timed = "S=$EPOCHREALTIME; git status --short >/dev/null; E=$EPOCHREALTIME; echo $(( ${E/./} - ${S/./} ))"
    command = ["/bin/bash", "-c", f"{setup}; {timed}"]
    return float(b.jail(command)) * 1e3, float(b.native(command)) * 1e3, "ns"


def row_tar(b):
    return program(b, "tar c /usr/share/doc 2>/dev/null | cat >/dev/null")


def row_find(b):
    return program(b, "find /usr >/dev/null")


def timed(b, setup, work, address=None, root=None):
    """A script in which `work` is measured, from within."""
    command = ["/bin/bash", "-c", f"{setup}; S=$EPOCHREALTIME; {work}; E=$EPOCHREALTIME; echo $(( ${{E/./}} - ${{S/./}} ))"]
    return float(b.jail(command, address).split()[-1]) * 1e3, float(b.native(command, root=root).split()[-1]) * 1e3, "ns"


PIPELINE = "for i in {1..20}; do seq 1 2000 | grep 7 | sed s/7/x/ | sort -r | wc -l >/dev/null; done"


def row_pipeline(b):
    return timed(b, ":", PIPELINE)


def row_pipeline_local(b):
    return timed(b, ":", PIPELINE, b.local_pipes())


HEADERS = "stdio.h stdlib.h string.h unistd.h fcntl.h sys/epoll.h sys/inotify.h linux/seccomp.h sys/nosuch.h no/such.h"
FUNCTIONS = "openat2 copy_file_range memfd_create getrandom strlcpy qsort_r posix_spawn no_such_function close_range explicit_bzero statx renameat2"


def row_configure(b):
    if shutil.which("autoconf") is None:
        raise Failed("autoconf is not installed")
    os.makedirs(f"{b.bin}/package", exist_ok=True)
    with open(f"{b.bin}/package/configure.ac", "w", encoding="utf-8") as f:
        f.write(f"AC_INIT([small], [1])\nAC_PROG_CC\nAC_CHECK_HEADERS([{HEADERS}])\nAC_CHECK_FUNCS([{FUNCTIONS}])\nAC_CHECK_SIZEOF([long])\nAC_OUTPUT\n")
    output(["autoconf"], cwd=f"{b.bin}/package")
    return timed(b, ":", "/bench/package/configure -q >/dev/null")


def row_make(b):
    setup = """for i in {1..12}; do echo "#include <stdio.h>
int f$i(void) { return printf(\\"%d\\", $i); }" >f$i.c; done; echo "int main(void) { return 0; }" >main.c
printf 'all: main.o %s\\n\\tgcc -o all $^\\n' "$(echo f{1..12}.o)" >Makefile"""
    return timed(b, setup.replace("\\\\", "\\"), "make -s -j2 CC=gcc CFLAGS=-O1 >/dev/null")


def rate(b, script):
    """The last number that a script prints, by the programs of the larger root."""
    root, address = b.programs()
    command = ["/bin/bash", "-c", script]
    jailed, native = b.jail(command, address).split(), b.native(command, root=root).split()
    if not jailed or not native:
        raise Failed("nothing was measured " + ("natively" if jailed else "in the jail"))
    return float(jailed[-1]), float(native[-1]), "requests/s"


def row_redis(b):
    return rate(b, f"""redis-server --port 6379 --save '' --dir /work --daemonize yes --pidfile /work/pid >/dev/null
        until [ "$(redis-cli ping 2>/dev/null)" = PONG ]; do sleep 0.02; done
        redis-benchmark -q -n {b.calls(20000)} -c 20 -t get | tr '\\r' '\\n' | sed -n 's/^GET: \\([0-9.]*\\) requests per second.*/\\1/p' >got
        redis-cli shutdown nosave; cat got""")


def row_nginx(b):
    return rate(b, """mkdir -p www; seq 1 200 >www/numbers
        echo 'user root; worker_processes 1; pid /work/pid; error_log /work/log; events {} http { access_log off; server { listen 127.0.0.1:8080; root /work/www; } }' >conf
        nginx -c /work/conf; wrk -t 1 -c 8 -d 2s http://127.0.0.1:8080/numbers | sed -n 's|^Requests/sec: *||p' >got; nginx -c /work/conf -s quit; cat got""")


def row_pgbench(b):
    return rate(b, """PATH=$(echo /usr/lib/postgresql/*/bin):$PATH; chmod 777 /work; as() { setpriv --reuid 1 --regid 1 --clear-groups "$@"; }
        as initdb -D /work/data -U me -A trust --no-sync >/dev/null; as pg_ctl -D /work/data -o "-k /work -h '' -c fsync=off" -l /work/log -w start >/dev/null
        as pgbench -h /work -U me -i -q postgres >/dev/null 2>&1; as pgbench -h /work -U me -c 4 -t 200 postgres 2>/dev/null | sed -n 's/^tps = \\([0-9.]*\\).*/\\1/p' >got
        as pg_ctl -D /work/data -m fast -w stop >/dev/null; cat got""")


class Sshfs:
    """The root over sshfs, without ssh's own encryption: sftp-server behind a loopback port (sshfs(1), directport)."""

    SFTP = "/usr/lib/openssh/sftp-server"

    def __init__(self, b):
        if shutil.which("sshfs") is None or not os.access(self.SFTP, os.X_OK):
            raise Failed("sshfs or openssh-sftp-server is not installed")
        self.directory = f"{b.stage}/sshfs"
        os.makedirs(self.directory, exist_ok=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.served = []
        threading.Thread(target=self.serve, args=(["taskset", "-c", "0"] if b.pinned else [],), daemon=True).start()
        port = self.listener.getsockname()[1]
        self.child = subprocess.Popen((["taskset", "-c", "0"] if b.pinned else []) + [
            "sshfs", "-f", "-o", f"ro,directport={port}", f"127.0.0.1:{b.root}", self.directory], stdin=subprocess.DEVNULL, start_new_session=True)
        if not process.until(lambda: os.path.ismount(self.directory) or self.child.poll() is not None, 10) or self.child.poll() is not None:
            self.stop()
            raise Failed("sshfs does not mount")

    def serve(self, prefix):
        try:
            connection = self.listener.accept()[0]
        except OSError:
            return
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.served.append(subprocess.Popen(prefix + [self.SFTP], stdin=connection, stdout=connection, start_new_session=True))

    def stop(self):
        subprocess.run(["umount", "-l", self.directory], stderr=subprocess.DEVNULL, timeout=10, check=False)
        self.listener.close()
        for child in [self.child] + self.served:
            process.wait_limited(child, 5)
            process.end(child)


def against_sshfs(b, script, command):
    mounted = Sshfs(b)
    try:
        command = [word.replace("ROOT", mounted.directory) for word in command]
        return (b.seconds(lambda: b.jail(["/bin/bash", "-c", script]), 2) * 1e9, b.seconds(lambda: output(command, pinned=b.pinned), 2) * 1e9, "ns")
    finally:
        mounted.stop()


def row_sshfs_tar(b):
    return against_sshfs(b, "tar c /usr/share/doc 2>/dev/null | cat >/dev/null", ["sh", "-c", "tar c ROOT/usr/share/doc 2>/dev/null | cat >/dev/null"])


def row_sshfs_find(b):
    return against_sshfs(b, "find /usr >/dev/null", ["sh", "-c", "find ROOT/usr >/dev/null"])


def private_memory(pids):
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as f:
                total += sum(int(line.split()[1]) for line in f if line.startswith("Private_"))
        except OSError:
            pass
    return total * 1024


def idle_session(b):
    before = set(process.descendants(b.server.pid))
    session = wire.Session(f"tcp:127.0.0.1:{b.port}")
    session.spawn(2, 1)
    without = set(process.descendants(b.server.pid)) - before
    session.spawn(10)
    return session, without, set(process.descendants(b.server.pid)) - before - without


def row_memory_session(b):
    session, processes, _ = idle_session(b)
    try:
        return private_memory(processes), 2 << 20, "B"
    finally:
        session.close()


def row_memory_executor(b):
    session, _, executor = idle_session(b)
    try:
        return private_memory(executor), 1 << 19, "B"
    finally:
        session.close()


# name, function, aim (as the ratio; None: to be said), what the baseline is, better
ROWS = [
    ("a call placed locally", row_local, 1.1, "native", "low"),
    ("null call", row_null, 1.6, "raw ping-pong of the same bytes", "low"),
    ("stat", row_stat, None, "raw ping-pong of the same bytes", "low"),
    ("open+read 4 KiB+close", row_open_read_close, None, "three raw ping-pongs", "low"),
    ("null call, traced", traced(row_null), None, "raw ping-pong of the same bytes", "low"),
    ("stat, traced", traced(row_stat), None, "raw ping-pong of the same bytes", "low"),
    ("open+read 4 KiB+close, traced", traced(row_open_read_close), None, "three raw ping-pongs", "low"),
    ("null call that outlives cuts", row_resumable, None, "the same with --resume-timeout 0", "low"),
    ("round trips of a stat", row_round_trips_stat, 1.0, "1 a call", "low"),
    ("round trips of open+read+close", row_round_trips_open_read_close, 1.0, "1 a call", "low"),
    ("read 64 KiB blocks", row_read_64k, 0.5, "raw stream", "high"),
    ("read 1 MiB blocks", row_read_1m, 0.5, "raw stream", "high"),
    ("write 64 KiB blocks", row_write_64k, 0.5, "raw stream", "high"),
    ("write 1 MiB blocks", row_write_1m, 0.5, "raw stream", "high"),
    ("fork+exit+wait", row_fork_exit_wait, None, "native", "low"),
    ("fork+exec /bin/true+wait", row_fork_exec_wait, None, "native", "low"),
    ("fork+exec /bin/true+wait, traced", traced(row_fork_exec_wait), None, "native", "low"),
    ("fork+exec /bin/true+wait, files copied", copied(row_fork_exec_wait), None, "native", "low"),
    ("thread start+join", row_thread, None, "native", "low"),
    ("pipe between two guests, 64 KiB blocks", row_pipe, None, "native", "high"),
    ("pipe between two guests, placed locally", row_pipe_local, None, "native", "high"),
    ("pipe ping-pong of two guests", row_pingpong, None, "native", "low"),
    ("pipe ping-pong of two guests, traced", traced(row_pingpong), None, "native", "low"),
    ("pipe ping-pong, placed locally", row_pingpong_local, None, "native", "low"),
    ("TCP echo to a peer on the server", row_echo, None, "native", "low"),
    ("rsys-jail /bin/true, server running", row_start, 5, "bwrap with the same namespaces", "low"),
    ("rsys-jail /bin/true, traced", traced(row_start), None, "bwrap with the same namespaces", "low"),
    ("rsys-jail /bin/true, files copied", copied(row_start), None, "bwrap with the same namespaces", "low"),
    ("rsys-jail /bin/true over TLS", row_tls_start, None, "the same over TCP", "low"),
    ("null call over TLS", row_tls_null, None, "the same over TCP", "low"),
    ("fork+exit+wait over TLS", row_tls_fork, None, "the same over TCP", "low"),
    ("read 1 MiB blocks over TLS", row_tls_read, None, "the same over TCP", "high"),
    ("write 1 MiB blocks over TLS", row_tls_write, None, "the same over TCP", "high"),
    ("rsys-jail /bin/true, embedded server", row_start_embedded, None, "bwrap with the same namespaces", "low"),
    ("python3 -c pass", row_python, None, "native chroot", "low"),
    ("python3 -c pass, traced", traced(row_python), None, "native chroot", "low"),
    ("python3 -c pass, files copied", copied(row_python), None, "native chroot", "low"),
    ("git status", row_git_status, None, "native chroot", "low"),
    ("shell pipelines", row_pipeline, None, "native chroot", "low"),
    ("shell pipelines, pipes placed locally", row_pipeline_local, None, "native chroot", "low"),
    ("configure of a small package", row_configure, None, "native chroot", "low"),
    ("make -j2 of a small C project", row_make, None, "native chroot", "low"),
    ("redis-benchmark GET", row_redis, None, "native chroot", "high"),
    ("wrk against nginx", row_nginx, None, "native chroot", "high"),
    ("pgbench", row_pgbench, None, "native chroot", "high"),
    ("tar c /usr/share/doc", row_tar, None, "native chroot", "low"),
    ("find /usr", row_find, None, "native chroot", "low"),
    ("tar c /usr/share/doc, against sshfs", row_sshfs_tar, None, "native over sshfs", "low"),
    ("find /usr, against sshfs", row_sshfs_find, None, "native over sshfs", "low"),
    ("private memory of an idle session on the server", row_memory_session, 1.0, "2 MiB", "low"),
    ("private memory of an idle executor", row_memory_executor, 1.0, "512 KiB", "low"),
] + library_rows.ROWS + preload_rows.ROWS


def show(value, unit):
    scale = {"ns": [(1e9, "s"), (1e6, "ms"), (1e3, "us"), (1, "ns")], "B/s": [(1e9, "GB/s"), (1e6, "MB/s"), (1, "B/s")],
             "B": [(1 << 20, "MiB"), (1 << 10, "KiB"), (1, "B")]}.get(unit, [(1, unit)])
    for factor, name in scale:
        if value >= factor or factor == 1:
            return f"{value / factor:.4g} {name}"
    return str(value)


def measure(bench, name, function, aim, baseline_name, better):
    mode = "pinned" if bench.pinned else "free"
    result = {"row": name, "mode": mode, "baseline": baseline_name, "aim": aim, "better": better}
    try:
        value, baseline, unit = function(bench)
        result.update(value=value, baseline_value=baseline, unit=unit, ratio=value / baseline)
        met = "" if aim is None else "met" if (result["ratio"] <= aim * 1.01 if better == "low" else result["ratio"] >= aim) else "MISSED"
        print(f"{name:<48} {mode:<7} {show(value, unit):>12} {show(baseline, unit):>12} {result['ratio']:>8.2f} {aim if aim is not None else '-':>5} {met}", flush=True)
    except (Failed, OSError, ValueError, AssertionError, wire.Gone) as error:
        result["failed"] = repr(error)
        print(f"{name:<48} {mode:<7} failed: {error}", flush=True)
    return result


def make_policy(stage, root, path, syscalls=None, network=None):
    policy = {
        "defaultAction": "allow",
        "syscalls": syscalls or [],
        "sandbox": {
            "root": {"path": root, "mode": "overlay"},
            "mounts": [{"type": "proc", "target": "/proc"}, {"type": "dev", "target": "/dev"}, {"type": "tmpfs", "target": "/tmp", "mode": "1777"},
                       {"type": "tmpfs", "target": "/work", "mode": "0755"}, {"type": "bind", "source": f"{stage}/bin", "target": "/bench"}],
            "capabilities": ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_SETUID", "CAP_SETGID"],
            "network": network or "none",
        },
    }
    with open(path, "w", encoding="utf-8") as f:
        json.dump(policy, f)


def main():
    parser = argparse.ArgumentParser(prog="bench.py")
    parser.add_argument("--build", default="build")
    parser.add_argument("--json", default="bench.json")
    parser.add_argument("--size", type=int, default=1 << 30, help="bytes of a transfer")
    parser.add_argument("--delay", type=float, default=0, help="milliseconds that a relay adds to each round trip")
    parser.add_argument("--mode", choices=("free", "pinned", "both"), default="both")
    parser.add_argument("globs", nargs="*")
    arguments = parser.parse_args()
    arguments.build = os.path.abspath(arguments.build)
    source = os.path.dirname(os.path.dirname(HERE))
    process.become_subreaper()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    root = subprocess.run([f"{source}/tests/make-root", "--where"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, timeout=900, check=True).stdout.strip()
    chosen = [row for row in ROWS if not arguments.globs or any(fnmatch.fnmatch(row[0], g) for g in arguments.globs)]
    stage = tempfile.mkdtemp(prefix="rsys-bench-")
    os.chmod(stage, 0o755)
    results = []
    print(f"{'row':<48} {'mode':<7} {'value':>12} {'baseline':>12} {'ratio':>8} {'aim':>5}")
    try:
        shutil.copytree(f"{arguments.build}/tests/bench", f"{stage}/bin")
        make_policy(stage, root, f"{stage}/policy.json")
        for pinned in {"free": [False], "pinned": [True], "both": [False, True]}[arguments.mode]:
            bench = Bench(arguments, stage, root, pinned)
            try:
                results += [measure(bench, *row) for row in chosen]
            finally:
                bench.stop()
    finally:
        shutil.rmtree(stage, ignore_errors=True)
        with open(arguments.json, "w", encoding="utf-8") as f:
            json.dump({"machine": platform.uname()._asdict(), "cpus": os.cpu_count(), "delay_ms": arguments.delay, "size": arguments.size, "rows": results}, f, indent=1)
    print(f"written to {arguments.json}")
    return 1 if any("failed" in r for r in results) else 0


if __name__ == "__main__":
    sys.exit(main())
