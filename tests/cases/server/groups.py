# SPDX-License-Identifier: GPL-2.0-only
"""A policy's limits by control groups hold where the server has what they need, and are refused with advice where it has not (tests/vm/cases/groups.sh has all
of it)."""
import os
import re
import signal

from caselib import SLOW, Server, done, expect, jail, policy, process, says

limited = policy(limits={"nofile": 1024, "memory": "16M", "pids": 50})
server = Server(policy_file=limited, wait=False)
process.until(lambda: server.look(), 10 * SLOW)
if server.address is None:
    expect(server.child.wait(10) == 1, "the status of a daemon that cannot keep a policy's limits")
    expect(re.search(r"limits by control groups: no mount of cgroup version 2|Delegate=yes", server.text()), f"no advice: {server.text()}")
    # The same when it comes later: the policy stays as it was.
    where = policy()
    server = Server(policy_file=where)
    os.replace(limited, where)
    os.kill(server.pid, signal.SIGHUP)
    expect(process.until(lambda: "the policy stays as it was" in server.text(), 10 * SLOW), f"not refused: {server.text()}")
    says(jail("/bin/true", server=server.address), 0)
else:
    says(jail("sh", "-c", "dd if=/dev/zero of=/tmp/big bs=1M count=64; echo survived", server=server.address), 125)
    expect("memory limit" in server.text(), f"no word of the memory limit: {server.text()}")
    says(jail("cat", "/proc/self/cgroup", server=server.address), 0, r"(?m)^0::/$", stream="stdout")
done()
