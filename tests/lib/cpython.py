# SPDX-License-Identifier: GPL-2.0-only
"""cpython.py: a module of CPython's own tests, natively and jailed in the same root, compared case by case.

Outcomes are compared: passed, failed, skipped and so on.  What the tests print, how long they take and why they fail is not.  tests/cases/cpython/differences
lists what may differ, and what is left out, each with its reason; an entry that has become untrue fails the module."""
import concurrent.futures
import errno
import fnmatch
import os
import time

import caselib
import process

HERE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tree/tests/cases/cpython")
STARTS_MAX = 12  # runs of one module, each behind the case that has ended the one before


class Known:
    """An entry of the list: case patterns, the outcomes or "left out", and whether it has been seen to hold."""

    def __init__(self, line):
        self.variants, self.pattern, what, self.reason = line.split(None, 3)
        self.left_out = what == "left-out"
        self.native, _, jailed = what.partition("/")
        self.jailed, _, self.errno = jailed.partition(":")
        self.seen = False

    def allows(self, native, jailed, reason):
        return native.startswith(self.native) and jailed.startswith(self.jailed) and (not self.errno or os.strerror(getattr(errno, self.errno)) in reason)


def known(module):
    with open(os.path.join(HERE, "differences"), encoding="utf-8") as f:
        entries = [Known(line) for line in f if line.strip() and not line.startswith("#")]
    ours = {caselib.VARIANT, os.environ.get("RSYS_VIEW")}
    return [entry for entry in entries if entry.pattern.startswith(module + ".") and ours & set(entry.variants.split(","))]


class Side:
    """One side's run of a module: outcomes by case, in order."""

    def __init__(self, name, command, module, limit, patterns, env=None):
        self.name, self.command, self.module, self.limit, self.patterns, self.env = name, command, module, limit, patterns, env
        self.outcomes, self.reasons, self.next, self.seconds, self.errors = {}, {}, 0, 0.0, ""

    def take(self, text, status):
        """What a run has said.  Whether it came to its end."""
        running = None
        for line in text.split("\n"):
            words = line.split("\t")
            if words[0] == "start" and len(words) == 3:
                running = words[1:]
            elif words[0] == "end" and len(words) >= 5 and running:
                self.note(running[1], words[2], words[4])
                if words[1] != "-":
                    self.next = int(words[1]) + 1
                running = None
            elif words[0] == "over":
                return True
        if running is None:
            caselib.fail(f"{self.name}: the tests ended with status {status} behind {list(self.outcomes)[-1:]}\n{self.errors[-3000:]}")
        self.note(running[1], "ended", f"the process ended in it, with status {status}")
        self.next = max(self.next, int(running[0]) + 1 if running[0] != "-" else self.next)
        return False

    def note(self, case, outcome, reason):
        case = case.removeprefix("test.")
        self.outcomes[case], self.reasons[case] = outcome, reason

    def run(self, until):
        for _ in range(STARTS_MAX):
            program = ["/usr/bin/python3", "/oracle/cpython/outcomes.py", self.module, str(self.next), str(self.limit), *self.patterns]
            running = caselib.Running(self.command + program, env=self.env)
            status = process.wait_limited(running.child, until - running.began)
            self.seconds += time.monotonic() - running.began
            self.errors = running.read("err")
            process.end(running.child)
            if status is None:
                caselib.fail(f"{self.name}: not ended after {self.seconds:.0f} s; what it has said last:\n{running.read()[-300:]}\n{self.errors[-3000:]}")
            if self.take(running.read(), status):
                return self
        caselib.fail(f"{self.name}: {STARTS_MAX} cases have ended the process")
        return None


def sides(module, limit, patterns, until):
    both = (Side("native", caselib.NATIVE, module, limit, patterns, {"HOME": "/root", "USER": "root"}),
            Side("jailed", [caselib.JAIL, "--server", caselib.SERVER, "--chdir", "/work"], module, limit, patterns))
    with concurrent.futures.ThreadPoolExecutor() as pool: # at the same time: they sleep for the most part
        return tuple(pool.map(lambda side: side.run(until), both))


def different(native, jailed):
    cases = list(native.outcomes) + [case for case in jailed.outcomes if case not in native.outcomes]
    return [case for case in cases if native.outcomes.get(case) != jailed.outcomes.get(case)]


def judge(native, jailed, entries):
    """The differences that the list does not allow."""
    wrong = []
    for case in different(native, jailed):
        outcomes = native.outcomes.get(case, "missing"), jailed.outcomes.get(case, "missing")
        allowed = [entry for entry in entries if fnmatch.fnmatch(case, entry.pattern) and entry.allows(*outcomes, jailed.reasons.get(case, ""))]
        for entry in allowed:
            entry.seen = True
        if not allowed:
            wrong.append(case)
    return wrong


def tell(case, native, jailed):
    return "\n".join([case] + [f"    {side.name}: {side.outcomes.get(case, 'missing')} {side.reasons.get(case, '')}" for side in (native, jailed)])


def compare(module, *patterns, resources=(), limit=30):
    """Run the module's cases (those that match a pattern, if there are any) and compare.  resources: of test.support, that the cases may use; limit: seconds
    for a case.  Cases that differ are run once more by themselves."""
    entries = known(module)
    left_out = [entry.pattern for entry in entries if entry.left_out]
    entries = [entry for entry in entries if not entry.left_out]
    chosen = [f"test.{module}.{pattern}" for pattern in patterns] + [f"!test.{pattern}" for pattern in left_out]
    asked = [f"+{resource}" for resource in resources]
    limit, until = limit * caselib.SLOW, time.monotonic() + caselib.LIMIT - 5
    native, jailed = sides(module, limit, chosen + asked, until)
    wrong = judge(native, jailed, entries)
    unsteady = []
    if 0 < len(wrong) <= 20:
        again = sides(module, limit, [f"test.{case}" for case in wrong] + asked, until)
        unsteady, wrong = wrong, judge(*again, entries)
        texts = [tell(case, *again) for case in wrong]
    else:
        texts = [tell(case, native, jailed) for case in wrong]
    texts += [f"listed as {entry.native}/{entry.jailed}, but that is not so: {entry.pattern}" for entry in entries if not entry.seen]
    if texts:
        caselib.fail(f"{len(texts)} differences\n" + "\n".join(texts) + f"\n{jailed.errors[-2000:] if len(texts) > 5 else ''}")
    counts = {outcome: list(native.outcomes.values()).count(outcome) for outcome in sorted(set(native.outcomes.values()))}
    listed = len(different(native, jailed)) - len(unsteady)
    print(f"note: {len(native.outcomes)} cases ({', '.join(f'{n} {outcome}' for outcome, n in counts.items())}), {listed} different as listed, "
          f"native {native.seconds:.1f}s, jailed {jailed.seconds:.1f}s" + (f"; unsteady: {', '.join(unsteady)}" if unsteady else ""), flush=True)
    caselib.done()
