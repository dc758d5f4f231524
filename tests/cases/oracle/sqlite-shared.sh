# SPDX-License-Identifier: GPL-2.0-only
# view: fuse
# limit: 120
# One database, several processes at once: in WAL mode its index is a mapped file that all share, and with mmap_size the database is mapped too.
set -e
for mapped in 0 1048576; do
    rm -f db db-wal db-shm
    sqlite3 db "pragma journal_mode=wal; create table t (who integer, n integer); create table sums (who integer primary key, total integer); insert into sums values (1, 0), (2, 0), (3, 0);"
    for who in 1 2 3; do
        (
            n=0
            {
                echo ".timeout 60000"
                echo "pragma mmap_size=$mapped;"
                while [ $n -lt 40 ]; do
                    n=$((n + 1))
                    echo "begin immediate; insert into t values ($who, $n); update sums set total = total + $n where who = $who; commit;"
                    echo "select 'torn' from (select who, sum(n) as s from t group by who) join sums using (who) where s <> total;"
                done
            } | sqlite3 db | grep -v "^$mapped$" || true
        ) &
    done
    wait
    sqlite3 db "pragma mmap_size=$mapped; select who, count(*), sum(n) from t group by who; select * from sums; pragma integrity_check; pragma wal_checkpoint(truncate);"
    ls
done
python3 - <<'END'
# A reader keeps its snapshot while another process writes; what it maps follows.
import os, sqlite3, subprocess, sys
a = sqlite3.connect("db", isolation_level=None)
a.execute("pragma mmap_size=1048576").fetchall()
a.execute("begin")
before = a.execute("select count(*) from t").fetchone()
subprocess.run([sys.executable, "-c", """
import sqlite3
b = sqlite3.connect("db")
b.executemany("insert into t values (9, ?)", [(i,) for i in range(3000)])
b.commit()
b.execute("pragma wal_checkpoint(passive)")
"""], check=True)
print(before == a.execute("select count(*) from t").fetchone())
a.execute("commit")
print(a.execute("select count(*), sum(n) from t where who = 9").fetchone(), a.execute("pragma wal_checkpoint(truncate)").fetchone())
subprocess.run([sys.executable, "-c", "import sqlite3; b = sqlite3.connect('db'); b.execute('delete from t where who = 9'); b.commit(); b.execute('vacuum')"], check=True)
print(a.execute("select count(*) from t").fetchone(), a.execute("pragma integrity_check").fetchone())
END
rm -f db db-wal db-shm
