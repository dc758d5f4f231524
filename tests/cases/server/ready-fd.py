# SPDX-License-Identifier: GPL-2.0-only
"""--ready-fd names each address and is closed; port 0 takes any; several listeners serve the same."""
import os
import subprocess

from caselib import SANDBOXD, done, expect, jail, process, says, started
import caselib

r, w = os.pipe()
log = open("log", "wb")
child = subprocess.Popen([SANDBOXD, "--policy", os.environ["RSYS_TEST_POLICY"], "--listen", "tcp:127.0.0.1:0", "--listen", "unix:sock", "--listen", "tcp:[::1]:0",
                          "--ready-fd", str(w)] if os.path.exists("/proc/net/if_inet6") else
                         [SANDBOXD, "--policy", os.environ["RSYS_TEST_POLICY"], "--listen", "tcp:127.0.0.1:0", "--listen", "unix:sock", "--ready-fd", str(w)],
                         stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=[w], start_new_session=True)
started.append(child)
os.close(w)
text = b""
while True:
    data = os.read(r, 4096)
    if not data:
        break
    text += data
addresses = text.decode().split()
expect(len(addresses) >= 2 and addresses[1] == "unix:sock", f"addresses: {addresses}")
for address in addresses:
    says(jail("/bin/true", server=address), 0)
child.terminate()
expect(process.wait_limited(child, 5) == 0, "no clean end")
expect(not os.path.exists("sock"), "the unix socket is left")
done()
