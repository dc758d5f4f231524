# SPDX-License-Identifier: GPL-2.0-only
# root: programs
# limit: 90
# redis: commands, a benchmark, a snapshot and the append-only file, both read again by a new server; scripts, blocking and published messages; SIGTERM.
set -u
start() {
    redis-server --port 6379 --bind 127.0.0.1 --unixsocket /work/sock --daemonize yes --pidfile /work/pid --logfile /work/log --dir /work --save '' --appendonly "$1" --io-threads 2 >/dev/null
    until [ "$(redis-cli -s sock ping 2>/dev/null)" = PONG ]; do sleep 0.02; done
}
stop() { # SIGNAL
    local pid
    pid=$(cat pid)
    kill "-$1" "$pid"; while kill -0 "$pid" 2>/dev/null; do sleep 0.02; done
}
r() { redis-cli "$@"; }
start no
r set key value; r get key; r incrby n 41; r incr n; r rpush l a b c; r lrange l 0 -1; r hset h f 1 g 2; r hgetall h | paste -sd' '; r zadd z 1 one 2 two; r zrange z 0 -1 WITHSCORES | paste -sd' '
r eval 'local s = 0 for i = 1, 1000 do s = s + i end return s' 0; r -s sock dbsize; r get l; r expire key 1000; r ttl key | sed 's/99[0-9]\|1000/soon/'
seq 1 2000 | sed 's/.*/set k& v&/' | r | sort | uniq -c | sed 's/^ *//'; seq 1 500 | sed 's/.*/*3\r\n$3\r\nSET\r\n$4\r\npipe\r\n$4\r\n1234\r/' | r --pipe | tail -n 1
redis-benchmark -q -n 2000 -c 10 -P 4 -t set,get,lpush | tr '\r' '\n' | grep -cE 'requests per second'; r strlen key:__rand_int__
r blpop waiting 20 >popped & until [ "$(r client list | grep -c cmd=blpop)" = 1 ]; do sleep 0.02; done; r lpush waiting item; wait; paste -sd' ' popped
r subscribe news >heard & until [ "$(r pubsub numsub news | tail -n 1)" = 1 ]; do sleep 0.02; done; r publish news hello; until grep -q hello heard; do sleep 0.02; done; kill $!; wait 2>/dev/null; paste -sd' ' heard
r bgsave; until [ "$(r info persistence | grep -c 'rdb_bgsave_in_progress:0')" = 1 ]; do sleep 0.02; done; r info persistence | grep -E 'last_bgsave_status|aof_enabled' | tr -d '\r'
redis-check-rdb dump.rdb | grep -c 'RDB looks OK'
stop TERM; start no; r get key; r get k2000; r lrange l 0 -1 | paste -sd' '; r dbsize
r flushall; r save; r config set appendonly yes; until r info persistence | grep -q 'aof_rewrite_in_progress:0'; do sleep 0.02; done
seq 1 300 | sed 's/.*/set a& b&/' | r | wc -l; r config set appendfsync always; r set last one; r bgrewriteaof; until r info persistence | grep -q 'aof_rewrite_in_progress:0'; do sleep 0.02; done
r set behind it; stop KILL; start yes; r dbsize; r get last; r get behind; r get a300; r shutdown nosave; while kill -0 "$(cat pid 2>/dev/null)" 2>/dev/null; do sleep 0.02; done
ls; ls appendonlydir 2>/dev/null | wc -l; r ping 2>&1; grep -cE 'Can.t|[Ff]ailed|Fatal' log; rm -rf -- *
