# SPDX-License-Identifier: GPL-2.0-only
# limit: 60
"""The network's own tools see the sandbox's network, and no other: ip, ss, getent, a web server and its client."""
from caselib import Server, done, expect, jail, policy, says

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

# Who has the capability over the sandbox's network changes it, by netlink and by ioctl, whose route has a name behind a pointer.
server = Server(policy_file=policy(capabilities=["CAP_NET_ADMIN", "CAP_NET_RAW"]))
out = jail("python3", "-c", r"""
import ctypes, fcntl, socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
def address(text):
    return struct.pack("=HH4s8x", socket.AF_INET, 0, socket.inet_aton(text))
def request(number, data):
    try:
        fcntl.ioctl(s, number, data)
        return "done"
    except OSError as e:
        return e.errno
print(request(0x8916, struct.pack("16s", b"lo") + address("127.0.0.2") + bytes(8)))  # SIOCSIFADDR
print(socket.inet_ntoa(fcntl.ioctl(s, 0x8915, struct.pack("16s24x", b"lo"))[20:24]))
print(request(0x8922, struct.pack("16si20x", b"lo", 9000)), struct.unpack("16xi20x", fcntl.ioctl(s, 0x8921, struct.pack("16s24x", b"lo")))[0])
name = ctypes.create_string_buffer(b"lo")
def route(number, device):
    return request(number, bytes(8) + address("10.1.2.0") + address("0.0.0.0") + address("255.255.255.0") + struct.pack("=HhI", 1, 0, 0) + bytes(24)
                   + struct.pack("=QQQQ", device, 0, 0, 0)[:32])
print(route(0x890b, ctypes.addressof(name)), route(0x890b, 8), route(0x890b, 0))
routes = open("/proc/net/route").read().splitlines()[1:]
print([line.split()[:2] for line in routes if line.split()[1] == "0002010A"])
print(route(0x890c, ctypes.addressof(name)), route(0x890c, ctypes.addressof(name)))
try:
    socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)
    print("raw")
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
except OSError as e:
    print(e.errno)
""", server=server.address)
expect(out.stdout == "done\n127.0.0.2\ndone 9000\ndone 14 19\n[['lo', '0002010A']]\ndone 3\nraw\n97\n", f"changes to the sandbox's network: {out}")
done()
