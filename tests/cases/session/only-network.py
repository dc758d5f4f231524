# SPDX-License-Identifier: GPL-2.0-only
# variants: root
"""--only @network-io through a server in another network, whose policy gives sandboxes that network: curl and Python fetch from there and write here.  Root only: an ordinary user makes no network
namespace that a sandbox could have without one of its own."""
import ctypes
import os
import shutil
import sys
import tempfile

import process
from caselib import Server, done, expect, jail, policy, run, skip, started

if shutil.which("curl") is None:
    skip("no curl here")
os.chdir(tempfile.mkdtemp())


def into_network():
    """In the child: a network namespace of its own."""
    if ctypes.CDLL(None, use_errno=True).unshare(0x40000000) < 0 or os.system("ip link set lo up") != 0:
        os._exit(1)


server = Server(policy_file=policy(network="host"), listen=f"unix:{os.getcwd()}/socket", preexec_fn=into_network)
os.mkdir("www")
for name, size in (("small", 100), ("large", 20 << 20)):
    with open(f"www/{name}", "wb") as f:
        f.write(os.urandom(size))
log = open("web.log", "wb")
started.append(process.start(["nsenter", f"--net=/proc/{server.pid}/ns/net", sys.executable, "-u", "-m", "http.server", "8080", "--bind", "127.0.0.1", "--directory", "www"], log, log))
there = ["nsenter", f"--net=/proc/{server.pid}/ns/net", "curl", "-s", "-o", "/dev/null", "http://127.0.0.1:8080/small"]
expect(process.until(lambda: run(*there).status == 0, 10), "the web server does not come up")
expect(run("curl", "-s", "-m", "5", "http://127.0.0.1:8080/small").status != 0, "it is reached from here")
for backend in ("notify", "ptrace"):
    only = ("--only", "@network-io", f"--intercept={backend}")
    for name in ("small", "large"):
        made = jail(*only, "curl", "-sS", "-o", name, f"http://127.0.0.1:8080/{name}", server=server.address)
        expect((made.status, made.stdout, made.stderr) == (0, "", ""), str(made))
        with open(name, "rb") as mine, open(f"www/{name}", "rb") as theirs:
            expect(mine.read() == theirs.read(), f"{name}, {backend}: another")
        os.unlink(name)
    # Children, a pipe, and what is written to the client's disk by the shell.
    made = jail(*only, "sh", "-c", "curl -sS http://127.0.0.1:8080/small | tee copy | wc -c; curl -sS http://127.0.0.1:8080/large >large & curl -sS http://127.0.0.1:8080/none -o none -w '%{http_code}\\n'; wait; wc -c <large",
                server=server.address)
    expect((made.status, made.stdout.split()) == (0, ["100", "404", str(20 << 20)]), str(made))
    made = jail(*only, "curl", "-sS", "-m", "5", "http://127.0.0.1:8081/", server=server.address)
    expect(made.status == 7, f"nobody listens: {made}")
expect(server.idle(10), "something is left on the server")
done()
