# SPDX-License-Identifier: GPL-2.0-only
"""Versions that do not agree: the message names both."""
import socket
import struct

from caselib import FakeServer, SERVER, done, expect, jail, says

MAGIC = 0x53595352


def newer(connection):
    connection.recv(64)
    connection.sendall(struct.pack("<IHHI", MAGIC, 77, 1, 0))


says(jail("/bin/true", server=FakeServer(newer).address), 125, r"version.*77|77.*version")

# The daemon's side: it tells its version and goes on.
host, port = SERVER.removeprefix("tcp:").split(":")
s = socket.create_connection((host, int(port)), 10)
s.sendall(struct.pack("<IHH", MAGIC, 77, 1) + bytes(32))
reply = s.recv(12)
expect(len(reply) == 12, f"no answer to a newer hello: {reply!r}")
magic, version, status, _ = struct.unpack("<IHHI", reply)
expect((magic, version, status) == (MAGIC, 3, 1), f"answer {magic:x} {version} {status}")
says(jail("/bin/true"), 0)
done()
