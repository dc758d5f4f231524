# SPDX-License-Identifier: GPL-2.0-only
"""A client that lies: the policy's `paths` bound its executors and its pager, whatever it has them do."""
import errno
import json
import os
import struct

from caselib import Server, done, expect, write_policy
from wire import OP_EXEC, NOREPLY, RELOC, Session, name

OPEN, OPENAT, CHDIR, LINK, RENAME, SYMLINK, OPENAT2, EXECVEAT, READLINK, UNSHARE, CHROOT, PIVOT, MOUNT, SETNS, OPEN_TREE = \
    2, 257, 80, 86, 82, 88, 437, 322, 89, 272, 161, 155, 165, 308, 428
LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 444, 445, 446
EACCES, EPERM, EXDEV = -errno.EACCES, -errno.EPERM, -errno.EXDEV

with open(os.environ["RSYS_TEST_POLICY"], encoding="utf-8") as f:
    policy = json.load(f)
policy["paths"] = [{"path": "/usr", "access": "rx"}, {"path": "/proc", "access": "ro"}, {"path": "/work", "access": "rw"}]
policy["sandbox"]["capabilities"] = ["CAP_SYS_CHROOT", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_SYS_ADMIN", "CAP_SYS_PTRACE", "CAP_SYS_RAWIO"]
server = Server(policy_file=write_policy(json.dumps(policy)))
session = Session(server.address)


def refused(channel, who):
    def denied(what, result, *errors):
        expect(result in (errors or (EACCES,)), f"{who}: {what}: {name(result)}")
    denied("open", channel.call_path(OPEN, "/etc/passwd", 0))
    denied("open by ..", channel.call_path(OPEN, "/usr/../etc/passwd", 0))
    denied("open by /proc", channel.call_path(OPEN, "/proc/self/root/etc/passwd", 0))
    denied("open by pid 1", channel.call_path(OPEN, "/proc/1/root/etc/passwd", 0))
    denied("create", channel.call_path(OPEN, "/tmp/new", os.O_CREAT | os.O_RDWR, 0o600))
    etc = channel.call_path(OPEN, "/etc", os.O_PATH | os.O_DIRECTORY)
    expect(etc >= 0, "O_PATH is not governed")
    denied("openat", channel.call_path(OPENAT, "passwd", etc, 0, at=1))
    passwd = channel.call_path(OPENAT, "passwd", etc, os.O_PATH, at=1)
    denied("open again", channel.call_path(OPEN, f"/proc/self/fd/{passwd}", 0))
    how = struct.pack("<QQQ", 0, 0, 0x10)
    channel.send(OPENAT2, (etc, 0, 0, len(how)), how + b"passwd\0", [RELOC.unpack(RELOC.pack(1, len(how))), (2, 0)])
    denied("openat2", channel.receive()[0])
    expect(channel.call_path(SYMLINK, "/work/link-" + who, at=1) is not None, "")
    channel.send(SYMLINK, (0, 0), b"/etc/passwd\0/work/l-" + who.encode() + b"\0", [(0, 0), (1, 12)])
    expect(channel.receive()[0] == 0, "a link of one's own")
    denied("open by a link", channel.call_path(OPEN, "/work/l-" + who, 0))
    channel.send(LINK, (0, 0), b"/etc/passwd\0/work/h\0", [(0, 0), (1, 12)])
    denied("link", channel.receive()[0], EACCES, EXDEV)
    channel.send(RENAME, (0, 0), b"/etc/passwd\0/work/h\0", [(0, 0), (1, 12)])
    denied("rename", channel.receive()[0], EACCES, EXDEV)
    expect(channel.call_path(CHDIR, "/etc") == 0, "chdir is not governed")
    denied("open here", channel.call_path(OPEN, "passwd", 0))
    # A domain of one's own that allows everything takes nothing away from the session's.
    channel.send(LANDLOCK_CREATE, (0, 8, 0), struct.pack("<Q", 4), [(0, 0)])
    ruleset = channel.receive()[0]
    expect(ruleset >= 0, f"a ruleset: {name(ruleset)}")
    channel.send(LANDLOCK_ADD, (ruleset, 1, 0, 0), struct.pack("<Qi", 4, etc), [(2, 0)])
    expect(channel.receive()[0] == 0, "a rule")
    expect(channel.call(LANDLOCK_RESTRICT, ruleset, 0) == 0, "a domain")
    denied("open in one's own domain", channel.call_path(OPEN, "/etc/passwd", 0))
    # Mounts and other roots are for nobody in a domain, and no call for an executor either.
    for what, nr in (("mount", MOUNT), ("pivot_root", PIVOT), ("setns", SETNS), ("open_tree", OPEN_TREE), ("unshare", UNSHARE)):
        result = channel.call(nr, 0x10000000 if nr == UNSHARE else 0)
        expect(result < 0, f"{who}: {what}: {name(result)}")
    expect(channel.call_path(CHROOT, "/etc") == 0, "chroot is the policy's")
    denied("open in another root", channel.call_path(OPEN, "/passwd", 0))


executor = session.spawn(10)
executor.send(OP_EXEC, (1, 2, executor.seq + 1), b"x\0", [(0, 0)], flags=NOREPLY)  # executed again, it is in the domain still
refused(executor, "executor")
refused(session.spawn(11, 1), "pager")
refused(session.clone(session.spawn(12), 0, 13), "child")
done()
