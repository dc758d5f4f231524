# SPDX-License-Identifier: GPL-2.0-only
# limit: 60
# python3: subprocess, threading, tempfile, os, shutil, signals, sockets, sqlite3.
cat >t.py <<'END'
import hashlib, json, os, select, shutil, signal, socket, sqlite3, subprocess, sys, tempfile, threading, time
print(subprocess.run(["sh", "-c", "cat; exit 4"], input=b"to a child", capture_output=True))
print(subprocess.check_output("echo shell | rev", shell=True))
p = subprocess.Popen(["sleep", "30"]); p.terminate(); print(p.wait())
try:
    subprocess.run(["sleep", "10"], timeout=0.2)
except subprocess.TimeoutExpired:
    print("timeout")
try:
    subprocess.run(["/none"])
except FileNotFoundError as e:
    print(e)
results = []
def work(n):
    with open(f"thread{n}", "w") as f:
        for i in range(50):
            f.write(f"{n} {i}\n"); f.flush(); os.stat(f.name)
    results.append(n)
threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
[t.start() for t in threads]; [t.join() for t in threads]
print(sorted(results))
with open("m", "wb") as f:
    f.write(b"x" * 10000)
with tempfile.TemporaryDirectory() as d:
    t = tempfile.NamedTemporaryFile(dir=d); t.write(b"temp"); t.flush(); print(os.path.getsize(t.name), len(os.listdir(d))); t.close()
shutil.copytree("/etc/init.d", "copy"); shutil.move("copy", "moved"); print(sorted(os.listdir("moved"))[:3]); shutil.rmtree("moved")
shutil.make_archive("archive", "tar", ".", "m"); print(shutil.which("bash"), shutil.disk_usage(".").total > 0)
os.remove("archive.tar")
r, w = os.pipe()
if os.fork() == 0:
    os.write(w, b"child"); os._exit(5)
print(os.wait()[1], os.read(r, 10))
print(os.getcwd(), os.environ.get("HOME"), os.path.expanduser("~"), os.uname().nodename, sys.argv, os.cpu_count() > 0)
print([e.name for e in sorted(os.scandir("/"), key=lambda e: e.name)])
total = 0
for base, dirs, files in os.walk("/usr/lib/python3.11"):
    total += len(files)
print(total)
signal.signal(signal.SIGALRM, lambda n, f: print("alarm", n)); signal.setitimer(signal.ITIMER_REAL, 0.05); signal.pause()
signal.signal(signal.SIGALRM, lambda n, f: (_ for _ in ()).throw(InterruptedError("out")))
signal.setitimer(signal.ITIMER_REAL, 0.05)
try:
    os.read(r, 1) if False else select.select([r], [], [], 5)
except InterruptedError as e:
    print(e)
a, b = socket.socketpair(); a.sendall(b"pair"); print(b.recv(10))
c = sqlite3.connect("db"); c.execute("create table t(x)"); c.executemany("insert into t values(?)", [(i,) for i in range(100)]); c.commit(); print(c.execute("select sum(x) from t").fetchone()); c.close()
fd = os.open("f", os.O_CREAT | os.O_RDWR | os.O_EXCL, 0o640); os.pwrite(fd, b"abc", 3); print(os.fstat(fd).st_size, os.get_inheritable(fd)); os.close(fd)
os.utime("f", ns=(10**18, 10**18)); print(os.stat("f").st_mtime_ns); os.chmod("f", 0o604); os.symlink("f", "s"); os.replace("f", "g"); print(os.path.exists("s"), os.readlink("s"))
print(hashlib.sha256(open("/usr/bin/python3", "rb").read()).hexdigest() != "", json.dumps({"a": [1, None]}))
sys.exit(9)
END
python3 t.py one two; echo "python $?"
python3 -c 'import sys; sys.stderr.write("err\n"); 1/0' 2>&1 | tail -n 1
echo 'print(6*7)' | python3 -
python3 -m json.tool <<<'{"b":1,"a":[2]}'
python3 -m compileall -q t.py && ls __pycache__; rm -rf __pycache__ t.py db
