# SPDX-License-Identifier: GPL-2.0-only
"""--trace and --stats: each call with its arguments, where it ran, its result and its time."""
import re

from caselib import done, expect, jail, says

output = jail("--trace=calls", "sh", "-c", "cat /etc/hostname; exit 3")
expect(output.status == 3, f"{output}")
with open("calls", encoding="utf-8") as f:
    text = f.read()
for pattern in (r'openat\(AT_FDCWD, "/etc/hostname", O_RDONLY(\|O_CLOEXEC)?\) = \d+ <remote, \d+ µs>',
                r'execve\("/(usr/)?bin/cat", \["cat", "/etc/hostname"\], 0x[0-9a-f]+ /\* \d+ vars \*/\)',
                r"fstat(at)?\(.*\{st_mode=S_IFREG\|0644, st_size=\d+, st_uid=\d+, st_gid=\d+, \.\.\.\}",
                r"mmap\(NULL, \d+, PROT_READ, MAP_PRIVATE, \d+, 0\) = "):
    expect(re.search(pattern, text), f"no /{pattern}/ in the trace:\n{text[:3000]}")
says(jail("--trace", "/bin/true"), 0, r"\(")
says(jail("--stats", "cat", "/etc/hostname"), 0, r"open")
done()
