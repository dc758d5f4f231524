# SPDX-License-Identifier: GPL-2.0-only
# vsock, over one machine's loopback: the transport, who is served, and guests natively and jailed
# modules: fuse,overlay,vsock_loopback
# memory: 1200
# limit: 240
# file: rsys-jail=/usr/bin/rsys-jail
# file: rsys-sandboxd=/usr/sbin/rsys-sandboxd
# file: unit-vsock=/usr/bin/unit-vsock
# file: tests/programs/native=/usr/bin/native
# file: tests/programs/cut-relay=/usr/bin/cut-relay
# file: tests/guests/static=/guests
. /vm/lib.sh

# The transport.
check "the transport's own tests" env RSYS_TEST_VSOCK=1 unit-vsock

# A small root, and the policy of the oracle.
mkdir -p /small/bin /small/etc /small/tmp /small/work /small/proc /small/dev /small/guests
cp /bin/busybox /small/bin/busybox
for name in $(busybox --list); do [ "$name" = busybox ] || ln -s busybox "/small/bin/$name"; done
cp /etc/passwd /etc/group /etc/hosts /small/etc/
policy() { # MORE: members of the policy
    cat <<END
{ "defaultAction": "allow", $1 "sandbox": { "root": { "path": "/small", "mode": "overlay" }, "hostname": "sandbox", "network": "none",
  "mounts": [ { "type": "proc", "target": "/proc" }, { "type": "dev", "target": "/dev" }, { "type": "tmpfs", "target": "/tmp", "mode": "1777" },
              { "type": "tmpfs", "target": "/work", "mode": "0755" }, { "type": "bind", "source": "/guests", "target": "/guests" } ],
  "capabilities": [ "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID" ] } }
END
}
policy '' >policy.json
policy '"clients": { "cids": ["local"] },' >local.json
policy '"clients": { "cids": [3, "host"] },' >others.json

# Who is served.
refused="the server refused the session: the machine with the context id 1 is not allowed here"
serve log1 --policy policy.json --listen vsock:9001 --allow-cid 3,host
check "not on --allow-cid: refused" status 125 rsys-jail --server vsock:local:9001 true
check "it reads why" says out "$refused"
check "and the log tells" says log1 "vsock:1:[0-9]*: refused: the machine with the context id 1"
check "nothing is started for it" eval '! grep -q "session 1" log1'
kill "$server"
serve log2 --policy others.json --listen vsock:9002
check "not among the policy's cids: refused" status 125 rsys-jail --server vsock:local:9002 true
check "it reads why, too" says out "$refused"
kill "$server"
serve log3 --policy local.json --listen vsock:9003 --allow-cid 3,local
check "on both lists: served" status 0 rsys-jail --server vsock:local:9003 sh -c 'echo from $(hostname)'
check "in the sandbox" says out "from sandbox"
kill "$server"
check "a server that is gone" status 125 rsys-jail --server vsock:local:9003 true
check "is told" says out "connect to vsock:local:9003: Connection reset by peer (is rsys-sandboxd listening there?)"
check "a machine that there is not" status 125 rsys-jail --server vsock:77:9000 true
check "is told, too" says out "connect to vsock:77:9000: No such device (nothing leads there"
check "no default listener without vhost" eval 'rsys-sandboxd --policy policy.json >log5 2>&1 & server=$!; until_true 20 grep -q "tcp:127.0.0.1:9000" log5; kill $server; wait $server; ! grep vsock log5'

# A client that is killed: the server sees the end of its connection.
serve log4 --policy policy.json --listen vsock:9004
rsys-jail --server vsock:local:9004 sh -c 'echo runs; sleep 1000' >out 2>&1 &
jail=$!
until_true 20 grep -q runs out
kill -KILL "$jail"
check "a killed client's session ends" until_true 20 grep -q "session 1: ended" log4
kill "$server"

# Connections that carry nothing any more: the session goes on with others.
serve log7 --policy policy.json --listen vsock:9006
mkfifo orders
cut-relay vsock:9006 <orders >answers &
exec 6>orders
until_true 20 test -s answers
mkdir /alone && (cd /alone && /guests/cut-load 4) >native.out
rsys-jail --stats --server "vsock:local:$(head -n 1 answers)" --chdir /tmp /guests/cut-load 4 >out 2>err &
jail=$!
until_true 60 grep -q started out
echo "silence all" >&6
wait "$jail"
check "a session outlives its connections" test $? = 0
check "nothing of it is lost" cmp native.out out
check "others took their places" grep -q "cut, [1-9][0-9]* resumed" err
exec 6>&-
kill "$server"

# An ordinary user on both sides.
chmod 644 policy.json
su user -c "rsys-sandboxd --policy /tmp/policy.json --listen vsock:9005" >log6 2>&1 &
until_true 20 grep -q listening log6
check "an ordinary user's server" status 0 su user -c "rsys-jail --server vsock:local:9005 sh -c 'seq 1000 | tail -n 1; echo a >/tmp/x; cat /tmp/x'"
check "serves" says out 1000
killall rsys-sandboxd

# The oracle: the same guests natively and over vsock, in the same root.
export HOME=/root USER=root
serve log --policy policy.json --listen vsock:9000
for guest in access arguments cloexec close-range copy-range credentials cwd descriptors directories epoll eventfd-timerfd exec-chain exec-script fd-sharing fork getdents \
    identity large-transfer links mmap-coherent mmap-private mmap-shared open-flags pipe-blocking poll-mixed posix-locks pread-pwrite readv-writev redirect rename rlimits \
    signals-basic signals-interrupt socket-unix splice threads-remote truncate vfork; do
    printf x >in
    native --nofile 1024 --capabilities fb --hostname sandbox --directory /work --bind /guests /guests /small "/guests/$guest" <in >native.out 2>native.err
    native=$?
    timeout $((60 * slow)) rsys-jail --server vsock:1:9000 --chdir /work "/guests/$guest" <in >jailed.out 2>jailed.err
    jailed=$?
    if [ "$native" = "$jailed" ] && cmp -s native.out jailed.out && cmp -s native.err jailed.err; then
        echo "ok guests/$guest"
    else
        echo "FAILED guests/$guest: native $native, jailed $jailed"
        diff -u native.out jailed.out | head -n 20
        diff -u native.err jailed.err | head -n 20
        failed=1
    fi
done
kill "$server"
wait "$server"
check "the server ends well" test $? = 0
exit "$failed"
