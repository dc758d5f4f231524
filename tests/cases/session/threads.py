# SPDX-License-Identifier: GPL-2.0-only
"""Eight threads make remote calls while one blocks; SIGKILL of the guest ends it at once on both sides."""
import signal
import time

from caselib import Server, done, expect, start_jail

server = Server()
running = start_jail("python3", "-u", "-c", """
import os, threading, time
r, w = os.pipe()
threading.Thread(target=lambda: os.read(r, 1), daemon=True).start()
def work(n):
    while True:
        fd = os.open(f"/tmp/{n}", os.O_CREAT | os.O_RDWR); os.write(fd, b"x"); os.close(fd)
for n in range(8):
    threading.Thread(target=work, args=(n,), daemon=True).start()
time.sleep(0.3)
for i in range(100):
    os.stat("/")
print("ready", os.getpid(), flush=True)
time.sleep(3000)
""", server=server.address)
running.saw("ready", 20)
before = time.monotonic()
running.kill(signal.SIGTERM)
output = running.wait(5)
expect(output.status == 128 + signal.SIGTERM, f"after SIGTERM: {output}")
expect(server.idle(2), f"processes are left on the server: {server.processes()}")
done()
