# SPDX-License-Identifier: GPL-2.0-only
"""wire.py: the protocol spoken by hand (rsys-protocol(7), src/core/wire.h), for clients that lie."""
import errno
import os
import socket
import struct
import time

MAGIC = 0x53595352
VERSION = 3
HELLO_SESSION, HELLO_CHANNEL, HELLO_TLS, HELLO_TETHER = 1, 2, 3, 4
NOREPLY = 1
OP_CLONE, OP_EXEC, OP_EXIT, OP_PLACEHOLDER, OP_NULL = 0x7001, 0x7002, 0x7003, 0x7004, 0x7005
OP_SPAWN, OP_CANCEL, OP_KILL = 0x7801, 0x7802, 0x7803
OUT_SUCCESS, OUT_RESULT, OUT_VALUE, OUT_ALWAYS = 1, 2, 3, 4
ARENA = (1 << 20) + (64 << 10)
HEAD = struct.Struct("<IHHHHIII6Q")
RELOC = struct.Struct("<II")
OUT = struct.Struct("<IIHHI")
REPLY = struct.Struct("<IIqQ")
HELLO = struct.Struct("<IHH16s16x")
HELLO_RESUME = struct.Struct("<IHH16sI12x")
HELLO_REPLY = struct.Struct("<IHHI")
WELCOME = struct.Struct("<16sIIIIB3xII64s")
TIMEOUT = 10 * float(os.environ.get("RSYS_TEST_SLOW", "1"))


class Gone(Exception):
    """The other side has closed the connection."""


def connect(address):
    kind, rest = address.split(":", 1)
    if kind == "unix":
        s = socket.socket(socket.AF_UNIX)
        s.connect(rest)
    else:
        host, port = rest.rsplit(":", 1)
        s = socket.create_connection((host.strip("[]"), int(port)), TIMEOUT)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    s.settimeout(TIMEOUT)
    return s


def receive(s, n):
    data = b""
    while len(data) < n:
        try:
            got = s.recv(n - len(data))
        except ConnectionResetError:
            got = b""
        if not got:
            raise Gone()
        data += got
    return data


def hung_up(s, seconds=TIMEOUT):
    """Whether the other side closes within so many seconds (what it sends before is dropped)."""
    s.settimeout(seconds)
    limit = time.monotonic() + seconds
    try:
        while time.monotonic() < limit:
            if not s.recv(65536):
                return True
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False
    return False


def frame(nr, args=(), ins=b"", relocs=(), outs=(), arena=None, seq=1, flags=0, lies=None):
    """The bytes of a request.  lies: header fields with other values than the truth."""
    head = {"seq": seq, "nr": nr, "flags": flags, "relocs": len(relocs), "outs": len(outs), "in_size": len(ins),
            "arena": len(ins) if arena is None else arena, "reserved": 0, **(lies or {})}
    args = [a & (1 << 64) - 1 for a in args] + [0] * (6 - len(args))
    return (HEAD.pack(*head.values(), *args) + b"".join(RELOC.pack(*r) for r in relocs) + b"".join(OUT.pack(*o) for o in outs) + ins)


class Channel:
    """A connection to init or to an executor thread."""

    def __init__(self, s):
        self.s, self.seq, self.tid = s, 0, None

    def send(self, nr, args=(), ins=b"", relocs=(), outs=(), arena=None, flags=0):
        self.seq += 1
        self.s.sendall(frame(nr, args, ins, relocs, outs, arena, self.seq, flags))

    def receive(self, outs=0):
        """The result and the out-ranges' bytes."""
        seq, size, result, self.signals = REPLY.unpack(receive(self.s, REPLY.size))
        if seq != self.seq:
            raise AssertionError(f"a reply to request {seq} instead of {self.seq}")
        data = receive(self.s, size)
        lengths = struct.unpack_from(f"<{outs}I", data)
        parts, at = [], 4 * outs
        for length in lengths:
            parts.append(data[at:at + length])
            at += length
        return result, parts

    def call(self, nr, *args):
        self.send(nr, args)
        return self.receive()[0]

    def call_path(self, nr, path, *args, at=0):
        """args with a path inserted at position `at`."""
        args = list(args)
        args.insert(at, 0)
        self.send(nr, args, path.encode() + b"\0", [(at, 0)])
        return self.receive()[0]

    def read(self, nr, fd, n, *more):
        """A call whose second argument is an out-buffer of n bytes, and the third its size."""
        self.send(nr, (fd, 0, n, *more), relocs=[(1, 0)], outs=[(0, n, OUT_RESULT, 1, 0)], arena=n)
        result, parts = self.receive(1)
        return result, parts[0]

    def write(self, fd, data):
        self.send(1, (fd, 0, len(data)), data, [(1, 0)])
        return self.receive()[0]

    def greeting(self):
        seq, size, result, _ = REPLY.unpack(receive(self.s, REPLY.size))
        assert seq == 0 and size == 0, "not a greeting"
        self.tid = result
        return result


class Session:
    def __init__(self, address, resume=0):
        self.address = address
        self.control = Channel(connect(address))
        self.channels = []
        self.control.s.sendall(HELLO_RESUME.pack(MAGIC, VERSION, HELLO_SESSION, bytes(16), resume))
        magic, version, self.status, size = HELLO_REPLY.unpack(receive(self.control.s, HELLO_REPLY.size))
        assert magic == MAGIC and version == VERSION
        payload = receive(self.control.s, size)
        if self.status != 0:
            raise AssertionError("no session: " + payload.decode("utf-8", "replace"))
        self.token, self.nofile, _, _, _, _, _, self.resume, _ = WELCOME.unpack_from(payload)

    def spare(self):
        s = connect(self.address)
        s.sendall(HELLO.pack(MAGIC, VERSION, HELLO_CHANNEL, self.token))
        return Channel(s)

    def spawn(self, pid, pager=0):
        """A first executor, on a channel of its own."""
        channel = self.spare()
        result = self.control.call(OP_SPAWN, pid, pager)
        if result != 0:
            raise OSError(-result, os.strerror(-result))
        channel.greeting()
        self.channels.append(channel)
        return channel

    def clone(self, parent, flags, tid):
        channel = self.spare()
        parent.send(OP_CLONE, (flags, tid), flags=NOREPLY)
        channel.greeting()
        self.channels.append(channel)
        return channel

    def close(self):
        for channel in [self.control, *self.channels]:
            channel.s.close()


def name(result):
    return errno.errorcode.get(-result, str(result)) if result < 0 else str(result)
