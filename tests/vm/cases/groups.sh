# SPDX-License-Identifier: GPL-2.0-only
# Control groups, with cgroup v2's controllers: sessions' limits hold, are told, and leave nothing, as root and as an ordinary user
# modules: fuse,overlay
# limit: 400
# file: rsys-jail=/usr/bin/rsys-jail
# file: rsys-sandboxd=/usr/sbin/rsys-sandboxd
# file: /usr/bin/setpriv=/usr/local/bin/run-as
#
# By hand: tests/vm/run --modules fuse,overlay --file build/rsys-jail=/usr/bin/rsys-jail --file build/rsys-sandboxd=/usr/sbin/rsys-sandboxd \
#              --file /usr/bin/setpriv=/usr/local/bin/run-as --limit 400 tests/vm/cases/groups.sh
cd /tmp || exit 1
top=/sys/fs/cgroup
echo "+memory +cpu +pids +io" >$top/cgroup.subtree_control
mkdir $top/service $top/users
server= where= number=0

fail() {
    echo "FAILED groups: $*"
    tail -n 20 log
    exit 1
}

# until SECONDS COMMAND...
until_true() {
    local left=$(($1 * 10))
    shift
    while ! "$@"; do
        left=$((left - 1))
        [ $left -gt 0 ] || return 1
        sleep 0.1
    done
}

policy() { # LIMITS CAPABILITIES
    cat >policy.json <<END
{"defaultAction": "allow", "sandbox": {"root": {"mode": "rw"}, "mounts": [
    {"type": "bind", "source": "/usr", "target": "/usr"}, {"type": "bind", "source": "/bin", "target": "/bin", "optional": true},
    {"type": "bind", "source": "/lib", "target": "/lib", "optional": true}, {"type": "bind", "source": "/lib64", "target": "/lib64", "optional": true},
    {"type": "proc", "target": "/proc"}, {"type": "dev", "target": "/dev"}, {"type": "tmpfs", "target": "/tmp", "mode": "1777"}],
    "limits": {$1}}}
END
}

# start GROUP [USER]: a server in that group, whose path is told by the ready pipe's file
start() {
    where=$1
    number=$((number + 1))
    mkfifo ready.$number && chmod 666 ready.$number
    : >log && chmod 666 log
    sh -c "echo \$\$ >'$where/cgroup.procs' && exec ${2:+run-as --reuid 1000 --regid 1000 --clear-groups} rsys-sandboxd --policy /tmp/policy.json --listen ${listen:-unix:/tmp/sock.$number} --control '' --ready-fd 3 3>ready.$number" >log 2>&1 &
    server=$!
    read -r address <ready.$number || fail "the server does not start"
}

stop() {
    kill $server
    wait $server || fail "the server's end"
    server=
    [ "$(find "$where" -mindepth 1 -type d | wc -l)" = 0 ] || fail "groups are left below $where: $(find "$where" -mindepth 1 -type d)"
}

jail() { rsys-jail --server "$address" "$@"; }
sessions() { find "$where" -type d -name 'rsys-session-*' 2>/dev/null | wc -l; }
no_sessions() { [ "$(sessions)" = 0 ]; }
one_session() { [ "$(sessions)" = 1 ]; }

refused() { # WORDS: a server that cannot start says them
    if rsys-sandboxd --policy policy.json --listen unix:/tmp/sock.none --control '' >log 2>&1; then fail "a server starts that could not keep the limits"; fi
    grep -q "$1" log || fail "no \"$1\" in what it says"
}

everything() { # USER
    policy '"memory": "12M", "pids": 30, "cpu": "30%"'
    start "$group" $1
    grep -q 'rsys-daemon' /proc/$server/cgroup || fail "the daemon has not moved: $(cat /proc/$server/cgroup)"
    [ "$(jail cat /proc/self/cgroup)" = 0::/ ] || fail "the inside sees $(jail cat /proc/self/cgroup)"
    until_true 30 no_sessions || fail "a session's group stays"

    jail sh -c 'echo there; read -r _; echo still here' <stay >beside & beside=$!
    exec 5>stay
    until_true 30 grep -q there beside || fail "the session beside does not start"
    jail sh -c 'dd if=/dev/zero of=/tmp/big bs=256K count=160 2>/dev/null; echo survived' >out 2>err
    status=$?
    [ $status = 125 ] || fail "status $status: $(cat out err)"
    grep -q "memory limit, 12582912 bytes, was reached" err || fail "the client says: $(cat err)"
    grep -q "memory limit, 12582912 bytes, was reached" log || fail "the log says nothing"
    echo >&5; exec 5>&-
    wait $beside || fail "the session beside has ended with $?"
    grep -q "still here" beside || fail "the session beside has not gone on"
    until_true 30 no_sessions || fail "a group stays after its memory ran out"

    echo "ok $who: memory: what files in memory hold counts, the session's end is told, and one beside goes on"
    jail sh -c 'n=0; while [ $n -lt 40 ]; do sleep 100 & n=$((n + 1)); done' >out 2>err
    grep -qi "fork" err || fail "40 processes of 30: $(cat out err)"
    jail sh -c 'echo 1 | cat' >out 2>err || fail "a session after it: $(cat err)"

    echo "ok $who: processes"
    if [ $who = user ]; then # the rest differs in nothing
        stop
        return
    fi
    until_true 30 no_sessions || fail "a group stays after processes ran out"
    rsys-jail --server "$address" dd if=/dev/urandom of=/dev/null bs=1M & busy=$!
    until_true 30 one_session || fail "no session"
    sleep 1
    at=$(find "$where" -type d -name 'rsys-session-*' 2>/dev/null)
    used() { sed -n 's/usage_usec //p' "$at/cpu.stat"; }
    uptime_ms() { read -r up _ </proc/uptime; echo "${up%.*}${up#*.}0"; }
    a=$(used) t=$(uptime_ms)
    sleep 4
    b=$(used) u=$(uptime_ms)
    throttled=$(sed -n 's/nr_throttled //p' "$at/cpu.stat")
    kill $busy; wait $busy
    share=$(((b - a) / 10 / (u - t)))
    echo "  executors used $share% of a processor, where 30% are allowed"
    [ $share -le 36 ] || fail "that is too much"
    [ "$throttled" -gt 0 ] || fail "nothing held it back"
    until_true 30 no_sessions || fail "a group stays after a client was killed"

    echo "ok $who: processors"
    rsys-jail --server "$address" sh -c 'echo there; sleep 1000' >out 2>err & left=$!
    until_true 30 grep -q there out || fail "no session: $(cat err)"
    kill -9 $server; wait $server; wait $left
    [ "$(sessions)" = 1 ] || fail "what a killed daemon leaves is $(sessions) groups"
    # As a service's manager does: nothing of the old one is in the way of the new.
    sh -c "echo \$\$ >$top/cgroup.procs; echo '-memory -cpu -pids -io' >'$where/cgroup.subtree_control'"
    start "$where" $1
    [ "$(sessions)" = 0 ] || fail "not swept"
    stop
    echo "ok $who: what a killed daemon leaves is swept by the next"
}

mkfifo stay
who=root
group=$top/service
everything ''
who=user
mkdir $top/users/his
chown user $top/users/his $top/users/his/cgroup.procs $top/users/his/cgroup.subtree_control $top/users/his/cgroup.threads
echo "+memory +cpu +pids" >$top/users/cgroup.subtree_control
sh -c "echo \$\$ >$top/users/cgroup.procs" 2>/dev/null && fail "the test's own idea of groups is wrong"
mkdir /tmp/run && chown user /tmp/run && chmod 1777 /tmp
group=$top/users/his
everything user

policy '"memory": "48M"'
sh -c "echo \$\$ >$top/users/his/cgroup.procs; exec run-as --reuid 65534 --regid 65534 --clear-groups rsys-sandboxd --policy policy.json --listen unix:/tmp/sock.n --control ''" >log 2>&1 && fail "nobody starts"
grep -q "Delegate=yes" log || fail "what to do is not said: $(cat log)"
policy '"io": [{"device": "/dev/null", "write": "1M"}]'
sh -c "echo \$\$ >$top/users/his/cgroup.procs; exec rsys-sandboxd --policy policy.json --listen unix:/tmp/sock.n --control ''" >log 2>&1 && fail "io starts below a group that has none"
grep -q 'need the controller "io"' log || fail "the missing controller is not named: $(cat log)"

echo "ok what cannot be kept is refused"

group=$top/service
listen=tcp:127.0.0.1:9000 # a session that can be resumed hears of its end in another way
policy ''
start $group
jail true || fail "without limits"
grep -q rsys-daemon /proc/$server/cgroup && fail "it has moved without need"
jail sh -c 'echo there; read -r _; echo bye' <stay >beside & beside=$!
exec 5>stay
until_true 30 grep -q there beside || fail "no session"
policy '"memory": "12M"'
kill -HUP $server
until_true 10 grep -q 'rsys-daemon' /proc/$server/cgroup || fail "not moved after a reload: $(cat log)"
echo >&5; exec 5>&-
wait $beside || fail "a session during the reload"
jail sh -c 'dd if=/dev/zero of=/tmp/big bs=256K count=160 2>/dev/null' 2>err && fail "no limit after a reload"
grep -q "memory limit" err || fail "after a reload: $(cat err)"
stop
echo "ok limits that come when the policy is read again"
