#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# kernel.sh: sessions whose TLS is the kernel's, on both sides and on one alone: guests natively and jailed.  Runs in a virtual machine, see run.
#
# Which side's kernel has the keys is told by /proc/net/tls_stat: each connection that it was given counts once a direction.
passed=0 failed=0
check() { # WHAT COMMAND...
    local what="$1"
    shift
    if "$@"; then
        echo "ok $what"
        passed=$((passed + 1))
    else
        echo "FAILED $what"
        failed=$((failed + 1))
    fi
}

# A root of busybox.  (The initramfs itself cannot be below an overlay.)
mkdir /sandbox
mount -t tmpfs sandbox /sandbox || exit 1
for directory in bin etc tmp work proc dev guests; do mkdir -p /sandbox/$directory; done
cp /bin/busybox /sandbox/bin/
for name in sh cat cmp dd md5sum head true echo sleep; do ln -s busybox /sandbox/bin/$name; done
cat >/policy.json <<END
{"defaultAction": "allow", "sandbox": {"root": {"path": "/sandbox", "mode": "overlay"},
 "mounts": [{"type": "proc", "target": "/proc"}, {"type": "dev", "target": "/dev"}, {"type": "tmpfs", "target": "/tmp", "mode": "1777"},
            {"type": "tmpfs", "target": "/work", "mode": "0755"}, {"type": "bind", "source": "/guests", "target": "/guests"}],
 "hostname": "sandbox", "network": "none", "user": {"uid": 0, "gid": 0, "range": 65536},
 "capabilities": ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID"], "limits": {"nofile": 1024}}}
END
rsys-keygen /keys >/dev/null
rsys-keygen --add-client shared --psk /keys >/dev/null
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 TERM=dumb HOME=/root USER=root

counted() { awk '$1 == "TlsTxSw" || $1 == "TlsRxSw" { sum += $2 } END { print sum + 0 }' /proc/net/tls_stat; }

start() { # PORT COMMAND...: a server
    local port="$1"
    shift
    "$@" --policy /policy.json --key /keys/server.key --control "" --listen tls:127.0.0.1:$port >/tmp/log.$port 2>&1 &
    for _ in $(seq 100); do
        grep -q listening /tmp/log.$port && return
        usleep 100000
    done
    cat /tmp/log.$port
}

same() { # NAME SERVER CLIENT...
    local name="$1" server="$2" native jailed
    shift 2
    timeout 60 native --nofile 1024 --capabilities eb --hostname sandbox --directory /work --bind /guests /guests /sandbox /guests/$name </dev/null >/tmp/native 2>&1
    native=$?
    timeout 90 "$@" rsys-jail --key /keys/client.key --server $server --connect-timeout 60 --chdir /work /guests/$name </dev/null >/tmp/jailed 2>&1
    jailed=$?
    [ $native = $jailed ] && cmp -s /tmp/native /tmp/jailed && return
    echo "status: native $native, jailed $jailed"
    diff /tmp/native /tmp/jailed | head -n 12
    return 1
}

# counts WANTED COMMAND...: the command, and the sides whose kernels had keys meanwhile: 2, 1 or 0, which is what a connection counts in each direction.
counts() {
    local wanted="$1" before after
    shift
    before=$(counted)
    "$@" || return 1
    after=$(counted)
    # The first connection and the pager's at least.
    case $wanted in
    0) [ $after = $before ] ;;
    *) [ $((after - before)) -ge $((wanted * 2 * 2)) ] && [ $(((after - before) % 2)) = 0 ] ;;
    esac && return
    echo "$((after - before)) were counted, for $wanted sides"
    return 1
}

start 9001 rsys-sandboxd
start 9002 without-ulp rsys-sandboxd
GUESTS=$(cd /guests && echo *)
for guest in $GUESTS; do check "kernel on both sides: $guest" counts 2 same $guest tls:127.0.0.1:9001; done
for guest in pipe-chain fork; do
    check "kernel on the server alone: $guest" counts 1 same $guest tls:127.0.0.1:9001 without-ulp
    check "kernel on the client alone: $guest" counts 1 same $guest tls:127.0.0.1:9002
    check "no kernel: $guest" counts 0 same $guest tls:127.0.0.1:9002 without-ulp
done
check "a shared key" counts 2 timeout 60 rsys-jail --key /keys/shared.key --server tls:127.0.0.1:9001 true
check "a stranger" sh -c 'rsys-keygen /others >/dev/null; ! rsys-jail --key /others/client.key --server tls:127.0.0.1:9001 true 2>/tmp/said && grep "is not trusted" /tmp/said'

check "a socket with the kernel's TLS cannot be connected elsewhere" ulp-disconnect

# The executor holds the connection itself: the pinned socket, and no relay is there to have it.
rsys-jail --key /keys/client.key --server tls:127.0.0.1:9001 sh -c 'echo ready; sleep 100' >/tmp/out &
jail=$!
for _ in $(seq 100); do
    grep -q ready /tmp/out && break
    usleep 100000
done
descriptors=0
for pid in $(pidof rsys-tls); do descriptors=$((descriptors + $(ls /proc/$pid/fd | wc -l))); done
check "TLS processes hold no connection ($descriptors descriptors)" [ $descriptors -le 10 ] # /dev/null three times, the loop's and the pair's, of two
kill $jail

# A revoked client's session ends although its TLS process carries nothing.
rsys-jail --key /keys/client.key --server tls:127.0.0.1:9001 sleep 100 2>/dev/null &
jail=$!
for _ in $(seq 100); do
    grep -c "started for" /tmp/log.9001 | grep -qx "$(($(echo $GUESTS | wc -w) + 5))" && break
    usleep 50000
done
rsys-keygen --revoke client /keys >/dev/null
for server in $(pidof rsys-sandboxd); do kill -HUP $server 2>/dev/null; done
timeout 20 sh -c "while kill -0 $jail 2>/dev/null; do usleep 50000; done"
check "a revoked client's session ends" sh -c "! kill -0 $jail 2>/dev/null"

echo "$passed passed, $failed failed, 0 skipped"
[ "${1:-}" = --measure ] || exit $((failed != 0))

# For comparison.  The machine is emulated, where some instructions cost much more than others: the ratios are no real machine's.
rsys-keygen --add-client again /keys >/dev/null
for server in $(pidof rsys-sandboxd); do kill -HUP $server 2>/dev/null; done
rsys-sandboxd --policy /policy.json --control "" --listen tcp:127.0.0.1:9003 >/tmp/log.9003 2>&1 &
usleep 500000
measure() { # COMMAND...: seconds of a session of the command, the best of three
    local begun ended best=1000
    for _ in 1 2 3; do
        begun=$(cut -d' ' -f1 /proc/uptime)
        "$@" >/dev/null 2>&1 || best=failed
        ended=$(cut -d' ' -f1 /proc/uptime)
        best=$(awk "BEGIN { t = $ended - $begun; b = $best; if (t < b) b = t; print b }")
    done
    echo "$best"
}
for way in "tcp:rsys-jail --server tcp:127.0.0.1:9003" "kernel TLS:rsys-jail --key /keys/again.key --server tls:127.0.0.1:9001" \
    "relayed TLS:without-ulp rsys-jail --key /keys/again.key --server tls:127.0.0.1:9002"; do
    start=$(measure ${way#*:} dd if=/dev/zero of=/dev/null bs=1M count=0)
    bytes=$(measure ${way#*:} dd if=/dev/zero of=/dev/null bs=1 count=300)
    blocks=$(measure ${way#*:} dd if=/dev/zero of=/dev/null bs=1M count=32)
    awk "BEGIN { printf \"note: ${way%%:*}: a session %.2f s; a call of a byte %.2f ms; 1 MiB blocks, both ways together %.1f MiB/s\n\", $start, ($bytes - $start) / 0.6, 64 / ($blocks - $start) }"
done
exit $((failed != 0))
