# SPDX-License-Identifier: GPL-2.0-only
"""Without --server: a private server under the default policy; it ends with the session."""
from caselib import done, expect, process, run, JAIL, says
import os

says(run(JAIL, "sh", "-c", "echo inside; id -u; exit 4"), 4, "inside", stream="stdout")
says(run(JAIL, "/bin/true"), 0)
output = run(JAIL, "sh", "-c", "echo x >/tmp/embedded-test && cat /tmp/embedded-test; ls -d /usr/bin; touch /usr/bin/mine")
expect("x\n/usr/bin\n" in output.stdout and not os.path.exists("/tmp/embedded-test") and not os.path.exists("/usr/bin/mine"), f"{output}")
says(run(JAIL, "no-such-program"), 127)
expect(process.until(lambda: not [c for c in process.descendants(os.getpid()).values() if "rsys" in c], 2), "a private server is left")
done()
