# SPDX-License-Identifier: GPL-2.0-only
# variants: root
# limit: 120
"""Sandboxes that are connected to the server's network (network: veth): addresses of their own, the way to the server, to each other and not to
elsewhere, on a cable each and on a bridge; nothing is believed of them and nothing is left.  In a network namespace of the case's own.  Root only: an ordinary
user can make no interface in the server's network."""
import os
import socket
import subprocess
import sys

INSIDE = "RSYS_TEST_VETH_INSIDE"
if INSIDE not in os.environ:
    os.environ[INSIDE] = "1"
    os.execvp("unshare", ["unshare", "--net", "--", sys.executable, os.path.abspath(__file__)])

from caselib import Server, done, expect, jail, policy, says, skip, start_jail  # noqa: E402
import process  # noqa: E402


def ip(*words):
    out = subprocess.run(["ip", *words], capture_output=True, text=True)
    expect(out.returncode == 0, f"ip {words}: {out.stderr}")
    return out.stdout


def links():
    """The server's ends."""
    return [line.split()[0].split("@")[0] for line in ip("-brief", "link").splitlines() if line.startswith("rsys")]


def veth(capabilities=None, **keys):
    made = {"network": {"mode": "veth", **keys}}
    if capabilities:
        made["capabilities"] = capabilities
    return policy(**made)


def python(text, server, **more):
    return start_jail("python3", "-c", "import os, socket, sys\n" + text, server=server.address, **more)


def stopped(server):
    process.kill_quietly(server.pid, 15)
    expect(process.until(lambda: server.child.poll() is not None, 10), "the server does not end")


# A guest that says its address, and ends when its standard input does.
WAIT = """
def own(family, peer):
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.connect((peer, 9))
    return s.getsockname()[0]
print(own(socket.AF_INET, "10.9.0.1"), own(socket.AF_INET6, "fd00:9::1"), flush=True)
sys.stdin.read()
"""
# One that serves a connection to anybody.
SERVE = """
s = socket.create_server(("", 4000))
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
u.connect((GATEWAY, 9))
print("serving at " + u.getsockname()[0] + ".", flush=True)
c, peer = s.accept()
c.sendall(peer[0].encode())
"""


def serve(server, gateway):
    """Start a guest that serves; itself and its address."""
    guest = python(f"GATEWAY = '{gateway}'" + SERVE, server)
    guest.saw(".\n")
    return guest, guest.read().split()[-1][:-1]


def ask(address):
    try:
        with socket.create_connection((address, 4000), 10) as s:
            return s.recv(100).decode()
    except OSError as e:
        return str(e)


def on_cables():
    server = Server(policy_file=veth(ipv4="10.9.0.0/24", ipv6="fd00:9::/64", mtu=1400))
    waiting, addresses = [], set()
    for n in range(3):
        stdin = os.pipe()
        guest = python(WAIT, server, stdin=stdin[0])
        os.close(stdin[0])
        guest.saw("fd00:9")
        addresses.add(tuple(guest.read().split()))
        waiting.append((guest, stdin[1]))
    expect(addresses == {(f"10.9.0.{n}", f"fd00:9::{n}") for n in (2, 3, 4)}, f"each session has an address of its own: {addresses}")
    expect(len(links()) == 3, f"a cable each: {links()}")
    # The server's services are in reach, by either family, and see the session's address.
    for family, gateway in ((socket.AF_INET, "10.9.0.1"), (socket.AF_INET6, "fd00:9::1")):
        with socket.create_server(("", 4001), family=family) as s:
            client = python(f"s = socket.create_connection(('{gateway}', 4001)); print(s.getsockname()[0], s.recv(100))", server)
            s.settimeout(10)
            connection, peer = s.accept()
            with connection:
                connection.sendall(b"welcome")
            output = client.wait()
            expect(output.status == 0 and output.stdout == f"{peer[0]} b'welcome'\n" and peer[0] not in str(addresses), f"the server's service: {peer}, {output}")
    # So is the session, from the server; an ended session's address is free again.
    guest, address = serve(server, "10.9.0.1")
    expect(ask(address) == "10.9.0.1", "a session's service")
    guest.wait()
    out = python("import fcntl, struct\nprint(struct.unpack('16si12x', fcntl.ioctl(socket.socket(), 0x8921, struct.pack('16s16x', b'eth0')))[1])", server).wait()
    expect(out.stdout == "1400\n", f"the MTU: {out}")
    # Other sessions only when the server forwards.
    guest, address = serve(server, "10.9.0.1")
    ask_there = f"s = socket.socket(); s.settimeout(%s)\ns.connect(('{address}', 4000)); print(s.getsockname()[0] == s.recv(100).decode())"
    out = python(ask_there % 0.5, server).wait()
    expect(out.status == 1 and "timed out" in out.stderr, f"no way to another session: {out}")
    with open("/proc/sys/net/ipv4/ip_forward", "w", encoding="ascii") as f:
        f.write("1")
    out = python(ask_there % 10, server).wait()
    expect(out.stdout == "True\n", f"another session, by the server: {out}")
    guest.wait()
    with open("/proc/sys/net/ipv4/ip_forward", "w", encoding="ascii") as f:
        f.write("0")
    for guest, stdin in waiting:
        os.close(stdin)
        expect(guest.wait().status == 0, "a session that waited")
    expect(server.idle(5) and links() == [], f"nothing is left: {links()}")
    # Neither when everything is killed.
    stdin = os.pipe()
    guest = python(WAIT, server, stdin=stdin[0])
    guest.saw("fd00:9")
    process.kill_quietly(server.pid, 9)
    guest.wait()
    expect(process.until(lambda: links() == [], 10), f"the kernel takes the cable away: {links()}")
    os.close(stdin[1])


def distrusted():
    """Who has every capability over its end still sends from its own address only, and makes no routes."""
    server = Server(policy_file=veth(ipv4="10.9.0.2/24", ipv6="fd00:9::/64", capabilities=["CAP_NET_ADMIN", "CAP_NET_RAW"]))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("", 4002))
        s.settimeout(10)
        out = python("""
import struct
def packet(source, text):
    udp = struct.pack("!HHHH", 5, 4002, 8 + len(text), 0) + text
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0, socket.inet_aton(source), socket.inet_aton("10.9.0.1")) + udp
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
for source in ("10.9.0.77", "192.0.2.1", "10.9.0.2"):
    raw.sendto(packet(source, source.encode()), ("10.9.0.1", 0))
os.system("ip link set eth0 mtu 1300 2>/dev/null")
""", server).wait()
        expect(out.status == 0, f"raw packets: {out}")
        got = s.recvfrom(100)
        expect(got == (b"10.9.0.2", ("10.9.0.2", 5)), f"only what comes from its own address: {got}")
    # The policy's only address, twice.
    expect(server.idle(5), "the first session's end")
    stdin = os.pipe()
    guest = python(WAIT, server, stdin=stdin[0])
    guest.saw("fd00:9")
    for setting, value in (("ipv6/conf/%s/accept_ra", "0"), ("ipv6/conf/%s/accept_redirects", "0"), ("ipv4/conf/%s/rp_filter", "1")):
        with open("/proc/sys/net/" + setting % links()[0], encoding="ascii") as f:
            expect(f.read().strip() == value, setting)
    says(jail("true", server=server.address), 125, "stage network: the policy's only address, 10.9.0.2, is another session's")
    os.close(stdin[1])
    guest.wait()
    expect(process.until(lambda: jail("true", server=server.address).status == 0, 10), "an ended session's address is free again")
    stopped(server)
    server = Server(policy_file=veth(ipv4={"address": "10.7.0.0/30", "gateway": "10.7.0.2"}, interface="net0"))
    guest, address = serve(server, "10.7.0.2")
    says(jail("true", server=server.address), 125, r"stage network: all addresses of 10\.7\.0\.0/30 are taken")
    expect(address == "10.7.0.1" and ask(address) == "10.7.0.2", "the pool's only address that is not the gateway")
    guest.wait()
    expect(server.idle(5), "the session's end")
    # An address that something else of this machine has.
    ip("route", "add", "10.7.0.1/32", "dev", "lo")
    says(jail("true", server=server.address), 125, r"stage network: route the session's address \(is it in use on this machine\?\) to rsys\d+")
    expect(links() == [], f"nothing is left of a failure: {links()}")
    stopped(server)


def on_a_bridge():
    ip("link", "add", "br0", "type", "bridge")
    ip("addr", "add", "10.8.0.1/24", "dev", "br0")
    ip("link", "set", "br0", "up")
    server = Server(policy_file=veth(ipv4="10.8.0.0/24", bridge="br0"))
    guest, address = serve(server, "10.8.0.1")
    out = python(f"s = socket.create_connection(('{address}', 4000)); print(s.getsockname()[0] == s.recv(100).decode())", server).wait()
    expect(out.stdout == "True\n", f"another session on the bridge: {out}")
    guest.wait()
    guest, address = serve(server, "10.8.0.1")
    expect(ask(address) == "10.8.0.1", "a session on the bridge")
    guest.wait()
    ip("link", "del", "br0")
    says(jail("true", server=server.address), 125, "stage network: find the policy's bridge br0: ")
    expect(links() == [], f"nothing is left of a failure: {links()}")
    stopped(server)
    server = Server(policy_file=veth(ipv4="10.9.0.0/24", defaultRoute=False))
    out = python("s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.connect(('10.9.0.1', 1))\nprint(s.connect_ex(('192.0.2.1', 1)))", server).wait()
    expect(out.stdout == "101\n", f"no way but to the server: {out}")
    stopped(server)


ip("link", "set", "lo", "up")
for kind in (("veth", "peer", "name", "probe1"), ("bridge",)):
    if "Unknown device type" in subprocess.run(["ip", "link", "add", "probe0", "type", *kind], capture_output=True, text=True).stderr:
        skip(f"this kernel has no interfaces for veth networks: {kind[0]}")
    ip("link", "del", "probe0")
on_cables()
distrusted()
on_a_bridge()
done()
