# SPDX-License-Identifier: GPL-2.0-only
"""Without FUSE files are copied: what is executed and mapped is right, and a mapping that would write to its file fails with the documented error."""
import json

from caselib import STAGE, done, expect, jail, says

maps = """
import mmap, os
fd = os.open("/tmp/f", os.O_RDWR | os.O_CREAT)
os.write(fd, b"a" * 5000)
def tried(flags, prot, fd):
    try:
        made = mmap.mmap(fd, 0, flags, prot)
        text = made[4999:5000].decode()
        made.close()
        return text
    except OSError as error:
        return os.strerror(error.errno)
reader = os.open("/tmp/f", os.O_RDONLY)
print(tried(mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE, fd), tried(mmap.MAP_SHARED, mmap.PROT_READ, fd), sep=", ")
print(tried(mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE, fd), tried(mmap.MAP_SHARED, mmap.PROT_READ, reader))
os.pwrite(fd, b"b", 4999)
print(tried(mmap.MAP_PRIVATE, mmap.PROT_READ, fd), tried(mmap.MAP_SHARED, mmap.PROT_READ, reader))
os.truncate("/tmp/f", 4000)
os.truncate("/tmp/f", 5000)
print(tried(mmap.MAP_PRIVATE, mmap.PROT_READ, fd) == "\\0")
"""
made = jail("--view=copy", "python3", "-c", maps)
expect((made.status, made.stdout, made.stderr) == (0, "No such device, No such device\na a\nb b\nTrue\n", ""), str(made))

# One relative name, many files, at once; and each changed between two times that it is executed.
race = """
cd /tmp && mkdir d1 d2 d3 d4
for d in d1 d2 d3 d4; do
    (cd $d; for n in 1 2 3 4 5 6 7 8 9 10; do
        printf '#!/bin/sh\\necho %s\\n' $d.$n >new; chmod +x new; mv new x
        [ "$(./x)" = $d.$n ] || echo "$d.$n: another one"
        [ "$(../$d/x)" = $d.$n ] || echo "$d.$n: another one above"
    done) &
done
wait
"""
made = jail("--view=copy", "bash", "-c", race, seconds=60)
expect((made.status, made.stdout, made.stderr) == (0, "", ""), str(made))

# What it takes for a program, by all kinds of names.
names = """
ln -s /bin/sh /tmp/link; cp /bin/echo /tmp/echo; cd /tmp
/tmp/link -c 'echo link $0; readlink /proc/self/exe >/dev/null && echo exe'
printf '#!/tmp/second\\n' >first; printf '#!./third a\\n' >second; printf '#!/bin/echo b\\n' >third; chmod +x first second third; ./first c
mkdir -p usr; (exec -a other ./echo renamed)
rm echo; ./echo || echo $?
cp /bin/true run; ./run && cp /bin/false run; ./run || echo false
/proc/self/exe -c 'echo again' 2>/dev/null || echo failed
./link -c 'exec /nothing'; echo $?; /tmp; echo $?; cp /bin/true ntrue; chmod -x ntrue; printf '#!/tmp/ntrue\\n' >byn; chmod +x byn; ./byn; echo $?; printf '#!/tmp/nothing\\n' >byn; ./byn; echo $?; printf 'no program' >n; chmod +x n; /tmp/n 2>/dev/null; echo $?
"""
copied, native = (jail(f"--view={view}", "bash", "-c", names) for view in ("copy", "fuse"))
expect((copied.status, copied.stdout, copied.stderr) == (native.status, native.stdout, native.stderr), f"{copied}\n{native}")

# The client's own program, executed by what it is.
made = jail("--view=copy", "--chdir", "/tmp", "--local", f"{STAGE}/guests/static/cut-load", "cut-load", "1", "unmapped")
expect(made.status == 0 and "1 rounds" in made.stdout, str(made))

# What is executed is learned in the same way.
for view in ("copy", "fuse"):
    made = jail(f"--view={view}", "--learn", f"{view}.json", "bash", "-c", "printf '#!/bin/sh\n/bin/true' >/tmp/s; chmod +x /tmp/s; /tmp/s; cd /usr/bin; ./env ls >/dev/null")
    expect(made.status == 0, str(made))
learned = [json.load(open(f"{view}.json", encoding="utf-8")) for view in ("copy", "fuse")]
expect(learned[0] == learned[1], f"{learned}")

says(jail("--view=mirror", "true"), 125, "--view=mirror: auto, fuse or copy is wanted")
done()
