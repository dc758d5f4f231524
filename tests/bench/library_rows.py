# SPDX-License-Identifier: GPL-2.0-only
"""library_rows.py: the rows of bench.py that go through librsys: single calls against the raw round trip, batches against single calls."""
import wire

REQUEST, REPLY = wire.HEAD.size, wire.REPLY.size


def library(b, what, n):
    """Nanoseconds an operation."""
    return b.raw(b.address, what, n, program="library")


def row_null(b):
    return library(b, "null", b.calls(30000)), b.floor(REQUEST, REPLY), "ns"


def row_stat(b):
    return library(b, "stat", b.calls(20000)), b.floor(REQUEST + 16 + 16 + 16, REPLY + 4 + 144), "ns"


def row_open_read_close(b):
    return library(b, "openread", b.calls(9000)), 3 * b.floor(REQUEST, REPLY), "ns"


def row_batch_open_read_close(b):
    n = b.calls(9000)
    return library(b, "openread-batch", n), library(b, "openread", n), "ns"


def row_batch_stats(b):
    n = b.calls(3000)
    return library(b, "batch", n), library(b, "singles", n), "ns"


ROWS = [
    ("null call by the library", row_null, 1.4, "raw ping-pong of the same bytes", "low"),
    ("stat by the library", row_stat, None, "raw ping-pong of the same bytes", "low"),
    ("open+read 4 KiB+close by the library", row_open_read_close, None, "three raw ping-pongs", "low"),
    ("open+read 4 KiB+close in a batch", row_batch_open_read_close, 0.8, "single calls by the library", "low"),
    ("ten stats in a batch", row_batch_stats, 0.6, "single calls by the library", "low"),
]
