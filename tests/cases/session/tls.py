# SPDX-License-Identifier: GPL-2.0-only
"""Sessions over TLS: who is let in, what crosses the wire, what the TLS processes may do, and their ends."""
# limit: 90
import os
import signal

import tlslib
from caselib import SLOW, VARIANT, done, expect, process, says, start_jail
from tlslib import Certificate, keygen, write_key

keygen("k")
expect([oct(os.stat(f"k/{name}").st_mode) for name in sorted(os.listdir("k"))] == ["0o100600"] * 2, "the keys' modes")
keygen("--add-client", "bob", "--psk", "k")
keygen("--add-client", "carol", "k")
server = tlslib.server("k", "-v")
KEYS = {"client": "k/client.key", "bob": "k/bob.key", "carol": "k/carol.key"}

# All of them, each by its name.
for name, key in KEYS.items():
    says(tlslib.jail(server, key, "/bin/sh", "-c", "echo in"), 0, "in", stream="stdout")
    expect(f",key={name}\n" in server.text(), f"{name} is not in the log: {server.text()}")
listed = keygen("--list", "k")
expect(all(name in listed for name in KEYS) and "shared key" in listed, listed)

# What crosses the wire says nothing, whichever way it goes.
relay = tlslib.Relay(server.address)
text = tlslib.jail(relay, "k/client.key", "/bin/bash", "-c", "echo visible-marker > /tmp/x; cat /tmp/x; (sleep 0.1; cat /tmp/x) & wait; head -c 3000000 /dev/urandom > /tmp/y; "
                   "cmp /tmp/y <(cat /tmp/y) && echo same")
says(text, 0, "visible-marker\nvisible-marker\nsame", stream="stdout")
seen = b"".join(bytes(part) for pair in relay.seen for part in pair)
expect(len(seen) > 6000000 and b"visible-marker" not in seen and b"/tmp/x" not in seen, "the wire tells what is done")
preambles = {bytes(pair[0][:40]) for pair in relay.seen}
expect(len(preambles) == 2 and tlslib.PREAMBLE in preambles, f"preambles: {preambles}")

# The TLS processes: nothing is left to them.
running = start_jail("--key", "k/carol.key", "/bin/sh", "-c", "echo ready; exec sleep 1000", server=server.address)
running.saw("ready")


def workers(pid):
    found = []
    for one in process.descendants(pid):
        try:
            with open(f"/proc/{one}/comm", encoding="utf-8") as f:
                if f.read() == "rsys-tls\n":
                    found.append(one)
        except OSError:
            pass
    return found


for side, pid in (("server", server.pid), ("client", running.pid)):
    found = workers(pid)
    expect(len(found) == 1, f"TLS processes of the {side}: {found}")
    with open(f"/proc/{found[0]}/status", encoding="utf-8") as f:
        status = dict(line.split(":\t", 1) for line in f.read().splitlines() if ":\t" in line)
    wanted = {"Seccomp": "2", "NoNewPrivs": "1", **{f"Cap{which}": "0" * 16 for which in ("Inh", "Prm", "Eff", "Bnd", "Amb")}}
    expect(all(status[name] == value for name, value in wanted.items()), f"the {side}'s TLS process: {status}")
    if VARIANT == "root":
        expect(os.listdir(f"/proc/{found[0]}/root/") == [], f"the root of the {side}'s TLS process")
        expect(status["Uid"].split()[0] == "65534", f"the ids of the {side}'s TLS process: {status['Uid']}")

# Without its TLS process a session ends, and the others go on.
other = start_jail("--key", "k/client.key", "/bin/sh", "-c", "echo ready; exec sleep 1000", server=server.address)
other.saw("ready")
os.kill(workers(running.pid)[0], signal.SIGKILL)
says(running.wait(), 125, "rsys-jail: ")
running = start_jail("--key", "k/carol.key", "/bin/sh", "-c", "echo ready; exec sleep 1000", server=server.address)
running.saw("ready")
before = set(workers(server.pid))
expect(len(before) == 2, f"TLS processes: {before}")

# A client that is revoked is not let in, and loses what it has; the others go on.
keygen("--revoke", "carol", "k")
expect("carol" not in keygen("--list", "k"), "carol is still listed")
server.child.send_signal(signal.SIGHUP)
says(running.wait(), 125, "rsys-jail: ")
says(tlslib.jail(server, "k/carol.key", "/bin/true"), 125, "refuses this client's key")
keygen("--revoke", "bob", "k")
os.rename("k/server.key", "k/kept.key")
server.child.send_signal(signal.SIGHUP)
expect(process.until(lambda: "the keys stay as they were" in server.text(), 10 * SLOW), "a missing file changed the keys: " + server.text())
says(tlslib.jail(server, "k/bob.key", "/bin/true"), 0)
os.rename("k/kept.key", "k/server.key")
server.child.send_signal(signal.SIGHUP)
expect(process.until(lambda: server.text().count("the keys are loaded again") == 2, 10 * SLOW), "the keys are not loaded: " + server.text())
says(tlslib.jail(server, "k/bob.key", "/bin/true"), 125, "know this client's key")
expect(other.child.poll() is None, "the other session has ended")
other.kill()
expect(server.idle(10), f"processes are left: {server.processes()}")

# An authority: the name has to be the address's, and a revocation list counts.
authority = Certificate("authority", "ca", "cert_signing_key", "crl_signing_key")
host = Certificate("host", 'dns_name = "localhost"', "tls_www_server", by=authority)
ann, ben = (Certificate(name, "tls_www_client", by=authority) for name in ("ann", "ben"))
os.mkdir("ca")
write_key("ca/server.key", host.key, host.text, authority.text, authority.revoke(ben))
for one in (("ann", ann), ("ben", ben)):
    write_key(f"ca/{one[0]}.key", one[1].key, one[1].text, authority.text)
server = tlslib.server("ca")
by_name = server.address.replace("127.0.0.1", "localhost")
says(tlslib.jail(by_name, "ca/ann.key", "/bin/true"), 0)
expect(",key=ann\n" in server.text(), "ann is not in the log: " + server.text())
says(tlslib.jail(by_name, "ca/ben.key", "/bin/true"), 125, "refuses this client's key: .*revoked")
says(tlslib.jail(server, "ca/ann.key", "/bin/true"), 125, "the server is not trusted: .*name")
done()
