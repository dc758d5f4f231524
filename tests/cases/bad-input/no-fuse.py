# SPDX-License-Identifier: GPL-2.0-only
"""No /dev/fuse, or one that may not be opened: files are copied, and one line says why; if FUSE is asked for: 125, and it is named."""
from caselib import JAIL, SERVER, done, expect, run, says

hide = "mkdir -p d && touch d/null && mount --bind /dev/null d/null && mount --rbind d /dev && exec "
flags = ["unshare", "--user", "--map-root-user", "--mount"]


def without(option):
    return run(*flags, "sh", "-c", f"{hide} {JAIL} --server {SERVER} {option} /bin/sh -c 'exit 3'", env={"RSYS_VIEW": ""})


made = without("")
says(made, 3, "rsys-jail: open /dev/fuse .*copied")
expect(made.stderr.count("\n") == 1, str(made))
expect(without("--view=copy").stderr == "", "asked for, nothing is said")
says(without("--view=fuse"), 125, "rsys-jail: .*/dev/fuse")
done()
