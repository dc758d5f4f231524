# SPDX-License-Identifier: GPL-2.0-only
"""Two sessions at once cannot see each other's files, processes, host names, shared memory or sockets."""
from caselib import Server, done, expect, jail, start_jail

# Over a unix socket: there connect(2) is allowed for every kind of server.
server = Server(listen="unix:sock")

one = start_jail("python3", "-c", """
import os, socket, subprocess, time
open("/tmp/secret", "w").write("x"); open("/dev/shm/other", "w").write("x")
open("/dev/shm/shared", "w").write("x"); open("/work/secret", "w").write("x")
l = socket.create_server(("127.0.0.1", 7777))
a = socket.socket(socket.AF_UNIX); a.bind("\\0abstract"); a.listen(1)
subprocess.Popen(["sleep", "3210"])
print("ready", flush=True)
time.sleep(60)
""", server=server.address)
one.saw("ready")
two = jail("bash", "-c", """
find /tmp /dev/shm /work -mindepth 1 2>/dev/null
cat /proc/[0-9]*/comm | grep -c '^sleep$'
python3 - <<'END'
import socket
for family, name in ((socket.AF_INET, ("127.0.0.1", 7777)), (socket.AF_UNIX, "\\0abstract")):
    try:
        socket.socket(family).connect(name)
        print("connected")
    except OSError as e:
        print(type(e).__name__)
END
echo end
""", server=server.address)
expect(two.stdout == "0\nConnectionRefusedError\nConnectionRefusedError\nend\n", f"the second session sees: {two}")
one.kill()
done()
