# SPDX-License-Identifier: GPL-2.0-only
# limit: 60
"""The network's own tools see the sandbox's network, and no other: ip, ss, getent, a web server and its client."""
from caselib import done, expect, jail, says

out = jail("ip", "-brief", "addr", server=None)
expect(out.status == 0 and [line.split() for line in out.stdout.splitlines()] == [["lo", "UNKNOWN", "127.0.0.1/8", "::1/128"]], f"addresses: {out}")
out = jail("ip", "-oneline", "link", server=None)
says(out, 0, r"^1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 ", stream="stdout")
expect(len(out.stdout.splitlines()) == 1, f"links: {out}")
says(jail("ip", "route", "get", "127.0.0.1", server=None), 0, r"^local 127\.0\.0\.1 dev lo ", stream="stdout")
says(jail("ip", "route", "get", "192.0.2.1", server=None), 2, "Network is unreachable")
says(jail("ip", "link", "set", "lo", "down", server=None), 2, "Operation not permitted")
says(jail("getent", "hosts", "localhost", server=None), 0, r"^(127\.0\.0\.1|::1) +localhost", stream="stdout")

out = jail("/usr/bin/python3", "-c", r"""
import os, re, subprocess, urllib.request
os.chdir("/tmp")
with open("page", "w") as f:
    f.write("hello")
server = subprocess.Popen(["/usr/bin/python3", "-u", "-m", "http.server", "--bind", "127.0.0.1", "0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
port = re.search(r"port (\d+)", server.stdout.readline())[1]
print(urllib.request.urlopen(f"http://localhost:{port}/page", timeout=10).read())
print(subprocess.run(["ss", "-Htlnp"], capture_output=True, text=True).stdout.split()[3] == f"127.0.0.1:{port}")
server.terminate()
print(server.wait())
""", server=None)
expect(out.status == 0 and out.stdout == "b'hello'\nTrue\n-15\n", f"a web server and its client: {out}")
done()
