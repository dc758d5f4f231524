# SPDX-License-Identifier: GPL-2.0-only
"""outcomes.py MODULE FROM LIMIT [PATTERN | !PATTERN | +RESOURCE]...: run a module of CPython's own tests and say how each case ends.

It runs in the root, natively and jailed, and writes to standard output two lines a case, at once and with nothing else among them:

    start N ID
    end N OUTCOME SECONDS REASON

N counts the cases; those before FROM are left out, so that a run that a case has ended can be taken up behind it.  A case that takes longer than LIMIT seconds ends
the process with the tracebacks of its threads on standard error, where all that the tests themselves print goes too.  Cases whose ids match no PATTERN
(fnmatch; none given: all match), or match one behind a "!", are left out as well.  RESOURCE is one of test.support's that the cases may use
("network"), or "terminal".  The last line is "over"."""
import faulthandler
import fnmatch
import importlib
import os
import pty
import signal
import sys
import tempfile
import time
import unittest

from test import support



def say(*words):
    os.write(out, ("\t".join(str(word) for word in words) + "\n").encode("utf-8", "backslashreplace"))


def reason(error):
    """The first line of what an exception says, after its name."""
    text = str(error[1]).strip().splitlines()
    return f"{error[0].__name__}: {text[0][:200] if text else ''}"


class Result(unittest.TestResult):
    """Says each case's outcome as it ends: the worst of those that it and its subtests had."""
    ORDER = ("passed", "failed as expected", "skipped", "passed unexpectedly", "failed")
    number = 0

    def startTest(self, test):
        super().startTest(test)
        self.outcome, self.reason = None, ""
        self.began = time.monotonic()
        faulthandler.dump_traceback_later(limit, exit=True)
        say("start", Result.number, test.id())

    def stopTest(self, test):
        super().stopTest(test)
        faulthandler.cancel_dump_traceback_later()
        say("end", Result.number, self.outcome or "passed", f"{time.monotonic() - self.began:.3f}", self.reason)
        Result.number += 1
        self.outcome = None

    def note(self, test, outcome, why=""):
        if not isinstance(test, unittest.TestCase):  # what a class or a module sets up
            say("start", "-", test.id())
            say("end", "-", outcome, "0", why)
        elif getattr(self, "outcome", None) is None or self.ORDER.index(outcome) > self.ORDER.index(self.outcome):
            self.outcome, self.reason = outcome, why

    def addSuccess(self, test):
        super().addSuccess(test)
        self.note(test, "passed")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.note(test, "failed", reason(err))
        print(f"{test.id()}\n{self.failures[-1][1]}", file=sys.stderr, flush=True)

    def addError(self, test, err):
        super().addError(test, err)
        self.note(test, "failed", reason(err))
        print(f"{test.id()}\n{self.errors[-1][1]}", file=sys.stderr, flush=True)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.note(getattr(test, "test_case", test), "skipped", reason.splitlines()[0] if reason else "")

    def addExpectedFailure(self, test, err):
        super().addExpectedFailure(test, err)
        self.note(test, "failed as expected")

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.note(test, "passed unexpectedly")

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.note(test, "failed", reason(err))
            print(f"{subtest.id()}\n{(self.failures or self.errors)[-1][1]}", file=sys.stderr, flush=True)


def behind_terminal():
    """Go on in a child with a controlling terminal of its own."""
    pid, master = pty.fork()
    if pid == 0:
        return
    try:
        while data := os.read(master, 4096):
            os.write(2, data)
    except OSError:  # EIO: the other end has gone
        pass
    os._exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) & 255)


seen = 0


def flatten(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from flatten(test)
        else:
            yield test


def matches(test, any_of):
    return any(fnmatch.fnmatch(test.id(), pattern) for pattern in any_of)


def chosen(suite):
    """The cases to run, counted through all the suites of the module."""
    global seen
    for test in flatten(suite):
        if not matches(test, patterns) or matches(test, left_out):
            continue
        if seen >= first:
            yield test
        seen += 1


def run_suite(suite):
    tests = list(chosen(suite))
    Result.number = seen - len(tests)
    unittest.TestSuite(tests).run(Result())


if __name__ == "__main__":  # processes that multiprocessing spawns import this file too
    module, first, limit = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    left_out, resources = ([word[1:] for word in sys.argv[4:] if word.startswith(mark)] for mark in "!+")
    patterns = [word for word in sys.argv[4:] if word[0] not in "!+"] or ["*"]
    out = os.dup(1)
    os.dup2(2, 1)
    os.environb.setdefault(b"PYTHONREGRTEST_UNICODE_GUARD", b"\xe9")
    os.chdir(tempfile.mkdtemp(dir="."))
    if "terminal" in resources:
        behind_terminal()
    support.use_resources = resources
    support.record_original_stdout(sys.stdout)
    support._run_suite = run_suite  # what test_main() functions of modules come to
    signal.signal(signal.SIGINT, signal.default_int_handler)
    faulthandler.enable()
    tests = importlib.import_module(f"test.{module}")
    main = getattr(tests, "test_main", None)
    if main is not None:
        main()
    else:
        support.run_unittest(unittest.defaultTestLoader.loadTestsFromModule(tests))
    say("over")
    os._exit(0)  # whatever threads a case has left
