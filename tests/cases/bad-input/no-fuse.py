# SPDX-License-Identifier: GPL-2.0-only
"""No /dev/fuse, or one that may not be opened: 125, and it is named."""
from caselib import JAIL, SERVER, done, run, says

hide = "mkdir d && touch d/null && mount --bind /dev/null d/null && mount --rbind d /dev && exec "
command = f"{JAIL} --server {SERVER} /bin/true"
flags = ["unshare", "--user", "--map-root-user", "--mount"]
says(run(*flags, "sh", "-c", hide + command), 125, "rsys-jail: .*/dev/fuse")
done()
