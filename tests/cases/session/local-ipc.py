# SPDX-License-Identifier: GPL-2.0-only
# limit: 240
"""Pipes, socket pairs, event and timer descriptors that a policy places on the client: what guests see of them is what they see natively."""
import json
import os

from caselib import ROOT, SLOW, STAGE, VARIANT, Server, done, expect, write_policy

import cases
import harness

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
GUESTS = """pipe-blocking pipe-chain pipe-nonblock sigpipe poll poll-mixed select epoll eventfd-timerfd signals-pipe-interrupt signals-storm signals-descriptors fork vfork
 posix-spawn exec-chain cloexec close-range descriptors emfile fd-sharing fcntl-flags redirect splice many-forks threads-remote threads-clone-files threads-fork
 threads-blocked large-transfer rlimits exit-signal orphan wait-forms ofd-locks flock mmap-fork sessions""".split()
SCRIPTS = ["shell", "less-common", "python", "archives"]

with open(os.environ["RSYS_TEST_POLICY"], encoding="utf-8") as f:
    policy = json.load(f)
policy["syscalls"] = [{"names": ["pipe", "pipe2", "socketpair", "eventfd", "eventfd2", "timerfd_create"], "action": "local"}]
server = Server(policy_file=write_policy(json.dumps(policy)))
runner = cases.Runner(STAGE, SOURCE, VARIANT, {"base": {"tcp": server.address}}, {**harness.configuration({"base": ROOT}), "self_check": False}, SLOW)
wanted = os.environ.get("RSYS_TESTS_ONLY", "").split()  # names, when looking into one of them
chosen = [case for case in cases.find(SOURCE) if case.runs_with(os.environ.get("RSYS_VIEW"), None) and case.tags.get("transport") != "tls" and ((case.kind == "guest" and case.form == "dynamic" and case.name.split("/")[1] in (wanted or GUESTS))
          or (case.kind == "oracle" and case.name.split("/")[1] in (wanted or SCRIPTS)))]
failed = []
for case in chosen:
    result = runner.run(case)
    if result.outcome == cases.FAIL:
        result = runner.run(case)  # as tests/run does
    if result.outcome == cases.FAIL:
        failed.append(f"{case.name}: {result.why}")
expect(not failed, "\n".join(failed))
done()
