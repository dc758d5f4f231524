# SPDX-License-Identifier: GPL-2.0-only
# root: programs
# bash's job control without a terminal, vim and ed in batch mode, bc, sessions, process groups, signals between them; psmisc's tools.
set -u
exec 3>&2 2>notices # of jobs that a signal has ended: bash marks the current one as it happens to be
set -m
sleep 30 & jobs | sed 's/ *&$//'; kill -STOP %1; until jobs -s | grep -q Stopped; do sleep 0.02; done; jobs | sed 's/  */ /g'; kill %1; while kill -0 $! 2>/dev/null; do sleep 0.02; done; wait $!; echo "job $?"
(trap 'echo interrupted; exit 4' INT; echo ready >f; while :; do sleep 0.02; done) & until [ -s f ]; do sleep 0.02; done; kill -INT %1; wait %1; echo "job $?"; rm f
sleep 0.2 | cat & fg %1 >/dev/null; echo "fg $?"; sleep 30 & disown %1; jobs | wc -l; kill $!; { sleep 0.1; exit 3; } & wait -n; echo "wait -n $?"
sleep 30 & kill -STOP %%; until jobs -s | grep -q Stopped; do sleep 0.02; done; bg %% >said; sed 's/ *&$//' said; until jobs -r | grep -q Running; do sleep 0.02; done; kill -TERM -- -$!; wait $!; echo "group $?"
(sleep 30 & sleep 30 & wait) & p=$!; until [ "$(ps -eo pgid= | grep -c "^ *$p\$")" = 3 ]; do sleep 0.02; done; kill -- -$p; wait $p; echo "tree $?"
set +m
exec 2>&3 3>&-; grep -v 'Terminated' notices
printf 'one\ntwo\nthree\n' >text; vim.tiny -u NONE -es -c '%s/o/0/g' -c '2d' -c 'wq' text </dev/null; echo "vim $?"; cat text; vim.tiny -u NONE -es -c 'normal Goadded' -c 'w! other' -c 'r !echo from a shell' -c '%p' -c 'q!' text; ls -A
vim.tiny -u NONE -N -n -i NONE -es -c 'set nomore' -c 'e text' -c '%!sort -r' -c 'wq' </dev/null; cat text; printf '1,$s/0/o/\n$a\nlast\n.\nw\nq\n' | ed -s text; cat text; printf 'x\nq\n' | ed -s none 2>&1
echo 'scale = 20; 4 * a(1); 2 ^ 100' | bc -l; setsid sh -c 'ps -o sid= -p $$ | tr -d " " | grep -qx $$ && echo leader'; setsid -w sh -c 'exit 6'; echo "setsid $?"
bash -c 'sleep 40; :' & until pstree -A $! | grep -q sleep; do sleep 0.02; done; pstree -A $!; killall -u root -q -w sleep; wait; echo hello >held; exec 7<held; fuser held >pids 2>/dev/null; wc -w <pids; exec 7<&-; fuser held; echo "fuser $?"
prlimit --pid $$ --nofile --noheadings -o SOFT; nice -n 3 sh -c 'ps -o ni= -p $$ | tr -d " "'; taskset -c 0 nproc; ionice -c 3 true; echo "ionice $?"; timeout -s INT 0.1 sleep 5; echo "timeout $?"; rm -f -- *
