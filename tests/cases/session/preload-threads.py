# SPDX-License-Identifier: GPL-2.0-only
# limit: 60
"""rsys-preload: threads that open, close, fork and execute programs at the same time, under signals, find the files that they made."""
from caselib import PRELOAD, SERVER, done, expect, run

PROGRAM = """
import os, random, signal, subprocess, threading, time
signal.signal(signal.SIGUSR1, lambda *_: None)
failures, work = [], []
def files(i):
    for k in range(100):
        with open(f"/work/{i}-{k % 7}", "w") as f: f.write("x" * random.randrange(100000))
        size = os.path.getsize(f.name)
        with open(f.name) as f: assert len(f.read()) == size, "another file"
        os.unlink(f.name)
def programs(i):
    for k in range(40):
        with open(f"/work/out{i}", "w") as f:
            status = subprocess.run(["/bin/sh", "-c", "echo hello; cat /work/given >/dev/null; exit 3"], stdout=f).returncode
        assert status == 3 and open(f.name).read() == "hello\\n", f"status {status}, or another output"
def forks(i):
    for k in range(100):
        child = os.fork()
        if child == 0:
            try: os._exit(0 if open("/work/given").read() == "given" else 9)
            except BaseException: os._exit(8)
        status = os.waitpid(child, 0)[1]
        assert status == 0, f"child: {status}"
def checked(what, i):
    try: what(i)
    except BaseException as e: failures.append(f"{what.__name__}: {e!r}")
with open("/work/given", "w") as f: f.write("given")
for what in (files, programs, forks):
    work += [threading.Thread(target=checked, args=(what, i)) for i in range(3)]
for thread in work: thread.start()
while any(thread.is_alive() for thread in work):
    thread = threading.Thread(target=lambda: os.stat("/work/given"))
    thread.start()
    os.kill(os.getpid(), signal.SIGUSR1)
    thread.join()
print(failures, sorted(os.listdir("/work")))
"""

output = run(PRELOAD, "--server", SERVER, "--paths", "/work", "/usr/bin/python3", "-c", PROGRAM, seconds=50)
expect(output.status == 0 and output.stdout == "[] ['given', 'out0', 'out1', 'out2']\n" and output.stderr == "", str(output))
done()
