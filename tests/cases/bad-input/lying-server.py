# SPDX-License-Identifier: GPL-2.0-only
"""A server that answers the hello with nonsense sizes, counts and rules: 125, no crash."""
import os
import struct

from caselib import FakeServer, done, expect, jail, says

MAGIC = 0x53595352


def answer(status, size, payload, version=3):
    def handle(connection):
        connection.recv(64)
        connection.sendall(struct.pack("<IHHI", MAGIC, version, status, size) + payload)
        connection.close()
    return handle


for handle in (answer(0, 0, b""), answer(0, 0xFFFFFFFF, b""), answer(0, 4096, b"\xff" * 4096), answer(0, 200, b"\0" * 200), answer(9, 0, b""),
               answer(0, 1 << 20, os.urandom(1 << 20)), answer(2, 1 << 21, b"x" * 100), answer(3, 10, b"\x1b[2J\0\n%s%n")):
    output = jail("--connect-timeout", "3", "/bin/true", server=FakeServer(handle).address)
    says(output, 125, "rsys-jail: ")
    expect("\x1b" not in output.stderr, f"the server's control characters reach the terminal: {output}")
done()
