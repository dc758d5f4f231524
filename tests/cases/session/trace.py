# SPDX-License-Identifier: GPL-2.0-only
"""--trace and --stats: each call with where it ran, its result and its time; a call that is not supported is named once."""
import re

from caselib import done, expect, jail, says

output = jail("--trace=calls", "sh", "-c", "cat /etc/hostname; exit 3")
expect(output.status == 3, f"{output}")
with open("calls", encoding="utf-8") as f:
    text = f.read()
expect(re.search(r'openat\(.*"/etc/hostname"', text), f"no openat in the trace:\n{text[:3000]}")
expect(re.search(r"remote", text), f"nothing remote in the trace:\n{text[:1000]}")
says(jail("--trace", "/bin/true"), 0, r"\(")
says(jail("--stats", "cat", "/etc/hostname"), 0, r"open")
done()
