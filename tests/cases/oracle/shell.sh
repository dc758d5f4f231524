# SPDX-License-Identifier: GPL-2.0-only
# also: tls preload
# bash: pipelines, here-documents, subshells, substitutions, traps, background jobs.
set -u
printf '%s\n' pear apple fig | sort | tr a-z A-Z | paste -sd,
cat <<END | wc -l
one $((1 + 1))
two
END
cat <<<"a here-string"
(cd /usr && pwd; x=inner; exit 3); echo "subshell $? ${x:-unset}"
echo "$(echo nested "$(echo substitution)")"
diff <(printf 'a\nb\n') <(printf 'a\nc\n'); echo "diff $?"
trap 'echo trapped TERM' TERM
trap 'echo at exit' EXIT
kill -TERM $$
sleep 0.2 & wait $!; echo "waited $?"
(exit 7) & wait $!; echo "job $?"
{ sleep 30 & echo $! >pid; wait; } & sleep 0.1
kill "$(cat pid)"; wait; echo "killed"; rm pid
for i in 1 2 3; do (echo "job $i" >"out.$i") & done; wait; cat out.?
set -o pipefail; false | true; echo "pipefail $?"; true | false | true; echo "${PIPESTATUS[*]}"
yes | head -n 3
seq 1 100000 | awk '{ s += $1 } END { print s }'
exec 5>fd5; echo to five >&5; exec 5>&-; cat fd5
echo error >&2
while read -r a b; do echo "$b $a"; done <<END
1 one
2 two
END
[ -d /usr ] && [[ abc == a* ]] && echo tests
mapfile -t lines < <(seq 5); echo "${#lines[@]}"
printf '%s\n' {a..e}{1..3} | shuf --random-source=/dev/zero | sort | tail -n 1
set -m; sleep 0.1 & jobs -r | wc -l; wait; set +m
echo "umask $(umask) pwd $PWD"
(bash -c 'kill -KILL $$'; echo "status $?") 2>/dev/null # the shell's message names a pid
sh -c 'echo "args: $0 $*"' zero one two
timeout 0.3 sleep 20; echo "timeout $?"
