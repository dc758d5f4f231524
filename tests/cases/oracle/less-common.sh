# SPDX-License-Identifier: GPL-2.0-only
# also: preload
# Programs that use calls the others do not: file, xargs -P, flock, script-like loops, dash, pgrep.
set -u
file /bin/bash /etc/passwd /usr/bin | sed 's/, BuildID.*//'
seq 1 20 | xargs -P 4 -I{} sh -c 'echo {} >n.{}'; cat n.* | sort -n | paste -sd' '; rm n.*
flock lock -c 'echo locked'; (flock 9; echo also locked) 9>lock; rm lock
dash -c 'trap "echo usr1" USR1; kill -USR1 $$; echo "after"'
sleep 20 & until pgrep -x sleep >found; do :; done; wc -l <found; rm found; kill $!; wait
setsid sh -c 'echo in a session'; nice -n 5 sh -c nice; nohup true 2>&1 | cat; stdbuf -o0 echo unbuffered
i=0; while [ $i -lt 100 ]; do i=$((i + 1)); : >many.$i; done; ls | wc -l; rm many.*
cat /proc/loadavg >/dev/null && cat /proc/meminfo | grep -c MemTotal; getent passwd root; locale 2>/dev/null | head -n 1
mkfifo f; cat <f >out & echo fifo >f; wait; cat out; rm f out
coproc cat; echo coproc >&"${COPROC[1]}"; read -r x <&"${COPROC[0]}"; echo "$x"; kill $!; wait 2>/dev/null
bash -i -c 'echo interactive' 2>/dev/null </dev/null; setarch -R true 2>/dev/null; echo done
