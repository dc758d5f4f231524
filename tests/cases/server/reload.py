# SPDX-License-Identifier: GPL-2.0-only
"""SIGHUP: the policy is read again for new sessions; a session that there is keeps its own; one that is wrong changes nothing."""
import json
import os
import signal

from caselib import Server, done, expect, jail, policy, start_jail, write_policy

path = policy(hostname="before")
server = Server(policy_file=path)
os.mkfifo("go")
fifo = os.open("go", os.O_RDWR)
running = start_jail("sh", "-c", "echo ready; read line; hostname", server=server.address, stdin=fifo)
running.saw("ready")
with open(path, encoding="utf-8") as f:
    changed = json.load(f)
changed["sandbox"]["hostname"] = "after"
write_policy(json.dumps(changed), path)
server.child.send_signal(signal.SIGHUP)
server.says("the policy is loaded again")
output = jail("hostname", server=server.address)
expect(output.stdout == "after\n", f"a new session: {output}")
write_policy("{\"defaultAction\": \"alow\"}", path)
server.child.send_signal(signal.SIGHUP)
server.says(r"the policy stays as it was: .*:1:\d+")
output = jail("hostname", server=server.address)
expect(output.stdout == "after\n", f"after a wrong policy: {output}")
os.write(fifo, b"go\n")
output = running.wait()
expect(output.stdout == "ready\nbefore\n", f"the session of before: {output}")
done()
