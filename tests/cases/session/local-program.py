# SPDX-License-Identifier: GPL-2.0-only
"""./program is the client's file, static or dynamic, its files are the sandbox's; --local gives it another name."""
import os
import shutil

from caselib import STAGE, done, expect, jail, says

for form in ("static", "dynamic"):
    shutil.copy(f"{STAGE}/guests/{form}/exit-codes", "mine")
    says(jail("./mine"), 73, "leaving with 73", stream="stdout")
    says(jail("--local", os.path.abspath("mine"), "another"), 73, stream="stdout")
shutil.copy(f"{STAGE}/guests/dynamic/proc-names", "mine")
says(jail("./mine"), 0, "stx.stx_size == by_name.st_size: yes", "st.st_ino == by_name.st_ino && st.st_size == by_name.st_size: yes", stream="stdout")
os.mkdir("sub")
with open("sub/script", "w", encoding="utf-8") as f:
    f.write("#!/bin/sh\necho \"$1 $(cat /etc/hostname >/dev/null && echo read)\"; hostname; exit 6\n")
os.chmod("sub/script", 0o755)
says(jail("./sub/script", "argument"), 6, "argument read\nsandbox", stream="stdout")
with open("only-here", "w", encoding="utf-8") as f:
    f.write("client's")
output = jail("cat", os.path.abspath("only-here"))
expect(output.status == 1 and "client's" not in output.stdout, f"the guest reads the client's file: {output}")
done()
