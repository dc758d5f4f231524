# SPDX-License-Identifier: GPL-2.0-only
# also: preload
# limit: 90
# python, sqlite3 and tar on files, without mapping any to be written to: threads, forks, locks, directories, descriptors of both kinds.
set -u
cat >t.py <<'END'
import fcntl, os, select, shutil, signal, sqlite3, subprocess, sys, tempfile, threading
def work(i):
    for k in range(20):
        with open(f"t{i}-{k}", "w") as f: f.write(str(k))
        assert open(f"t{i}-{k}").read() == str(k)
        os.unlink(f"t{i}-{k}")
threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
for t in threads: t.start()
for t in threads: t.join()
print(sorted(os.listdir(".")))
db = sqlite3.connect("db")
db.execute("create table t(a, b)")
db.executemany("insert into t values(?, ?)", [(i, str(i)) for i in range(500)])
db.commit()
print(db.execute("select sum(a), count(b) from t").fetchone())
with open("lock", "w") as f:
    fcntl.flock(f, fcntl.LOCK_EX)
    code = "import fcntl, sys\ntry: fcntl.flock(open('lock', 'r+'), fcntl.LOCK_EX | fcntl.LOCK_NB)\nexcept BlockingIOError: sys.exit(3)"
    print(subprocess.run([sys.executable, "-c", code]).returncode)
r, w = os.pipe()
child = os.fork()
if child == 0:
    os.write(w, open("lock").read().encode() + b"from the child")
    os._exit(4)
print(os.read(r, 100), os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
fd = os.open("f", os.O_RDWR | os.O_CREAT, 0o640)
print(os.write(fd, b"0123456789"), os.lseek(fd, 2, 0), os.read(os.dup(fd), 3), os.pread(fd, 4, 6), os.fstat(fd).st_size, oct(os.fstat(fd).st_mode))
os.dup2(fd, 40); os.close(fd); os.set_inheritable(40, True)
print(subprocess.run("head -c 3 <&40; echo; wc -c <f", shell=True, close_fds=False, stdout=subprocess.PIPE, text=True).stdout)
os.write(w, b"x")
print([len(x) for x in select.select([40, r], [40], [], 5)])
poll = select.poll(); poll.register(r, select.POLLIN); poll.register(40, select.POLLIN | select.POLLOUT)
print(sorted(event for _, event in poll.poll(1000)))
os.mkdir("d"); os.chdir("d"); open("in", "w").write("in d"); os.symlink("../f", "s"); os.link("in", "hard"); os.rename("in", "out")
print(os.getcwd(), sorted(os.listdir()), os.readlink("s"), os.path.realpath("s"), os.stat("out").st_nlink)
os.chdir(".."); shutil.copytree("d", "e", symlinks=True); shutil.rmtree("d")
with tempfile.NamedTemporaryFile("w+", dir=".") as f: f.write("temporary"); f.flush(); print(os.path.getsize(f.name))
try: open("none")
except OSError as e: print(e)
try: os.posix_spawn("/none", ["none"], {})
except OSError as e: print(e)
print(os.waitstatus_to_exitcode(os.waitpid(os.posix_spawn("/bin/sh", ["sh", "-c", "cat e/out; exit 5"], os.environ), 0)[1]))
class Alarm(Exception): pass
def alarm(*_): raise Alarm
signal.signal(signal.SIGALRM, alarm)
os.mkfifo("p"); signal.setitimer(signal.ITIMER_REAL, 0.1)
try: open("p")
except Alarm: print("interrupted")
sys.stdout.flush()
os.execv("/bin/sh", ["sh", "-c", "ls; exit 6"])
END
python3 t.py; echo "python $?"
printf 'create table n(a integer primary key, b);\nwith recursive c(i) as (select 1 union all select i + 1 from c where i < 300) insert into n select i, i * i from c;\nselect count(*), sum(b) from n;\nvacuum;\npragma integrity_check;\n' | sqlite3 db2
sqlite3 -csv db2 'select * from n where a > 297' >rows.csv; cat rows.csv
tar -czf all.tgz e rows.csv f; mkdir x; tar -xzf all.tgz -C x; diff -r e x/e && diff f x/f && tar -tzf all.tgz | sort
cp -a x y; find y -type f | sort | xargs wc -c; sort -r rows.csv >sorted; join -t, rows.csv rows.csv | head -n 1; rm -rf x y e all.tgz db db2 f lock p
