# SPDX-License-Identifier: GPL-2.0-only
# variants: root
"""As the system's unit confines it (its capabilities, no new privileges, read-only directories, other processes hidden), the daemon makes sandboxes, ends them, and counts
their guests.  Root alone: the unit is root's."""
import json
import os
import re
import signal

from caselib import SANDBOXD, SLOW, Running, done, expect, jail, process, run, says, start_jail

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../..")
with open(os.path.join(TOP, "contrib/systemd/rsys-sandboxd.service.in"), encoding="utf-8") as f:
    unit = dict(re.findall(r"^(\w+)=(.*)$", f.read(), re.M))
expect(unit["NoNewPrivileges"] == "yes" and unit["ProtectSystem"] == "full" and unit["ProtectProc"] == "invisible" and unit["ProtectHome"] == "yes",
       f"this case plays another unit: {unit}")
bounding = ",".join(["-all"] + ["+" + name.removeprefix("CAP_").lower() for name in unit["CapabilityBoundingSet"].split()])
script = """
set -e
for d in /usr /boot /etc; do [ ! -d $d ] || { mount --bind $d $d; mount -o remount,bind,ro $d; }; done
mount -t tmpfs -o mode=0,ro none /home
mount -t proc -o hidepid=invisible proc /proc
exec "$@"
"""
daemon = Running(["unshare", "--mount", "--propagation", "slave", "sh", "-c", script, "sh", "setpriv", "--no-new-privs", "--bounding-set", bounding, "--inh-caps=-all", SANDBOXD,
                  "--policy", os.path.join(TOP, "contrib/policy.json"), "--listen", "unix:own.sock", "--listen", "tcp:127.0.0.1:0", "--control", "control"])
expect(process.until(lambda: "listening on tcp:" in daemon.read("err"), 10 * SLOW), f"it does not start: {daemon.read('err')}")
tcp = re.search(r"listening on (tcp:\S+)", daemon.read("err"))[1]
for address in ("unix:" + os.path.abspath("own.sock"), tcp):
    output = jail("sh", "-c", "id -u; cat /proc/1/comm; touch /tmp/x && chown 5:5 /tmp/x && stat -c %u:%g /tmp/x; echo x >/dev/null && hostname", server=address)
    expect(output.status == 0 and output.stdout == "0\ninit\n5:5\nsandbox\n", f"over {address}: {output}")
running = start_jail("sh", "-c", "sleep 3000 & sleep 3000 & echo ready; wait", server=tcp)
running.saw("ready")
status = json.loads(run(SANDBOXD, "--status", "--json", "--control", "control").stdout)
expect([one["guests"] for one in status["sessions"]] == [3], f"its guests: {status}")
below = process.descendants(daemon.pid)
expect(len(below) > 3, f"processes: {below}")
daemon.child.send_signal(signal.SIGINT)
says(daemon.wait(), 0)
says(running.wait(5), 125, "rsys-jail: ")
expect(process.until(lambda: not process.alive(below), 5 * SLOW), "processes are left")
done()
