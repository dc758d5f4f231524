# SPDX-License-Identifier: GPL-2.0-only
"""A client that lies about what its executors count: the daemon and other sessions' numbers are unharmed, and the mapping reaches no other file."""
import errno
import json
import os
import struct

from caselib import SANDBOXD, SLOW, VARIANT, Server, done, expect, process, run, start_jail
from wire import Session

READ, WRITE, CLOSE, LSEEK, MMAP, PWRITE64, FTRUNCATE, FALLOCATE = 0, 1, 3, 8, 9, 18, 77, 285
OFFSET, PAGE = 0x7fffffffffffe000, 4096
RW, SHARED = 3, 1
PUNCH_KEEP = 3


def told():
    output = run(SANDBOXD, "--status", "--json", "--control", "control")
    expect(output.status == 0, f"--status: {output}")
    return json.loads(output.stdout)


server = Server("--control", "control")
honest = start_jail("sh", "-c", "echo ready; sleep 3000", server=server.address)
honest.saw("ready")
process.until(lambda: told()["sessions"][0]["calls"] > 0, 10 * SLOW)
before = told()["sessions"][0]["calls"]

session = Session(server.address)
liar = session.spawn(10)
page = session.nofile + 4
address = liar.call(MMAP, 0, PAGE, RW, SHARED, page, OFFSET)
expect(address > 0, f"the page cannot be mapped: {address}")

# Any numbers.
file = liar.call_path(2, "/tmp/numbers", os.O_RDWR | os.O_CREAT, 0o600)
expect(liar.write(file, struct.pack("<8Q", *[(1 << 64) - 5] * 8) * 64) == PAGE and liar.call(LSEEK, file, 0, 0) == 0, "the numbers")
expect(liar.call(READ, file, address, PAGE) == PAGE, "they cannot be written")
sessions = told()["sessions"]
expect(sessions[0]["calls"] == before, f"the honest session: {sessions}")
expect(sessions[1]["calls"] > 1 << 63, f"the lie does not even show: {sessions}")

# No other mapping, and no other file through this one.
for arguments in ((RW, SHARED, page, 0), (RW, SHARED, file, 0), (RW, SHARED, page, OFFSET - PAGE), (7, SHARED, page, OFFSET), (5, SHARED, page, OFFSET), (RW, 2, page, OFFSET),
                  (1, SHARED, file, 0), (RW, 3, page, OFFSET)):
    result = liar.call(MMAP, 0, PAGE, *arguments)
    expect(result == -errno.ENOSYS, f"mmap{arguments}: {result}")
expect(liar.call(MMAP, 0, 3 * PAGE, RW, SHARED, page, OFFSET) < 0, "more than the page")
other = liar.call(MMAP, 0, PAGE, RW, SHARED, file, OFFSET)
if other > 0:
    expect(liar.call(LSEEK, file, 0, 0) == 0 and liar.call(READ, file, other, 64) == -errno.EFAULT, "a file's end can be written through a mapping")
expect(liar.call(LSEEK, file, 0, 2) == PAGE, "the file has another size")

# Its file is no place to keep things, where the server is root.
if VARIANT == "root":
    expect(liar.call(FALLOCATE, page, 0, 0, 1 << 30) == -errno.ENOSPC, "a GiB beside the page")
    expect(liar.call(PWRITE64, page, address, PAGE, 0) == -errno.ENOSPC, "a page beside the page")
liar.call(FALLOCATE, page, PUNCH_KEEP, OFFSET, PAGE)
told()
liar.call(FTRUNCATE, page, 0)
sessions = told()["sessions"]
expect(sessions[0]["calls"] == before and len(sessions) == 2, f"after all that: {sessions}")
session.close()
expect(process.until(lambda: len(told()["sessions"]) == 1, 10 * SLOW), f"its session is left: {told()}")
done()
