# SPDX-License-Identifier: GPL-2.0-only
"""The guest's environment is clean; --setenv and --pass-env add to it; --chdir moves."""
from caselib import done, expect, jail, says

output = jail("env", env={"SECRET": "hidden", "LANG": "C.UTF-8", "TERM": "dumb"})
names = {line.split("=")[0] for line in output.stdout.splitlines()}
expect(names <= {"PATH", "HOME", "USER", "LANG", "TERM"} and "PATH" in names, f"the environment is {names}")
output = jail("--setenv", "A=b=c", "--pass-env", "PASSED", "--pass-env", "NOT_THERE", "env", env={"PASSED": "yes"})
expect("A=b=c\n" in output.stdout and "PASSED=yes\n" in output.stdout and "NOT_THERE" not in output.stdout, f"{output}")
says(jail("--chdir", "/usr/lib", "pwd"), 0, "^/usr/lib\n$", stream="stdout")
says(jail("--chdir", "/none", "pwd"), 125, "/none")
done()
