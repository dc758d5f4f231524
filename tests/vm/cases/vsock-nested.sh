# SPDX-License-Identifier: GPL-2.0-only
# A virtual machine and its host: rsys-jail in the one, over vsock against rsys-sandboxd on the other.  This is the host, whose machine's script is inner/vsock-guest.sh.
# modules: overlay,vhost_vsock
# memory: 1600
# limit: 400
# file: rsys-sandboxd=/usr/sbin/rsys-sandboxd
# inner: vsock-guest
. /vm/lib.sh

mkdir -p /srv/root /srv/box /host-only
cat >policy.json <<END
{ "defaultAction": "allow", "clients": { "cids": [3] },
  "syscalls": [ { "names": ["mkdir", "mkdirat"], "action": "deny", "errnoRet": "EACCES" } ],
  "sandbox": { "root": { "path": "/srv/root", "mode": "overlay" }, "hostname": "box",
               "mounts": [ { "type": "proc", "target": "/proc" }, { "type": "dev", "target": "/dev" }, { "type": "bind", "source": "/srv/box", "target": "/box", "writable": true } ] } }
END
chmod 1777 /srv/box
serve log --policy policy.json --resume-timeout 5
check "a host listens on vsock by itself" until_true 10 grep -q "listening on vsock:9000" log
serve other.log --policy policy.json --listen vsock:9001 --allow-cid 4

# An emulated machine emulates this one: what it need not do while it boots it is not to do.
quick="acpi=off tsc=reliable lpj=4000000 no_timer_check nowatchdog audit=0 apparmor=0"
: >inner.out
qemu-system-x86_64 -M q35 -accel tcg -cpu max -m 256 -nodefaults -no-user-config -display none -no-reboot -kernel /boot/vmlinux -initrd /boot/initramfs \
    -append "$(cat /proc/cmdline) $quick" -serial file:inner.console -serial file:inner.out -serial file:inner.status \
    -device vhost-vsock-pci,guest-cid=3 >qemu.log 2>&1 &
machine=$!
tail -f inner.out & # what it says, as it comes: to be seen when something fails
tail=$!
until_true 300 eval 'grep -q "^staying" inner.out || ! kill -0 "$machine"'
grep -q "^staying" inner.out || { echo "FAILED the machine does not come so far"; cat inner.console qemu.log log; exit 1; }
check "./untrusted runs" says inner.out "^status 0"
check "in the host's sandbox" says inner.out "^host name: box"
check "which it may write to" says inner.out "^make /box/written: done"
check "where the host finds the file" grep -q "by the untrusted program" /srv/box/written
check "and the machine does not" says inner.out "^no /box here"
check "a denied call is denied" says inner.out "^make the directory /box/denied: Permission denied"
check "and nothing is made" test ! -e /srv/box/denied
check "the machine's own files are not the sandbox's" says inner.out "^look at the machine's own /vm/script: No such file or directory"
check "nor are the host's" says inner.out "^look at the host's own /host-only: No such file or directory"
check "the kernel told who it is" says log "session 1: started for vsock:3:"
check "a server for other machines refuses it" says inner.out "the machine with the context id 3 is not allowed here"
check "with the status for it" says inner.out "^elsewhere: status 125"
check "and starts nothing" eval '! grep -q "session 1" other.log'
check "where nobody listens, that is told" says inner.out "connect to vsock:host:9002: Connection reset by peer (is rsys-sandboxd listening there?)"
check "with that status, too" says inner.out "^nowhere: status 125"

# The machine is switched off in the midst of a session.
check "a second session runs" eval 'grep -q "session 2: started" log && ! grep -q "session 2: ended" log'
kill -KILL "$machine"
check "a machine that is gone looks as one that was moved: its sessions wait" until_true 20 grep -q "its client is cut off" log
check "and end when it does not come back" until_true 30 grep -q "session 2: ended" log
kill "$tail"
exit "$failed"
