# SPDX-License-Identifier: GPL-2.0-only
"""machine.py: a virtual machine from Debian's packages alone: its initramfs, and its run under qemu with a time limit.

The machine's root is its initramfs, in memory.  Its first process is the script INIT below, which mounts what a system has, loads the modules
that were asked for, runs the command, and switches the machine off.  Three serial lines lead out: the kernel's console, the command's output, and its exit
status, so that no line of one can be taken for another's."""
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

import tree

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lib"))
import process  # noqa: E402

TIMED_OUT, BROKEN = 124, 125
QEMU = "qemu-system-x86_64"
# No care for what only a real processor needs care for: it would be emulated, too.
KERNEL_OPTIONS = "console=ttyS0 quiet panic=-1 mitigations=off init_on_alloc=0 nokaslr"

INIT = r"""#!/bin/sh
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM=dumb
say() { echo "vm: $*" >/dev/console; }
# pivot_root(2) and a new user namespace both want a root that is mounted on something, which the initramfs itself is not.
mount --bind / /mnt && cd /mnt && mount --move . / && exec chroot . /vm/init2
say "the root cannot be moved"
poweroff -f
"""
INIT2 = r"""#!/bin/sh
say() { echo "vm: $*" >/dev/console; }
cd /
mount -t proc -o nosuid,nodev,noexec proc /proc
mount -t sysfs -o nosuid,nodev,noexec sysfs /sys
mount -t securityfs securityfs /sys/kernel/security
mount -t devtmpfs -o nosuid dev /dev
mkdir -p /dev/pts /dev/shm /dev/mqueue
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mount -t mqueue mqueue /dev/mqueue
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount -t tmpfs -o mode=755 tmpfs /run
mount -t cgroup2 -o nsdelegate cgroup2 /sys/fs/cgroup
for link in fd:/proc/self/fd stdin:/proc/self/fd/0 stdout:/proc/self/fd/1 stderr:/proc/self/fd/2; do ln -sf "${link#*:}" "/dev/${link%%:*}"; done
for module in $(cat /vm/modules); do
    insmod "/vm/modules.d/$module.ko" || say "the module $module cannot be loaded"
done
[ ! -e /dev/fuse ] || chmod 666 /dev/fuse
ip link set lo up
hostname vm
for share in $(cat /vm/shares); do
    mkdir -p "/mnt/$share"
    mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=262144,cache=loose "$share" "/mnt/$share" || say "the share $share cannot be mounted"
done
stty -F /dev/ttyS1 raw -echo
stty -F /dev/ttyS2 raw -echo
sh /vm/command </dev/null >/dev/ttyS1 2>&1
status=$?
stty -F /dev/ttyS1 cs7 # waits until all of it is out
echo "$status" >/dev/ttyS2
stty -F /dev/ttyS2 cs7
poweroff -f
"""


running = []  # machines, for end_all


class Broken(Exception):
    """The machine could not be made or run."""


def kernel():
    """The folder of the kernel (make-kernel), got when it is not there."""
    found = subprocess.run([os.path.join(HERE, "make-kernel")], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False)
    if found.returncode != 0:
        raise Broken("there is no kernel to boot")
    return found.stdout.strip()


def find_modules(folder, names):
    """The modules with what they depend on, in the order to load them: [(name, path)].  What is built in is not among them."""
    paths = {}
    for at, _, files in os.walk(os.path.join(folder, "lib", "modules")):
        paths.update({name[:-3].replace("-", "_"): os.path.join(at, name) for name in files if name.endswith(".ko")})
    order = {}

    def add(name, wanted_by):
        if name in order:
            return
        if name not in paths:
            raise Broken(f"the kernel has no module {name}, which {wanted_by} needs")
        with open(paths[name], "rb") as f:
            needs = re.search(rb"\0depends=([^\0]*)\0", f.read())
        for need in (needs[1].decode().split(",") if needs and needs[1] else []):
            add(need.replace("-", "_"), name)
        order[name] = paths[name]

    for name in names:
        add(name.replace("-", "_"), "the test")
    return list(order.items())


def make_tree(folder, modules, shares, command):
    """The root of a machine that runs `command` (a line for sh)."""
    root = tree.Tree()
    for name, mode in (("dev", 0o755), ("proc", 0o755), ("sys", 0o755), ("run", 0o755), ("tmp", 0o1777), ("root", 0o700), ("mnt", 0o755), ("var/tmp", 0o1777)):
        root.folder(name, mode)
    busybox = shutil.which("busybox")
    if busybox is None:
        raise Broken("busybox is missing: apt-get install busybox-static")
    root.copy(busybox, "/usr/bin/busybox")
    for name in subprocess.run([busybox, "--list"], stdout=subprocess.PIPE, text=True, check=True).stdout.split():
        root.link(f"/usr/bin/{name}", "busybox")
    root.text("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/tmp:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n")
    root.text("/etc/group", "root:x:0:\ntty:x:5:\nuser:x:1000:\nnogroup:x:65534:\n")
    root.text("/etc/hosts", "127.0.0.1 localhost\n")
    if shares:
        modules = ["virtio_pci", "9pnet_virtio", "9p", *modules]
    found = find_modules(folder, modules)
    for name, path in found:
        root.copy(path, f"/vm/modules.d/{name}.ko")
    root.text("/vm/modules", "".join(f"{name}\n" for name, _ in found))
    root.text("/vm/shares", "".join(f"{name}\n" for name in shares))
    root.text("/vm/command", command + "\n")
    root.text("/vm/slow", f"{slow():.0f}\n")
    root.text("/init", INIT, 0o755)
    root.text("/vm/init2", INIT2, 0o755)
    return root


def add_qemu(root, folder):
    """What a machine needs to run machines of its own: qemu and the kernel (/boot/vmlinux).  qemu looks for its parts beside itself and in /usr/share/qemu."""
    program = shutil.which(QEMU)
    if program is None:
        raise Broken(f"{QEMU} is missing: apt-get install qemu-system-x86")
    root.copy(os.path.realpath(program), f"/usr/bin/{QEMU}")
    root.copy("/usr/lib/x86_64-linux-gnu/qemu/accel-tcg-x86_64.so")
    for name in ("bios-256k.bin", "kvmvapic.bin", "linuxboot_dma.bin", "pvh.bin"):
        place = next((f"{at}/{name}" for at in ("/usr/share/qemu", "/usr/share/seabios") if os.path.exists(f"{at}/{name}")), None)
        if place is None:
            raise Broken(f"qemu's {name} is missing: apt-get install qemu-system-x86 seabios")
        root.copy(place, f"/usr/share/qemu/{name}")
    root.copy(f"{folder}/vmlinux", "/boot/vmlinux")


def slow():
    """The factor for all limits of time, in here and in the machine."""
    return max(1.0, float(os.environ.get("RSYS_TESTS_SLOW", "1")))


def accelerator():
    """RSYS_VM_ACCEL=kvm uses the hardware; the default is emulation, which works everywhere."""
    return {"kvm": ["-accel", "kvm", "-cpu", "host"], "tcg": ["-accel", "tcg,thread=multi", "-cpu", "max"]}[os.environ.get("RSYS_VM_ACCEL", "tcg")]


def end_all(number, frame):
    """The handler of SIGTERM and SIGINT: nothing is left behind."""
    for machine in list(running):
        process.end(machine)
    raise SystemExit(128 + number)


def to_stdout(data):
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


class Tail:
    """Hands on what is added to a file."""

    def __init__(self, path, take):
        self.path, self.take, self.at = path, take, 0

    def copy(self):
        with open(self.path, "rb") as f:
            f.seek(self.at)
            more = f.read()
        self.at += len(more)
        if more:
            self.take(more)


def read(path, last=8000):
    with open(path, "rb") as f:
        return f.read()[-last:].decode("utf-8", "replace").replace("\r", "")


def boot(initrd, folder, memory, cpus, limit, shares, options, append, take=to_stdout):
    """Run a machine to its end, `take` getting its command's output.  Returns (status, what the console and qemu said); the status is the command's,
    TIMED_OUT or BROKEN."""
    if shutil.which(QEMU) is None:
        raise Broken(f"{QEMU} is missing: apt-get install qemu-system-x86")
    with tempfile.TemporaryDirectory(prefix="rsys-vm-") as at:
        lines = [f"{at}/{name}" for name in ("console", "output", "status", "qemu")]
        for path in lines:
            open(path, "wb").close()
        command = [QEMU, "-M", "q35", *accelerator(), "-smp", str(cpus), "-m", str(memory), "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
                   "-kernel", f"{folder}/vmlinux", "-initrd", initrd, "-append", f"{KERNEL_OPTIONS} {append}".strip()]
        for path in lines[:3]:
            command += ["-serial", f"file:{path}"]
        for number, (name, path) in enumerate(shares.items()):
            command += ["-fsdev", f"local,id=share{number},path={path},security_model=none,readonly=on", "-device",
                        f"virtio-9p-pci,fsdev=share{number},mount_tag={name}"]
        with open(lines[3], "wb") as log:
            try:
                # Whatever becomes of us, it ends with us.
                machine = process.start(["setpriv", "--pdeathsig", "KILL", *command, *options], log, log)
            except FileNotFoundError:
                raise Broken("setpriv is missing: apt-get install util-linux") from None
        running.append(machine)
        tail, until = Tail(lines[1], take), time.monotonic() + limit * slow()
        try:
            ended = None
            while ended is None and time.monotonic() < until:
                ended = process.wait_limited(machine, 0.1)
                tail.copy()
        finally:
            process.end(machine)
            running.remove(machine)
        tail.copy()
        said, status = read(lines[0]) + read(lines[3]), read(lines[2]).strip()
        return int(status) if status.isdigit() else TIMED_OUT if ended is None else BROKEN, said


def command_line(words):
    return " ".join(shlex.quote(word) for word in words)
