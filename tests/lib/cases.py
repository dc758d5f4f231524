# SPDX-License-Identifier: GPL-2.0-only
"""cases.py: what cases there are, and how one is run."""
import difflib
import json
import os
import re
import shutil
import tempfile

import process

# A skip that names one of these is allowed even with RSYS_TESTS_MUST_RUN=1: the machine's kernel has not got it.
KERNEL_FEATURES = ("x32", "int80", "idmapped-overlay", "cgroup2", "faccessat2", "veth")

PASS, FAIL, SKIP = "pass", "fail", "skip"

ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
    "TERM": "dumb",
}


class Case:
    """One case: name, source, and what its header says ("limit: 60", "variants: root user", "stdin: text", "args: a b",
    "root: programs", "view: fuse", "transport: unix", "also: tls preload" in comments)."""

    def __init__(self, name, kind, source, form=None, **tags):
        self.name, self.kind, self.source, self.form = name, kind, source, form
        self.tags = {}
        with open(source, encoding="utf-8", errors="replace") as f:
            for line in f.read(4096).splitlines()[:30]:
                match = re.match(r"^\s*(?://|#|\*|/\*)\s*(limit|variants|stdin|args|alone|transport|root|also|view): (.*?)\s*(?:\*/)?$", line)
                if match:
                    self.tags[match[1]] = match[2]
        self.tags.update(tags)

    def limit(self):
        return float(self.tags.get("limit", 30))

    def runs_in(self, variant):
        return variant in self.tags.get("variants", "root user userns").split()

    def runs_with(self, view, backend):
        """"view: fuse": it maps files to write to them, or looks at changes through a mapping, which copies cannot have.  rsys-preload has neither a view nor backends."""
        return (view != "copy" or self.tags.get("view") != "fuse") and (self.tags.get("way") != "preload" or not (view or backend))

    def root(self):
        """Which of make-root's roots it runs in."""
        return self.tags.get("root", "base")


def other_ways(case):
    """The same over TLS, and by rsys-preload, for cases that say so."""
    found, name, words = [], case.name.removesuffix("/static"), case.tags.get("also", "").split()
    if "tls" in words:
        found.append(Case(name + "/tls", case.kind, case.source, case.form, transport="tls"))
    if "preload" in words:
        found.append(Case(name + "/preload", case.kind, case.source, case.form and "dynamic", way="preload"))
    return found


def find(source):
    """All cases of the tree."""
    cases = []
    tests = os.path.join(source, "tests")
    for name in sorted(os.listdir(os.path.join(tests, "guests"))):
        if name.endswith(".c"):
            for form in ("static", "dynamic"):
                cases.append(Case(f"guests/{name[:-2]}/{form}", "guest", os.path.join(tests, "guests", name), form))
            cases += other_ways(cases[-2])
    for folder in sorted(os.listdir(os.path.join(tests, "cases"))):
        path = os.path.join(tests, "cases", folder)
        if not os.path.isdir(path):
            continue
        for name in sorted(os.listdir(path)):
            if folder == "oracle" and name.endswith(".sh"):
                cases.append(Case(f"oracle/{name[:-3]}", "oracle", os.path.join(path, name)))
                cases += other_ways(cases[-1])
            elif folder != "oracle" and (name.endswith(".py") or name.endswith(".sh")):
                cases.append(Case(f"{folder}/{name[:-3]}", "script", os.path.join(path, name)))
    return cases


class Result:
    def __init__(self, outcome, why="", outputs=None):
        self.outcome, self.why, self.outputs = outcome, why, outputs or {}
        self.timed_out = False


class Output:
    """What a run left: status (None: the time limit), stdout, stderr."""

    def __init__(self, status, stdout, stderr, stuck=False):
        self.status, self.stdout, self.stderr, self.stuck = status, stdout, stderr, stuck


def run_program(argv, limit, directory, stdin_text=None, env=None):
    """Run one program to its end or its limit.  Its output goes to files: a descendant that outlives it holds nothing of ours."""
    paths = [os.path.join(directory, n) for n in ("stdout", "stderr")]
    with open(paths[0], "wb") as out, open(paths[1], "wb") as err:
        stdin = process.subprocess.DEVNULL
        if stdin_text is not None:
            stdin = tempfile.TemporaryFile(dir=directory)
            stdin.write(stdin_text.encode())
            stdin.seek(0)
        try:
            child = process.start(argv, out, err, stdin, env=env if env is not None else dict(os.environ), cwd=directory)
        finally:
            if stdin_text is not None:
                stdin.close()
    status = process.wait_limited(child, limit)
    stuck = not process.end(child)
    texts = []
    for path in paths:
        with open(path, "rb") as f:
            texts.append(f.read(4 << 20).decode("utf-8", "replace"))
    if status is not None and status < 0:
        status = 128 - status
    return Output(status, *texts, stuck)


class Runner:
    """Runs cases in one variant.  stage: the directory of the outer half; servers: the shared servers' addresses, by root and transport."""

    def __init__(self, stage, source, variant, servers, config, slow):
        self.stage, self.source, self.variant, self.servers, self.config, self.slow = stage, source, variant, servers, config, slow

    def native_command(self, program, case):
        command = [f"{self.stage}/bin/native"]
        if self.variant != "root":
            command.append("--userns")
        c = self.config
        command += ["--nofile", str(c["nofile"]), "--capabilities", f"{c['capabilities']:x}", "--hostname", c["hostname"], "--directory", "/work",
                    "--bind", f"{self.stage}/guests", "/guests", "--bind", f"{self.stage}/oracle", "/oracle", c["roots"][case.root()]]
        return command + program

    def jail_command(self, program, case):
        if self.config["self_check"]:
            return self.native_command(program, case)
        if case.tags.get("way") == "preload":
            # The program is the native one, in the same root; the server's is the same, too, and what is written is in its own /work and /tmp.
            program = [word.replace("/guests/static/", "/guests/dynamic/") for word in program]
            return self.native_command(["/guests/preload/rsys-preload", "--server", f"unix:/guests/sockets/{case.root()}", *program], case)
        # TCP, unless the case says "transport: unix": those that need connect(2), which a server without root has to forbid over TCP.
        server = self.servers[case.root()].get(case.tags.get("transport", "tcp"))
        key = ["--key", f"{self.stage}/keys/client.key"] if server.startswith("tls:") else []
        return [f"{self.stage}/bin/rsys-jail", "--server", server, *key, "--chdir", "/work"] + program

    def native_environment(self):
        return {**ENVIRONMENT, "HOME": "/root", "USER": "root"}

    def jail_environment(self, case):
        if self.config["self_check"] or case.tags.get("way") == "preload":
            return self.native_environment()
        chosen = {name: self.config[key] for name, key in (("RSYS_INTERCEPT", "backend"), ("RSYS_VIEW", "view")) if self.config.get(key)}
        return {**os.environ, **ENVIRONMENT, **chosen}

    def run(self, case):
        """One attempt.  Everything it makes is below a directory of its own, which goes afterwards."""
        directory = tempfile.mkdtemp(prefix="case-", dir=f"{self.stage}/cases")
        try:
            if case.kind == "script":
                return self.run_script(case, directory)
            return self.run_oracle(case, directory)
        finally:
            shutil.rmtree(directory, ignore_errors=True)

    def run_oracle(self, case, directory):
        if case.kind == "guest":
            program = [f"/guests/{case.form}/{os.path.basename(case.source)[:-2]}"] + case.tags.get("args", "").split()
        else:
            program = ["/guests/static/leave", "/bin/bash", f"/oracle/{os.path.basename(case.source)}"]
        stdin = case.tags.get("stdin")
        stdin = stdin.encode().decode("unicode_escape") if stdin is not None else None
        limit = case.limit() * self.slow
        runs = {}
        for side, command, env in (("native", self.native_command(program, case), self.native_environment()),
                                   ("jailed", self.jail_command(program, case), self.jail_environment(case))):
            where = os.path.join(directory, side)
            os.mkdir(where)
            runs[side] = run_program(command, limit, where, stdin, env)
            if side == "native" and runs[side].status is None:
                break
        return self.compare(case, runs)

    def compare(self, case, runs):
        outputs = {f"{side}.{what}": getattr(run, what) for side, run in runs.items() for what in ("stdout", "stderr")}
        native, jailed = runs["native"], runs.get("jailed")
        if native.status is None:
            result = Result(FAIL, "native: over its time limit", outputs)
            return result
        if native.status == 125 and native.stderr.startswith("native: "):
            return Result(FAIL, "the native side could not be set up: " + native.stderr.strip(), outputs)
        why = []
        if jailed.status is None:
            why.append(f"jailed: over its time limit of {case.limit() * self.slow:.0f} s" + (", and could not be killed" if jailed.stuck else ""))
        elif jailed.status != native.status:
            why.append(f"status: native {native.status}, jailed {jailed.status}")
        for what in ("stdout", "stderr"):
            a, b = getattr(native, what), getattr(jailed, what)
            if a != b:
                lines = list(difflib.unified_diff(a.splitlines(), b.splitlines(), f"native {what}", f"jailed {what}", lineterm="", n=1))
                why.append("\n".join(lines[:14]))
        if native.stdout.startswith("skip: "):
            return Result(SKIP, native.stdout[6:].strip(), outputs)
        result = Result(FAIL if why else PASS, "\n".join(why), outputs)
        result.timed_out = jailed.status is None
        return result

    def run_script(self, case, directory):
        env = {**self.jail_environment(case), "RSYS_TEST_BIN": f"{self.stage}/bin", "RSYS_TEST_SERVER": self.servers[case.root()]["tcp"], "RSYS_TEST_VARIANT": self.variant,
               "RSYS_TEST_STAGE": self.stage, "RSYS_TEST_ROOT": self.config["roots"][case.root()],
               "RSYS_TEST_POLICY": f"{self.stage}/policy-{case.root()}.json",
               "RSYS_TEST_SLOW": str(self.slow), "RSYS_TEST_LIMIT": str(case.limit() * self.slow), "RSYS_TEST_NATIVE": json.dumps(self.native_command([], case)), "TMPDIR": directory, "PYTHONPATH": f"{self.stage}/lib", "PYTHONDONTWRITEBYTECODE": "1"}
        command = ["python3" if case.source.endswith(".py") else "bash", case.source]
        run = run_program(command, case.limit() * self.slow, directory, env=env)
        outputs = {"stdout": run.stdout, "stderr": run.stderr}
        if run.status == 77:
            return Result(SKIP, run.stdout.strip().splitlines()[-1] if run.stdout.strip() else "", outputs)
        if run.status == 0:
            return Result(PASS, "".join(line[6:] for line in run.stdout.splitlines() if line.startswith("note: ")), outputs)
        tail = "\n".join((run.stdout + run.stderr).strip().splitlines()[-12:])
        why = f"over its time limit of {case.limit() * self.slow:.0f} s" if run.status is None else f"exit status {run.status}"
        result = Result(FAIL, why + "\n" + tail, outputs)
        result.timed_out = run.status is None
        return result
