# SPDX-License-Identifier: GPL-2.0-only
"""harness.py: the outer and the inner half of tests/run."""
import argparse
import concurrent.futures
import fnmatch
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import cases
import process

TEST_UID = 64123           # an id without an account: nothing is made in /etc/passwd
FAILED_MAX = 15            # more than so many failed cases: the machine or the program is broken as a whole; stop
TIMED_OUT_MAX = 6          # the same for cases that ran into their limits, which cost most time
# What guests' executors may, in the oracle's policy and natively: CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID.
CAPABILITIES = {"CAP_CHOWN": 0, "CAP_DAC_OVERRIDE": 1, "CAP_FOWNER": 3, "CAP_FSETID": 4, "CAP_KILL": 5, "CAP_SETGID": 6, "CAP_SETUID": 7}


def say(text):
    print(text, flush=True)


ROOTS = {"base": [], "programs": ["--programs"]} # what make-root makes, and the option for it


def configuration(roots):
    return {"roots": roots, "nofile": 1024, "hostname": "sandbox", "capabilities": sum(1 << n for n in CAPABILITIES.values())}


def policy(stage, config, variant, root):
    """The oracle's policy: every call placed as the table has it, in the root that the native side has too."""
    return {
        "defaultAction": "allow",
        "sandbox": {
            "root": {"path": root, "mode": "overlay"},
            "mounts": [
                {"type": "proc", "target": "/proc"},
                {"type": "dev", "target": "/dev"},
                {"type": "tmpfs", "target": "/tmp", "mode": "1777"},
                {"type": "tmpfs", "target": "/work", "mode": "0755"},
                {"type": "bind", "source": f"{stage}/guests", "target": "/guests"},
                {"type": "bind", "source": f"{stage}/oracle", "target": "/oracle"},
            ],
            "hostname": config["hostname"],
            "user": {"uid": 0, "gid": 0, "range": 65536 if variant == "root" else 1},
            "network": "none",
            "capabilities": list(CAPABILITIES),
            "limits": {"nofile": config["nofile"]},
        },
    }


# ---- the inner half ----

class Server:
    """The variant's shared server for the cases of one root."""

    def __init__(self, stage, root):
        self.log = os.path.join(stage, f"server-{root}.log")
        self.addresses = {}
        with open(self.log, "wb") as log:
            self.child = process.start([f"{stage}/bin/rsys-sandboxd", "--policy", f"{stage}/policy-{root}.json", "--control", "", "--listen", f"unix:{stage}/guests/sockets/{root}",
                                        "--listen", "tls:127.0.0.1:0", "--key", f"{stage}/keys/server.key", "--listen", "tcp:127.0.0.1:0"], log, log)
        process.until(self.look, 15)

    def look(self):
        """Read the addresses from the lines that say that it listens; true also when the server has ended."""
        with open(self.log, encoding="utf-8", errors="replace") as f:
            self.addresses = dict((kind, f"{kind}:{rest}") for kind, rest in re.findall(r"listening on (\w+):(\S+)\n", f.read()))
        return self.up() or self.child.poll() is not None

    def up(self):
        return len(self.addresses) == 3

    def stop(self):
        """What is wrong with its end, or None."""
        ended = self.child.poll()
        if ended is not None:
            return f"the server had ended by itself with status {ended}"
        self.child.send_signal(signal.SIGTERM)
        status = process.wait_limited(self.child, 10)
        if status is None:
            process.end(self.child)
            return "the server did not end within 10 s of SIGTERM"
        return None if status == 0 else f"the server ended with status {status} after SIGTERM"

    def tail(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return "\n".join(f.read().splitlines()[-15:])


class NoServer:
    """For --self-check."""
    addresses = {"tcp": "none", "unix": "none", "tls": "none"}

    def up(self):
        return True

    def stop(self):
        return None


class Tally:
    def __init__(self, stage, must_run, keep_going):
        self.lock = threading.Lock()
        self.passed = self.failed = self.skipped = self.timed_out = 0
        self.stopped = False
        self.stage, self.must_run, self.keep_going = stage, must_run, keep_going

    def keep(self, case, result):
        where = os.path.join(self.stage, "failed", case.name.replace("/", "."))
        os.makedirs(where, exist_ok=True)
        for name, text in {**result.outputs, "why": result.why}.items():
            with open(os.path.join(where, name), "w", encoding="utf-8") as f:
                f.write(text)

    def count(self, case, result, first, seconds):
        with self.lock:
            if result.outcome == cases.SKIP and self.must_run and not result.why.startswith(cases.KERNEL_FEATURES):
                result.outcome, result.why = cases.FAIL, f"skipped, where every case must run: {result.why}"
            if result.outcome == cases.PASS:
                self.passed += 1
                if first is not None:
                    say(f"unsteady {case.name}: {indent(first.why)}")
                else:
                    say(f"ok {case.name} {seconds:.1f}s{': ' + result.why if result.why else ''}")
            elif result.outcome == cases.SKIP:
                self.skipped += 1
                say(f"skip {case.name}: {result.why}")
            else:
                self.failed += 1
                self.timed_out += result.timed_out
                self.keep(case, result)
                say(f"FAILED {case.name}: {indent(result.why)}")
            if not self.stopped and not self.keep_going and (self.failed > FAILED_MAX or self.timed_out > TIMED_OUT_MAX):
                self.stopped = True
                say(f"FAILED: too many cases have failed ({self.failed}, {self.timed_out} of them by their time limits): the rest is not run")


def indent(text):
    return text.replace("\n", "\n    ")


def run_one(runner, case, tally):
    if tally.stopped:
        return
    started = time.monotonic()
    first = None
    try:
        result = runner.run(case)
        if result.outcome == cases.FAIL and not tally.stopped:
            tally.keep(case, result)
            first, result = result, runner.run(case)
    except Exception as error:  # a fault of the harness itself: the case counts as failed, the others go on
        result = cases.Result(cases.FAIL, f"the harness failed: {error!r}")
    tally.count(case, result, first, time.monotonic() - started)


def inner(stage, variant, jobs, names, config, source):
    process.become_subreaper()
    os.umask(0o022)
    slow = float(os.environ.get("RSYS_TESTS_SLOW", "1"))
    mounts_before = mounts()
    tally = Tally(stage, os.environ.get("RSYS_TESTS_MUST_RUN") == "1", config["keep_going"])
    if not config["self_check"]:
        subprocess.run([f"{stage}/bin/rsys-keygen", f"{stage}/keys"], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=60)
    servers = {root: NoServer() if config["self_check"] else Server(stage, root) for root in config["roots"]}
    silent = [server for server in servers.values() if not server.up()]
    if silent:
        say("FAILED: the server does not come up:\n    " + indent(silent[0].tail()))
        for server in servers.values():
            process.end(server.child)
        return {"passed": 0, "failed": 1, "skipped": 0}
    runner = cases.Runner(stage, source, variant, {root: server.addresses for root, server in servers.items()}, config, slow)
    chosen = [case for case in cases.find(source) if case.name in names]
    alone = [case for case in chosen if "alone" in case.tags]
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        list(pool.map(lambda case: run_one(runner, case, tally), [case for case in chosen if case not in alone]))
    for case in alone:
        run_one(runner, case, tally)
    problems = []
    for server in servers.values():
        wrong = server.stop()
        if wrong:
            problems.append(wrong + "\n" + server.tail())
    left = process.until(lambda: not process.reap_orphans(), 5) or process.reap_orphans()
    if left is not True:
        problems.append("processes left: " + ", ".join(f"{comm} ({pid})" for pid, comm in left.items()))
        for pid in process.descendants(os.getpid()):
            process.kill_quietly(pid)
    more = mounts() - mounts_before
    if more:
        problems.append("mounts left: " + ", ".join(sorted(more)))
    cases_left = os.listdir(f"{stage}/cases")
    if cases_left:
        problems.append("temporary files left: " + ", ".join(cases_left))
    for problem in problems:
        tally.failed += 1
        say("FAILED: after all cases: " + indent(problem))
    return {"passed": tally.passed, "failed": tally.failed, "skipped": tally.skipped}


def mounts():
    with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as f:
        return {line.split()[4] for line in f}


# ---- the outer half ----

def leftovers():
    """Names of ours outside of the stage: temporary files, cgroups."""
    found = set()
    for pattern in ("/tmp/*rsys*", "/var/tmp/*rsys*", "/dev/shm/*rsys*", "/run/*rsys*", "/sys/fs/cgroup/*rsys*", "/sys/fs/cgroup/*/*rsys*"):
        found.update(glob.glob(pattern))
    return found


def lay_out(stage, source, build, config, variant, uid):
    """Copy what the cases need to where the variant's user can read it: the tree itself may be readable for root only."""
    for name in ("bin", "cases", "failed", "oracle", "lib", "guests"):
        os.mkdir(f"{stage}/{name}")
    for name in () if config["self_check"] else ("rsys-jail", "rsys-sandboxd", "rsys-keygen", "rsys-preload", "librsys-preload.so"):
        shutil.copy2(f"{build}/{name}", f"{stage}/bin/{name}")
    for path in glob.glob(f"{build}/tests/programs/*"):
        if os.access(path, os.X_OK) and os.path.isfile(path):
            shutil.copy2(path, f"{stage}/bin/")
    for form in ("static", "dynamic"):
        shutil.copytree(f"{build}/tests/guests/{form}", f"{stage}/guests/{form}")
    shutil.copy2(f"{build}/tests/programs/leave", f"{stage}/guests/static/leave")
    os.mkdir(f"{stage}/guests/sockets")  # for programs in the native root, too
    os.chmod(f"{stage}/guests/sockets", 0o777)
    os.mkdir(f"{stage}/guests/preload")
    for name in () if config["self_check"] else ("rsys-preload", "librsys-preload.so"):
        shutil.copy2(f"{build}/{name}", f"{stage}/guests/preload/{name}")
    for path in glob.glob(f"{source}/tests/cases/oracle/*"):
        if os.path.isdir(path):
            shutil.copytree(path, f"{stage}/oracle/{os.path.basename(path)}")
        else:
            shutil.copy2(path, f"{stage}/oracle/")
    shutil.copytree(f"{source}/policy/profiles", f"{stage}/profiles")
    shutil.copytree(f"{source}/contrib", f"{stage}/tree/contrib")
    # The scripts, and the headers of the guests' sources.
    for folder in ("cases", "guests"):
        shutil.copytree(f"{source}/tests/{folder}", f"{stage}/tree/tests/{folder}")
    for path in glob.glob(f"{source}/tests/lib/*.py"):
        shutil.copy2(path, f"{stage}/lib/")
    for name, root in config["roots"].items():
        with open(f"{stage}/policy-{name}.json", "w", encoding="utf-8") as f:
            json.dump(policy(stage, config, variant, root), f, indent=2)
    subprocess.run(["chmod", "-R", "a+rX", stage], check=True, stdin=subprocess.DEVNULL, timeout=60)
    for name in (".", "cases", "failed"):
        os.chown(f"{stage}/{name}", uid, uid)


def start_inner(stage, arguments, variant, uid):
    request = {"stage": stage, "variant": variant, "jobs": arguments.jobs, "names": arguments.names, "config": arguments.config,
               "source": f"{stage}/tree"}
    with open(f"{stage}/request.json", "w", encoding="utf-8") as f:
        json.dump(request, f)
    os.chmod(f"{stage}/request.json", 0o644)
    # Debian's python3: another one, earlier in root's PATH, may be where only root can read.
    python = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
    command = [python, f"{stage}/lib/inner.py", f"{stage}/request.json"]
    if variant == "userns":
        command = ["unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"] + command
    identity = {} if uid == os.geteuid() else {"user": uid, "group": uid, "extra_groups": []}
    env = {key: value for key, value in os.environ.items() if key.startswith(("RSYS_", "ASAN_", "UBSAN_", "PATH", "LANG"))}
    env.update({"PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": f"{stage}/cases", "HOME": "/nonexistent"})
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, cwd=stage, env=env, start_new_session=True, **identity)


def run_variant(arguments, variant):
    """Returns the counts."""
    root = os.geteuid() == 0
    if variant == "root" and not root:
        say("skip: the variant root needs root")
        return {"passed": 0, "failed": int(os.environ.get("RSYS_TESTS_MUST_RUN") == "1"), "skipped": len(arguments.names)}
    uid = TEST_UID if root and variant != "root" else os.geteuid()
    before = leftovers()
    stage = tempfile.mkdtemp(prefix="rsys-tests-", dir=os.environ.get("RSYS_TESTS_DIR", "/tmp"))
    os.chmod(stage, 0o755)
    child = None
    try:
        arguments.config = {**configuration(arguments.roots), "self_check": arguments.self_check, "keep_going": arguments.keep_going,
                            "backend": arguments.backend, "view": arguments.view}
        lay_out(stage, arguments.source, arguments.build, arguments.config, variant, uid)
        child = start_inner(stage, arguments, variant, uid)
        if process.wait_limited(child, arguments.limit) is None:
            say(f"FAILED: the variant {variant} is over its time limit of {arguments.limit:.0f} s")
        process.end(child)
        try:
            with open(f"{stage}/counts.json", encoding="utf-8") as f:
                counts = json.load(f)
        except (OSError, ValueError):
            say(f"FAILED: the variant {variant} ended without its counts (status {child.returncode})")
            counts = {"passed": 0, "failed": 1, "skipped": 0}
        kept_dir = f"{arguments.build}/tests-failed/{variant}"
        shutil.rmtree(kept_dir, ignore_errors=True)
        if os.listdir(f"{stage}/failed"):
            shutil.copytree(f"{stage}/failed", kept_dir)
            for log in glob.glob(f"{stage}/server-*.log"):
                shutil.copy(log, kept_dir)
            say(f"outputs of failed cases are in {kept_dir}")
    finally:
        if child is not None:
            process.end(child)
        shutil.rmtree(stage, ignore_errors=True)
    more = {path for path in leftovers() - before if not arguments.shared}
    if more:
        say("FAILED: names left behind: " + ", ".join(sorted(more)))
        counts["failed"] += 1
    return counts


def main(argv):
    parser = argparse.ArgumentParser(prog="tests/run")
    parser.add_argument("--build", default="build")
    parser.add_argument("--variant", choices=("root", "user", "userns"), default="root" if os.geteuid() == 0 else "user")
    parser.add_argument("--jobs", type=int, default=3)
    parser.add_argument("--limit", type=float, default=600, help="seconds for the whole variant")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--shared", action="store_true", help="other runs go on on this machine: names in /tmp may be theirs")
    parser.add_argument("--keep-going", action="store_true", help="run all cases, however many fail")
    parser.add_argument("--backend", choices=("notify", "ptrace"), help="how rsys-jail intercepts calls (as --intercept)")
    parser.add_argument("--view", choices=("fuse", "copy"), help="how guests see the sandbox's files (as --view)")
    parser.add_argument("--self-check", action="store_true", help="run the guests natively twice: is what they say steady?")
    parser.add_argument("globs", nargs="*")
    arguments = parser.parse_args(argv)
    arguments.source = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    arguments.build = os.path.abspath(arguments.build)
    chosen = [case for case in cases.find(arguments.source) if case.runs_in(arguments.variant) and case.runs_with(arguments.view, arguments.backend) and
              not (arguments.self_check and case.kind == "script") and
              (not arguments.globs or any(fnmatch.fnmatch(case.name, g) for g in arguments.globs))]
    arguments.names = [case.name for case in chosen]
    if arguments.list:
        for name in arguments.names:
            print(name)
        return 0
    arguments.roots = {}
    for name in sorted({"base"} | {case.root() for case in chosen}):
        found = subprocess.run([f"{arguments.source}/tests/make-root", *ROOTS[name], "--where"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, timeout=60, check=False)
        if found.returncode != 0:
            return 1
        arguments.roots[name] = found.stdout.strip()
    process.become_subreaper()
    counts = run_variant(arguments, arguments.variant)
    say(f"{arguments.variant}: {counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 0 if counts["failed"] == 0 else 1
