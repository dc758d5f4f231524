# SPDX-License-Identifier: GPL-2.0-only
"""Standard input and output: pipes, files, closed ones, a reader that goes away."""
import subprocess

from caselib import JAIL, SERVER, done, expect, run, says

J = f"{JAIL} --server {SERVER}"
says(run("bash", "-c", f"echo through | {J} cat | {J} tr a-z A-Z"), 0, "^THROUGH\n$", stream="stdout")
says(run("bash", "-c", f"{J} cat </etc/hostname >out && cmp out /etc/hostname && echo same"), 0, "same", stream="stdout")
says(run("bash", "-c", f"{J} cat <&-; echo status $?"), 0, "status [01]", stream="stdout")
says(run("bash", "-c", f"{J} echo x >&-; echo status $? >&2"), 0, "status [01]")
says(run("bash", "-c", f"{J} sh -c 'echo out; echo err >&2' 2>&1 >/dev/null"), 0, "^err\n$", stream="stdout")
says(run("bash", "-c", f"{J} yes | head -n 2; echo ${{PIPESTATUS[0]}}"), 0, r"^y\ny\n141\n$", stream="stdout")
says(run("bash", "-c", f"head -c 3000000 /dev/zero | {J} wc -c; {J} head -c 3000000 /dev/zero | wc -c"), 0, r"^3000000\n3000000\n$", stream="stdout")
done()
