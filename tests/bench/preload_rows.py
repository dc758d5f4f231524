# SPDX-License-Identifier: GPL-2.0-only
"""preload_rows.py: the rows of bench.py that go by rsys-preload: calls on the server against the raw round trip, and calls that stay here against native ones."""
import wire

REQUEST, REPLY = wire.HEAD.size, wire.REPLY.size


def preload(b, what, n):
    """Nanoseconds an operation."""
    return b.preload("/guest-dynamic", what, n)


def row_local(b):
    n = 100000
    return preload(b, "local", n), b.native_guest("local", n), "ns"


def row_null(b):
    return preload(b, "null", b.calls(30000)), b.floor(REQUEST, REPLY), "ns"


def row_stat(b):
    return preload(b, "stat", b.calls(20000)), b.floor(REQUEST + 16 + 16 + 16, REPLY + 4 + 144), "ns"


def row_open_read_close(b):
    return preload(b, "openread", b.calls(9000)), 3 * b.floor(REQUEST, REPLY), "ns"


ROWS = [
    ("null call by preload", row_null, None, "raw ping-pong of the same bytes", "low"),
    ("stat by preload", row_stat, None, "raw ping-pong of the same bytes", "low"),
    ("open+read 4 KiB+close by preload", row_open_read_close, None, "three raw ping-pongs", "low"),
    ("local call by preload", row_local, None, "native", "low"),
]
