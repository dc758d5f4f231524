# SPDX-License-Identifier: GPL-2.0-only
"""holdings.py: what a daemon and its machine hold at a moment, so that what stays after sessions can be seen."""
import glob
import os

import process

LOCKS = ("/run/rsys-ids.lock", "/run/rsys-addresses.lock")


def status(pid, key):
    with open(f"/proc/{pid}/status", encoding="utf-8") as f:
        for line in f:
            if line.startswith(key + ":"):
                return int(line.split()[1])
    return 0


def locks():
    inodes = {os.stat(path).st_ino for path in LOCKS if os.path.exists(path)}
    with open("/proc/locks", encoding="utf-8") as f:
        return sum(int(line.split()[-3].split(":")[-1]) in inodes for line in f if "->" not in line)


def network_namespaces():
    """With those that the kernel has not taken apart yet; 0 where it does not tell."""
    try:
        with open("/proc/slabinfo", encoding="utf-8") as f:
            return next((int(line.split()[1]) for line in f if line.startswith("net_namespace ")), 0)
    except PermissionError:
        return 0


def cgroups():
    return sum(len(dirs) for where in glob.glob("/sys/fs/cgroup*/") for _, dirs, _ in os.walk(where) for name in [d for d in dirs if d.startswith("rsys")] or [])


def of(pid):
    """What there is now, as {what: number}; all but the resident memory is to be the same before and after."""
    below = process.descendants(pid)
    zombies = sum(1 for _, state, ppid, _ in process.table().values() if state == "Z" and ppid == pid)
    with open(f"/proc/{pid}/mountinfo", encoding="utf-8") as f:
        mounts = len(f.readlines())
    return {"resident KiB": status(pid, "VmRSS"), "descriptors": len(os.listdir(f"/proc/{pid}/fd")), "mounts": mounts, "processes": len(below),
            "zombies": zombies, "locks": locks(), "cgroups": cgroups(), "network namespaces": network_namespaces()}


def show(rows):
    """A table: {title: holdings}."""
    names = list(next(iter(rows.values())))
    print(f"  {'':22}" + "".join(f"{title:>12}" for title in rows))
    for name in names:
        print(f"  {name:22}" + "".join(f"{row[name]:12}" for row in rows.values()), flush=True)
