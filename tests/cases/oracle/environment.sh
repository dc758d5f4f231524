# SPDX-License-Identifier: GPL-2.0-only
# What a program finds: environment, root, devices, /proc, identity.
set -u
env | grep -vE '^(_|SHLVL|OLDPWD)=' | sort
id; hostname; umask; ulimit -n; pwd
ls -l / | awk 'NR > 1 && $9 !~ /proc|guests|oracle/ { print $1, $3, $4, $9, $10, $11 }'
ls /dev; ls -ld /tmp /work /dev/shm | awk '{ print $1, $3, $4, $9 }'
cat /proc/self/comm; tr '\0' ' ' </proc/self/cmdline; echo
readlink /proc/self/cwd /proc/self/root /proc/self/exe
ls /proc/self/fd | wc -l
cat /proc/sys/kernel/hostname; cat /proc/net/dev | awk 'NR > 2 { print $1 }'
touch /usr/bin/mine /etc/passwd 2>&1; echo $?; echo more >>/etc/hostname && tail -n 1 /etc/hostname
echo x >/tmp/x && cat /tmp/x; echo y >/dev/shm/y && cat /dev/shm/y
mount 2>&1 | awk '{ print $3, $5 }' | grep -E '^/(proc|tmp|work|dev/shm|guests)? ' | sort
mknod n c 1 3; echo $?; mount -t tmpfs none /mnt; echo $?
ps -o comm= -p $$
