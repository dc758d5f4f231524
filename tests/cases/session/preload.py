# SPDX-License-Identifier: GPL-2.0-only
"""rsys-preload: files of both sides side by side, by --paths and --calls; what is handed on by execve whatever the environment; the server's end; nothing is left."""
import os
import signal

from caselib import PRELOAD, SERVER, Running, Server, done, expect, process, run, says


def preload(*arguments, server=SERVER, **more):
    return run(PRELOAD, "--server", server, *arguments, **more)


def prints(output, text, status=0):
    expect(output.status == status and output.stdout == text, f"{text!r} expected: {output}")


def alive(pids):
    table = process.table()
    return [pid for pid in pids if pid in table and table[pid][1] not in "ZX"]


def in_poll(pid):
    """Whether it waits in poll(2), as the library does for the server."""
    with open(f"/proc/{pid}/syscall", encoding="utf-8") as f:
        return f.read().startswith("7 ")


here = os.getcwd()
with open("local", "w", encoding="utf-8") as f:
    f.write("of the client\n")

# One program, files of both sides; the last pattern that matches decides.
prints(preload("--paths", "/work", "/bin/sh", "-c", f"echo of the server >/work/f; cat /work/f {here}/local; cp {here}/local /work/g; mv /work/g {here}/moved; ls /work"), "of the server\nof the client\nf\n")
expect(not os.path.exists("/work/f") and open("moved", encoding="utf-8").read() == "of the client\n", "the move between the sides")
prints(preload("--paths", f"!{here}", "/bin/sh", "-c", f"echo x >/work/f; cat {here}/local; cat /etc/hostname >/dev/null && cd /work && pwd && cat f && cd {here} && cat local"),
       f"of the client\n/work\nx\nof the client\n")
prints(preload("--paths", "/work/*/in", "/bin/sh", "-c", "mkdir /work 2>/dev/null; cat /work/a/in/f 2>/dev/null || echo none"), "none\n")
# Redirections, descriptors and here-documents of both sides in one shell, over forks and programs.
prints(preload("--paths", "/tmp/of-the-server", "/bin/bash", "-c",
               f"""exec 3>/tmp/of-the-server 4>{here}/both; (echo three >&3; echo four >&4) ; echo more >&3; exec 3>&- 4>&-; cat /tmp/of-the-server - {here}/both <<<"here"; wc -l </tmp/of-the-server"""),
       "three\nmore\nhere\nfour\n2\n")
# A program that is executed has the session, whatever became of its environment, and sees nothing of it there.
prints(preload("--paths", "/work", "/usr/bin/env", "-i", "/bin/sh", "-c", "echo y >/work/f; /usr/bin/env -i /bin/cat /work/f; /usr/bin/env -i /usr/bin/env"), "y\n")
# Calls by name: the sandbox's host name, the files of this machine.
own = os.uname().nodename
output = preload("--calls", "uname", "/bin/sh", "-c", f"uname -n; cat {here}/local")
prints(output, "sandbox\nof the client\n")
expect(own != "sandbox", "the client is called as the sandbox is")
# Sockets of the sandbox's network beside a child's pipe, in one event loop.
prints(preload("--calls", "@network-io", "/usr/bin/python3", "-c", """
import asyncio, os, signal, socket
async def upper(reader, writer):
    writer.write((await reader.readline()).upper())
    writer.close()
async def main():
    server = await asyncio.start_server(upper, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    child = await asyncio.create_subprocess_exec("/bin/echo", "of a child", stdout=asyncio.subprocess.PIPE)
    writer.write(b"of the sandbox\\n")
    print(await reader.readline(), await child.communicate())
    asyncio.get_running_loop().call_later(0.05, os.kill, os.getpid(), signal.SIGUSR1)
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, told.set)
    await told.wait()
asyncio.run(main())
a, b = socket.socketpair()
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
a.close()
print("before the signal", flush=True)
b.send(b"x")
print("behind it")
"""), "b'OF THE SANDBOX\\n' (b'of a child\\n', None)\nbefore the signal\n", 128 + signal.SIGPIPE)
# The program's own limits, statuses and signals.
expect(preload("/bin/sh", "-c", "exit 7").status == 7, "exit status")
expect(preload("/bin/sh", "-c", "kill -TERM $$").status == 128 + signal.SIGTERM, "ended by a signal")
# A private server.
prints(run(PRELOAD, "--paths", "/tmp/of-the-server", "/bin/sh", "-c", "echo private >/tmp/of-the-server; cat /tmp/of-the-server"), "private\n")
expect(not os.path.exists("/tmp/of-the-server"), "a file of the server's is here")

# A handler runs while a call waits for the server, and the call goes on behind one with SA_RESTART; Ctrl-C ends the program in a call that waits.
prints(preload("--paths", "/work", "/usr/bin/python3", "-c", """
import os, signal, threading, time
os.mkfifo("/work/p")
told = []
signal.signal(signal.SIGUSR1, lambda *_: told.append(1))
signal.siginterrupt(signal.SIGUSR1, False)
child = os.fork()
if child == 0:
    while not os.path.exists("/work/go"):
        os.kill(os.getppid(), signal.SIGUSR1)
        time.sleep(0.01)
    with open("/work/p", "w") as f:
        f.write("through the pipe")
    os._exit(0)
threading.Thread(target=lambda: (time.sleep(0.1), open("/work/go", "w").close())).start()
print(open("/work/p").read(), bool(told), os.waitpid(child, 0)[1])
"""), "through the pipe True 0\n")
waits = Running([PRELOAD, "--server", SERVER, "--paths", "/work", "/bin/sh", "-c", "mkfifo /work/p; echo ready; read line </work/p"])
waits.saw("ready")
expect(process.until(lambda: in_poll(waits.pid), 10), "the call does not wait")
waits.kill(signal.SIGINT)
expect(waits.wait(5).status == 128 + signal.SIGINT, "ended in a call by SIGINT")

# The server ends: EIO from then on, one line for all processes of the session, and the program goes on.
server = Server()
running = Running([PRELOAD, "--server", server.address, "--paths", "/work", "/bin/bash", "-c",
                   f"echo x >/work/f; echo ready; until [ -e {here}/gone ]; do sleep 0.05; done; cat /work/f; (cat /work/f); echo z >/work/g; cat {here}/local"])
running.saw("ready")
below = server.processes()
os.kill(server.pid, signal.SIGKILL)
expect(process.until(lambda: not alive(below), 10), "the session's processes outlive the daemon")
open("gone", "w", encoding="utf-8").close()
output = running.wait()
says(output, 0, "/work/f: Input/output error", "/work/g: Input/output error")
expect(output.stderr.count("connection to the server is lost") == 1 and output.stdout == "ready\nof the client\n", str(output))

# A program that is killed: its session ends with it.
server = Server()
running = Running([PRELOAD, "--server", server.address, "--paths", "/work", "/bin/sh", "-c", "echo ready >/work/f; cat /work/f; while :; do :; done"])
running.saw("ready")
running.kill()
running.wait()
expect(server.idle(10), f"the session outlives its program: {server.text()}")
done()
