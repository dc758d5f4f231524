# SPDX-License-Identifier: GPL-2.0-only
"""A file system of the sandbox that is full, and a file that is changed from outside of the session: what writes, mappings and syncs of them say."""
import json
import os
import subprocess
import tempfile

from caselib import Server, done, expect, jail, policy, start_jail

outside = tempfile.mkdtemp()
os.chmod(outside, 0o777)
with open(f"{outside}/file", "w", encoding="ascii") as f:
    f.write("old" + "." * 8000)
os.chmod(f"{outside}/file", 0o666)
with open(os.environ["RSYS_TEST_POLICY"], encoding="utf-8") as f:
    mounts = json.load(f)["sandbox"]["mounts"]
server = Server(policy_file=policy(mounts=mounts + [{"type": "tmpfs", "target": "/mnt", "size": "1M", "mode": "1777"},
                                                    {"type": "bind", "source": outside, "target": "/media", "writable": True}]))

MAPS = os.environ.get("RSYS_VIEW") != "copy" # copies have no mappings that can write

out = jail("python3", "-c", r"""
import errno, mmap, os, sys
def tell(what, call, *args):
    try:
        call(*args)
        print(what, "done")
    except OSError as e:
        print(what, errno.errorcode[e.errno])
fd = os.open("/mnt/a", os.O_RDWR | os.O_CREAT)
piece = os.write(fd, b"x" * (2 << 20))
print("partly", 0 < piece < 2 << 20)
tell("more", os.write, fd, b"x" * 8192)
tell("allocate", os.posix_fallocate, fd, 0, 4 << 20)
os.ftruncate(fd, 0)
tell("sparse", os.ftruncate, fd, 4 << 20)
if sys.argv[1:]:
    sys.exit()
m = mmap.mmap(fd, 4 << 20)
for at in range(0, 4 << 20, 4096):
    m[at] = 1
tell("msync", m.flush)
tell("room again", os.ftruncate, fd, 8192)
m[0:5] = b"again"
tell("msync", lambda: m.flush(0, 8192))
print(os.pread(fd, 5, 0))
m.close()
os.close(fd)
tell("fresh", os.unlink, "/mnt/a")
fd = os.open("/mnt/b", os.O_RDWR | os.O_CREAT)
print(os.write(fd, b"y" * 500000))
os.ftruncate(fd, 2 << 20)
m = mmap.mmap(fd, 2 << 20)
for at in range(500000, 2 << 20, 4096):
    m[at] = 1
tell("fsync", os.fsync, fd)
print(os.pread(fd, 1, 0))
""", *([] if MAPS else ["unmapped"]), server=server.address)
want = ["partly True", "more ENOSPC", "allocate ENOSPC", "sparse done"]
mapped = ["msync ENOSPC", "room again done", "msync done", "b'again'", "fresh done", "500000", "fsync ENOSPC", "b'y'"]
expect(out.status == 0 and out.stdout.split("\n") == want + (mapped if MAPS else []) + [""], str(out))

# The guest waits for a line at each step.
guest = start_jail("python3", "-uc", r"""
import mmap, os, sys
fd = os.open("/media/file", os.O_RDWR)
reader = os.open("/media/file", os.O_RDONLY)
m = None if sys.argv[1:] else mmap.mmap(fd, 8000)
def see(what):
    n = mmap.mmap(reader, 8000, prot=mmap.PROT_READ)
    print(what, os.pread(fd, 3, 0), n[0:3])
    n.close()
see("before")
input()
see("after")
if m:
    m[4000:4003] = b"own"
    m.flush()
else:
    os.pwrite(fd, b"own", 4000)
print("stored")
input()
""", *([] if MAPS else ["unmapped"]), server=server.address, stdin=subprocess.PIPE)
guest.saw("before")
with open(f"{outside}/file", "r+b", buffering=0) as f:
    f.write(b"new")
    guest.child.stdin.write(b"\n")
    guest.child.stdin.flush()
    guest.saw("stored")
    expect(os.pread(f.fileno(), 3, 4000) == b"own", "what was stored is not in the file")
    expect(os.pread(f.fileno(), 3, 0) == b"new", "what was written outside is lost")
guest.child.stdin.write(b"\n")
guest.child.stdin.close()
out = guest.wait()
expect("before b'old' b'old'" in out.stdout and "after b'new' b'new'" in out.stdout, str(out))
done()
