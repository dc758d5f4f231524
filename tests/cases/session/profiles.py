# SPDX-License-Identifier: GPL-2.0-only
"""The profiles that are installed: what works under each, what is denied and with which error."""
# limit: 90
import json
import os
import socket
import threading

from caselib import STAGE, Server, done, expect, jail, says, write_policy

PROFILES = f"{STAGE}/profiles"
TRY = """
import ctypes, errno, os, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
def tell(what, call, *args, **more):
    try:
        result = call(*args, **more)
        print(what, "yes", flush=True)
        return result
    except OSError as e:
        print(what, errno.errorcode[e.errno], flush=True)
def raw(what, nr, *args):
    print(what, "yes" if libc.syscall(nr, *args) >= 0 else errno.errorcode[ctypes.get_errno()], flush=True)
tell("read a program", open, "/usr/bin/env")
tell("list", os.listdir, "/usr/bin")
tell("read passwd", open, "/etc/passwd")
tell("write to usr", open, "/usr/bin/new", "w")
tell("write to etc", open, "/etc/passwd", "a")
tell("write to the root", open, "/new", "w")
tell("list the root", os.listdir, "/")
tell("write to tmp", open, "/tmp/new", "w")
tell("make a directory", os.mkdir, "/tmp/directory")
tell("write to shm", open, "/dev/shm/new", "w")
tell("write to null", lambda: open("/dev/null", "w").write("x"))
tell("run a program", lambda: os.waitpid(os.posix_spawn("/usr/bin/env", ["env", "true"], {"PATH": "/usr/bin:/bin"}), 0))
for family in ("UNIX", "INET", "INET6", "NETLINK"):
    s = tell("a socket of " + family, socket.socket, getattr(socket, "AF_" + family), socket.SOCK_STREAM if family != "NETLINK" else socket.SOCK_RAW)
    if s is not None and family == "INET":
        tell("bind", s.bind, ("127.0.0.1", 0))
        tell("listen", s.listen)
tell("a pair of sockets", socket.socketpair)
raw("mount", 165, b"none", b"/tmp", b"tmpfs", 0, None)
raw("keyctl", 250, 0, 0)
raw("settimeofday", 164, None, None)
print(os.getuid(), os.uname().nodename)
"""


def profile(name):
    """The profile, included by its name."""
    os.environ["RSYS_PROFILES"] = PROFILES
    return write_policy(json.dumps({"include": name}), f"{name}.json")


def tries(name, said):
    server = Server(policy_file=profile(name), listen=f"unix:{os.getcwd()}/{name}.sock")
    out = jail("/usr/bin/python3", "-c", TRY, server=server.address)
    lines = dict(line.rsplit(" ", 1) for line in out.stdout.splitlines())
    wanted = dict(line.rsplit(" ", 1) for line in said.splitlines() if line)
    expect(lines == wanted, f"{name}: {[(k, lines.get(k), wanted.get(k)) for k in {**lines, **wanted} if lines.get(k) != wanted.get(k)]}\n{out}")
    return server


COMMON = """
read a program yes
list yes
read passwd yes
list the root EACCES
write to null yes
run a program yes
a pair of sockets yes
mount EPERM
keyctl EPERM
settimeofday EPERM
"""

tries("read-only", COMMON + """
write to usr EROFS
write to etc EACCES
write to the root EROFS
write to tmp ENOENT
make a directory ENOENT
write to shm EACCES
a socket of UNIX yes
a socket of INET EAFNOSUPPORT
a socket of INET6 EAFNOSUPPORT
a socket of NETLINK EAFNOSUPPORT
65534 reader
""")

server = tries("build-box", COMMON + """
write to usr EROFS
write to etc EACCES
write to the root EROFS
write to tmp yes
make a directory yes
write to shm yes
a socket of UNIX yes
a socket of INET EAFNOSUPPORT
a socket of INET6 EAFNOSUPPORT
a socket of NETLINK EAFNOSUPPORT
0 builder
""")
says(jail("--chdir", "/work", "/bin/sh", "-c", "printf '#!/bin/sh\\necho made here\\n' >tool && chmod +x tool && ./tool && mkdir -p a/b && mv tool a/b/ && ln a/b/tool t && ./t && rm -r a t && ls",
          server=server.address), 0, "^made here\nmade here\n$", stream="stdout")

server = tries("network-client", COMMON + """
write to usr EROFS
write to etc EACCES
write to the root EROFS
write to tmp yes
make a directory yes
write to shm EACCES
a socket of UNIX EAFNOSUPPORT
a socket of INET yes
bind EACCES
listen EACCES
a socket of INET6 yes
a socket of NETLINK yes
65534 client
""")
listener = socket.create_server(("127.0.0.1", 0))


def serve():
    connection, _ = listener.accept()
    connection.sendall(b"hello " + connection.recv(100))
    connection.close()


threading.Thread(target=serve, daemon=True).start()
out = jail("/usr/bin/python3", "-c", f"""
import socket
s = socket.create_connection((socket.getaddrinfo("127.0.0.1", {listener.getsockname()[1]})[0][4]))
s.sendall(b"from inside")
print(s.recv(100).decode())
""", server=server.address)
expect(out.stdout == "hello from inside\n", f"{out}")
done()
