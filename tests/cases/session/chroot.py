#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""chroot, where the policy gives CAP_SYS_CHROOT: what is executed, its interpreters and libraries are those below the new root; others keep theirs."""
import json
import os

from caselib import Server, done, expect, jail, policy

SCRIPT = r"""
set -e
umask 022
r=$(mktemp -d /tmp/root.XXXXXX)
chmod 755 $r
mkdir -p $r/bin $r/lib64 $r/lib/x86_64-linux-gnu $r/usr/sub $r/dev
cp -L /bin/sh $r/bin/sh
cp -L /lib64/ld-linux-x86-64.so.2 $r/lib64/
cp -L /lib/x86_64-linux-gnu/libc.so.6 $r/lib/x86_64-linux-gnu/
printf '#!/bin/sh\necho tool $0\n' >$r/bin/tool
printf '#!/bin/own-sh\necho own $0\n' >$r/bin/own
: >$r/dev/null
ln -s sh $r/bin/own-sh
ln -s /bin/tool $r/usr/link
chmod 755 $r/bin/tool $r/bin/own
chroot $r /bin/sh -c '
    pwd
    tool; /bin/own; /usr/link
    cd /usr/sub
    ../../bin/tool; ../../../../../bin/tool; ../link
    ls / 2>&1 || echo no ls: $?
    ../../../../../../../usr/bin/id 2>&1 || echo no id: $?
    (: </dev/stdin) 2>&1 || echo no stdin
    (: </proc/self/maps) 2>&1 || echo no maps
    /bin/tool &
    wait
'
/bin/tool 2>&1 || echo no tool outside: $?
mkfifo $r/go
chroot $r /bin/sh -c 'read x </go; /bin/tool; echo $x' &
for i in 1 2 3; do ls -d /usr >/dev/null; id -u >/dev/null; done
echo after >$r/go
wait
chroot /usr /bin/echo below usr
chroot /etc /bin/id 2>/dev/null || echo no programs there: $?
chroot / /bin/echo the same root
if [ "$1" = ids ]; then
    chroot --userspec=1000:1000 $r /bin/sh -c 'tool; cd /usr; ../bin/own; (: >/bin/tool) 2>&1 || echo not mine'
fi
rm -r $r
"""
EXPECTED = """/
tool /bin/tool
own /bin/own
tool /usr/link
tool ../../bin/tool
tool ../../../../../bin/tool
tool ../link
no ls: 127
no id: 127
no stdin
no maps
tool /bin/tool
no tool outside: 127
tool /bin/tool
after
below usr
no programs there: 127
the same root
"""
IDS = """tool /bin/tool
own ../bin/own
not mine
"""

with open(os.environ["RSYS_TEST_POLICY"], encoding="utf-8") as f:
    given = json.load(f)["sandbox"].get("capabilities", ["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID"])
server = Server(policy_file=policy(capabilities=[*given, "CAP_SYS_CHROOT"]))
ids = os.environ["RSYS_TEST_VARIANT"] == "root"
output = jail("sh", "-c", SCRIPT, "sh", *(["ids"] if ids else []), server=server.address)
lines = "".join(line + "\n" for line in output.stdout.splitlines() if "not found" not in line and "cannot open" not in line and "cannot create" not in line)
expect(output.status == 0 and lines == EXPECTED + (IDS if ids else ""), f"not as expected: {output}")
output = jail("chroot", "/", "true")
expect(output.status == 125 and "Operation not permitted" in output.stderr, f"without the capability: {output}")
done()
