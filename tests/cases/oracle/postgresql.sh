# SPDX-License-Identifier: GPL-2.0-only
# view: fuse
# root: programs
# variants: root
# limit: 120
# PostgreSQL (which refuses to run as root, and so needs a second id): initdb, psql over a socket and TCP, pgbench, two sessions' locks, LISTEN, VACUUM, dump and restore, a crash.
set -u
mkdir -m 700 pg; chown user: pg
export PATH=$PATH:$(echo /usr/lib/postgresql/*/bin) PGDATA=/work/pg/data PGHOST=/work/pg PGUSER=user PGDATABASE=postgres HOME=/work/pg
as() { setpriv --reuid user --regid user --init-groups "$@"; }
up() { as pg_ctl -s -w -t 60 -o '-k /work/pg -c listen_addresses=127.0.0.1' -l pg/log start; echo "start $?"; }
q() { as psql -XqAt -v ON_ERROR_STOP=1 "$@"; }
initdb -D /work/pg/none 2>&1 | head -n 1
as initdb -N --locale=C.UTF-8 -A trust >pg/initdb.log 2>&1; echo "initdb $?"; tail -n 1 pg/initdb.log | tr -d ' '; up
q -c 'create table t(id serial primary key, x text)' -c "insert into t(x) select 'row ' || g from generate_series(1, 3000) g" -c 'select count(*), sum(length(x)) from t' -c 'create index on t(x)' -c "select id from t where x = 'row 77'"
q -h 127.0.0.1 -c "select current_user, inet_server_port()" ; q -c 'select nothing' 2>&1; echo "psql $?"
printf '%s\n' 1,one | q -c '\copy t from stdin csv' 2>&1; printf '%s\n' 100001,one 100002,two | q -c '\copy t from stdin csv'; q -c 'select count(*) from t' -c '\copy (select * from t where id > 100000) to stdout'
as pgbench -q -i -s 1 2>&1 | grep -c 'done in'; as pgbench -c 4 -j 2 -t 25 2>/dev/null | grep -E 'transactions actually|failed'; q -c 'select count(*) from pgbench_history' -c 'select sum(abalance) = (select sum(delta) from pgbench_history) from pgbench_accounts'
(q -c 'begin' -c 'lock table t' -c "select pg_sleep(0.3)" -c 'insert into t values(-1, $$first$$)' -c commit) & until [ "$(q -c "select count(*) from pg_locks where mode = 'AccessExclusiveLock' and relation = 't'::regclass")" = 1 ]; do sleep 0.02; done; q -c "select x from t where id = -1"; wait
q -c "set statement_timeout = 100" -c "select pg_sleep(20)" 2>&1; q -c 'listen news' -c "notify news, 'hello'" 2>&1 | sed 's/PID [0-9]*/PID/'
q -c 'set max_parallel_workers_per_gather = 2' -c 'set parallel_setup_cost = 0' -c 'set parallel_tuple_cost = 0' -c 'set min_parallel_table_scan_size = 0' -c "select count(*) from pgbench_accounts where filler is not null" -c "explain (costs off) select count(*) from pgbench_accounts"
q -c 'delete from t where id % 2 = 0' -c 'vacuum full t' -c 'vacuum analyze' -c 'checkpoint' -c 'select count(*) from t' -c 'create extension pgcrypto' -c "select encode(digest('a', 'sha256'), 'hex')"
as createdb copy; as pg_dump -t t postgres | q -d copy >/dev/null; q -d copy -c 'select count(*) from t'; q -d copy -c 'create table u as select * from t' -c 'begin' -c 'delete from u' -c rollback -c 'select count(*) from u'
as pg_ctl -s -m fast stop; echo "stop $?"; up; q -c 'select count(*) from t'
q -c "insert into t values(-2, 'kept')"; kill -KILL "$(head -n 1 pg/data/postmaster.pid)"; until [ "$(ps -C postgres -o pid= | wc -l)" = 0 ]; do sleep 0.05; done
up; q -c 'select x from t where id = -2'; grep -c 'automatic recovery in progress' pg/log; q -c 'select pg_reload_conf()'; as pg_ctl -s -m immediate stop; echo "stop $?"
grep -E 'FATAL|PANIC|could not' pg/log | sed 's/^.*UTC[^]]*\] *//' | sort -u; ls pg; rm -rf pg
