# SPDX-License-Identifier: GPL-2.0-only
# view: fuse
# limit: 60
# python3: mmap, and multiprocessing, whose semaphores and arrays are mapped files that processes share.
cat >t.py <<'END'
import concurrent.futures, mmap, multiprocessing
with open("m", "wb") as f:
    f.write(b"x" * 10000)
with open("m", "r+b") as f:
    m = mmap.mmap(f.fileno(), 0); m[5:10] = b"hello"; print(m.find(b"hello"), len(m)); m.flush(); m.close()
print(open("m", "rb").read(12))
context = multiprocessing.get_context("fork")
with concurrent.futures.ProcessPoolExecutor(2, context) as pool:
    print(list(pool.map(abs, [-1, -2, -3])))
total = context.Value("i", 0)
def add():
    for _ in range(100):
        with total.get_lock():
            total.value += 1
processes = [context.Process(target=add) for _ in range(3)]
[p.start() for p in processes]; [p.join() for p in processes]
print(total.value)
END
python3 t.py; echo "python $?"; rm t.py m
