#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""load.py: one server under load and abuse; prints figures, ends with 1 when something was wrong.

usage: load.py [--build DIR] [--as root|user] [--transport tcp|unix] [--sessions N] [--serial N] [--rounds N] [PART]...

Parts: many (N sessions at once), serial (N one after another), reload (while the policy is read again), abuse (while others flood the daemon).  All of
them if none is named."""
import argparse
import os
import re
import resource
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "lib"), HERE]
sys.dont_write_bytecode = True

import abuse  # noqa: E402
import process  # noqa: E402
import crowd  # noqa: E402

TEST_UID = 64123 # an id without an account


class Server:
    def __init__(self, stage, transport, identity, most):
        self.log = f"{stage}/server.log"
        listen = "tcp:127.0.0.1:0" if transport == "tcp" else f"unix:{stage}/socket"
        with open(self.log, "wb") as log:
            self.child = process.start([f"{stage}/rsys-sandboxd", "--listen", listen, "--control", "", "--max-sessions", str(most), "--max-sessions-per-peer", str(most * 7 // 8)],
                                       log, log, cwd=stage, **identity)
        process.until(self.look, 10)
        if self.address is None:
            sys.exit("the server does not come up: " + self.text())

    def text(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()

    def look(self):
        match = re.search(r"listening on (\S+)", self.text())
        self.address = match[1] if match else None
        return match or self.child.poll() is not None


def main():
    parser = argparse.ArgumentParser(prog="load.py")
    parser.add_argument("--build", default="build")
    parser.add_argument("--as", dest="who", choices=("root", "user"), default="root" if os.geteuid() == 0 else "user")
    parser.add_argument("--transport", choices=("tcp", "unix"), default="tcp")
    parser.add_argument("--sessions", type=int, default=500)
    parser.add_argument("--serial", type=int, default=10000)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--attack", action="append", default=[])
    parser.add_argument("parts", nargs="*")
    arguments = parser.parse_args()
    parts = arguments.parts or ["many", "serial", "reload", "abuse"]
    identity = {"user": TEST_UID, "group": TEST_UID, "extra_groups": []} if arguments.who == "user" and os.geteuid() == 0 else {}
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    process.become_subreaper()
    stage = tempfile.mkdtemp(prefix="load-")
    os.chmod(stage, 0o777)
    for name in ("rsys-jail", "rsys-sandboxd"):
        shutil.copy2(f"{arguments.build}/{name}", stage)
    jail = f"{stage}/rsys-jail"
    wrong, server = 0, None
    try:
        server = Server(stage, arguments.transport, identity, max(64, arguments.sessions * 5 // 4) if "many" in parts else 64)
        print(f"{arguments.who}, {server.address}:", flush=True)
        if "many" in parts:
            wrong += crowd.at_once(jail, server.address, arguments.sessions, identity)
        if "serial" in parts:
            wrong += crowd.in_turn(jail, server.address, server.child.pid, arguments.serial, identity)
        if "reload" in parts:
            wrong += crowd.reloads(jail, server.address, server.child.pid, 10, identity)
        if "abuse" in parts and arguments.transport == "tcp":
            failed, ratios = abuse.run(server.address, arguments.rounds, arguments.attack)
            late = [name for name, ratio in ratios.items() if ratio > 2]
            print(f"  more than twice the usual time: {', '.join(late) or 'none'}", flush=True)
            wrong += failed + len(late)
        if server.child.poll() is not None:
            print(f"  the daemon has ended with status {server.child.returncode}: {server.text()[-1000:]}")
            wrong += 1
    finally:
        if server:
            server.child.terminate()
            process.wait_limited(server.child, 20)
            process.end(server.child)
        shutil.rmtree(stage, ignore_errors=True)
    return 1 if wrong else 0


sys.exit(main())
