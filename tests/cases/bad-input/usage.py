# SPDX-License-Identifier: GPL-2.0-only
"""Wrong command lines: status 125 for rsys-jail, 2 for rsys-sandboxd, and what was wrong; help and version work."""
from caselib import JAIL, SANDBOXD, done, run, says

says(run(JAIL), 125, "rsys-jail")
says(run(JAIL, "--no-such-option", "/bin/true"), 125, "no-such-option")
says(run(JAIL, "--server"), 125, "server")
says(run(JAIL, "--connect-timeout", "soon", "/bin/true"), 125, "soon")
says(run(JAIL, "--help"), 0, "--server", stream="stdout")
says(run(JAIL, "--version"), 0, "rsys", stream="stdout")
says(run(SANDBOXD, "--no-such-option"), 2, "no-such-option")
says(run(SANDBOXD, "--check", "--policy", "x.json"), 2, "--check: FILE is expected, and --policy is an option")
says(run(JAIL, "--server", "--trace", "true"), 125, "^[^\n]*--server: ADDRESS is expected, and --trace is an option\n[^\n]*--help\n$")
says(run(SANDBOXD, "--help"), 0, "--policy", stream="stdout")
says(run(SANDBOXD, "--version"), 0, "rsys", stream="stdout")
says(run(SANDBOXD, "--listen", "nonsense"), (1, 2), "nonsense")
says(run(SANDBOXD, "--listen", "tcp:0.0.0.0:0"), (1, 2), "insecure")
done()
