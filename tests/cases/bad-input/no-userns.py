# SPDX-License-Identifier: GPL-2.0-only
"""User namespaces cannot be had: 125, and the message says which setting forbids it."""
import caselib
from caselib import JAIL, SERVER, done, run, says

inner = f"echo 0 >/proc/sys/user/max_user_namespaces; exec {JAIL} --server {SERVER} /bin/true"
says(run("unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", inner), 125,
     "rsys-jail: .*user namespace", "max_user_namespaces")
done()
