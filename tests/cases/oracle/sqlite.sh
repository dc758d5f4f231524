# SPDX-License-Identifier: GPL-2.0-only
# limit: 60
# sqlite3 with its journal, and two processes at once.  (sqlite-wal.sh: MODES, another one.)
set -eu
for mode in ${MODES:-delete truncate}; do
    db=$mode.db
    sqlite3 "$db" "pragma journal_mode=$mode; create table t(id integer primary key, x text); begin; with recursive c(i) as (select 1 union all select i+1 from c where i<2000) insert into t(x) select 'row ' || i from c; commit; select count(*), sum(length(x)) from t;"
    for i in 1 2; do
        (for k in $(seq 1 10); do sqlite3 -cmd '.timeout 20000' "$db" "insert into t(x) values('from $i $k');"; done) &
    done
    wait
    sqlite3 "$db" "select count(*) from t; update t set x = upper(x) where id % 7 = 0; select x from t where id = 700; pragma integrity_check; create index i on t(x); vacuum; select count(*) from t where x like 'FROM%' or x like 'from%';"
    sqlite3 "$db" "begin; delete from t; rollback; select count(*) from t;"
    sqlite3 "$db" .dump | grep -c INSERT
    sqlite3 "$db" "select nonsense;" 2>&1 || echo "sqlite $?"
    ls; rm -f "$db"*
done
