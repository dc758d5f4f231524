# SPDX-License-Identifier: GPL-2.0-only
# limit: 120
"""--only: chosen calls go to the server, and everything else is the program's own kernel's: whose network, whose files, which environment, what a policy has to say of it, and how it ends."""
import errno
import json
import os
import socket
import sys
import tempfile
import threading

import process
import wire
from caselib import JAIL, Server, done, expect, jail, policy, run, says, start_jail, write_policy

NETWORK = ("--only", "@network-io")
PYTHON = sys.executable
os.chdir(tempfile.mkdtemp())
server = Server(policy_file=policy(network="none"))


def only(*arguments, options=NETWORK, to=server, **more):
    return jail(*options, *arguments, server=to.address, **more)


def python(text, *arguments, **more):
    return only(PYTHON, "-c", "import os, socket, sys\n" + text, *arguments, **more)


# ---- networks: the sandbox's, which has a loopback of its own; local sockets are this machine's ----
listener = socket.create_server(("127.0.0.1", 0))
port = listener.getsockname()[1]
made = python(f"""
try:
    socket.create_connection(("127.0.0.1", {port}))
except ConnectionRefusedError:
    print("not this machine's")
s = socket.create_server(("127.0.0.1", {port}))
print("its own", s.fileno())
""")
expect(made.stdout == "not this machine's\nits own 3\n", str(made))
unix = socket.socket(socket.AF_UNIX)
unix.bind("here")
unix.listen()
threading.Thread(target=lambda: unix.accept()[0].sendall(b"from this machine"), daemon=True).start()
expect(python("s = socket.socket(socket.AF_UNIX); s.connect('here'); print(s.recv(100).decode())").stdout == "from this machine\n", "a local socket")
made = python("s = socket.socket(socket.AF_UNIX)\ntry: s.connect('here')\nexcept OSError as e: print(e.strerror)", options=("--only", "socket"))
expect(made.stdout == "No such file or directory\n", f"all sockets: {made}")

made = python("""
s = socket.socket()
print(os.readlink(f"/proc/self/fd/{s.fileno()}")[:8])
try: os.open(f"/proc/self/fd/{s.fileno()}", os.O_WRONLY)
except OSError as e: print(e.strerror)
""")
expect(made.stdout == "socket:[\nNo such device or address\n", f"by its name in /proc: {made}")

# ---- descriptors in messages: over a socket of the side that they are at home on ----
MESSAGES = """
name = "\\0" + str(os.getpid())
there, outer = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_INET)
there.bind(name)
there.listen()
outer.bind(("127.0.0.1", 0))
client = socket.socket(socket.AF_UNIX)
client.connect(name)
server = there.accept()[0]
here = socket.socketpair()
def told(*arguments):
    try: return socket.send_fds(*arguments)
    except OSError as e: return e.strerror
child = os.fork()
if child == 0:
    client.close()
    message, numbers, flags, _ = socket.recv_fds(server, 10, 4)
    kept = [socket.socket(fileno=n) for n in numbers]
    print(message.decode(), flags, len(numbers), [one.getsockname() == outer.getsockname() for one in kept], os.open("/dev/null", os.O_RDONLY) not in numbers, flush=True)
    os._exit(0)
print(told(client, [b"two"], [outer.fileno(), outer.fileno()]), os.waitpid(child, 0)[1], told(client, [b"x"], [0]), told(here[0], [b"x"], [outer.fileno()]), told(here[0], [b"x"], [0]))
"""
for backend in ("notify", "ptrace"):
    made = python(MESSAGES, options=("--only", "socket", f"--intercept={backend}"))
    expect(made.stdout == "two 0 2 [True, True] True\n3 0 Operation not supported Operation not supported 1\n", f"messages, {backend}: {made}")

# ---- a web server and its clients, whose files are this machine's ----
os.mkdir("www")
with open("www/page", "wb") as f:
    f.write(os.urandom(3 << 20))
CLIENTS = """
import http.server, functools, threading, urllib.request
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory="www")
handler.log_message = lambda *_: None
class Quiet(http.server.SimpleHTTPRequestHandler):
    log_message = lambda *_: None
web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory="www"))
threading.Thread(target=web.serve_forever, daemon=True).start()
url = "http://127.0.0.1:%d/page" % web.server_address[1]
def fetch(name):
    with urllib.request.urlopen(url) as answer, open(name, "wb") as f:
        f.write(answer.read())
threads = [threading.Thread(target=fetch, args=(f"page{n}",)) for n in range(6)]
for thread in threads: thread.start()
for thread in threads: thread.join()
os.system("curl -s -o curled %s || cp page0 curled" % url) # where there is none
"""
for backend in ("notify", "ptrace"):
    made = python(CLIENTS, options=(*NETWORK, f"--intercept={backend}"), seconds=40)
    expect((made.status, made.stderr) == (0, ""), str(made))
    with open("www/page", "rb") as f:
        page = f.read()
    for name in [f"page{n}" for n in range(6)] + ["curled"]:
        with open(name, "rb") as f:
            expect(f.read() == page, f"{name} is another")
        os.unlink(name)

# ---- the other way round: the server's files, and this machine's network ----
made = python(f"s = socket.create_connection(('127.0.0.1', {port})); print(os.path.exists('/oracle') or os.path.exists('/guests'), os.getcwd())", options=("--only", "statx,stat,newfstatat,getcwd,chdir", "--chdir", "/usr"))
expect(made.stdout.endswith(" /usr\n") and made.status == 0, str(made))
made = only("cat", "/proc/sys/kernel/hostname", options=("--only", "@file-system"))
expect(made.stdout == "sandbox\n", f"@file-system: {made}")
os.mkdir("directory")
with open("directory/file", "w", encoding="utf-8") as f:
    f.write("this machine's")
# An open is the server's, but for what starts at a directory of this machine's (which was inherited).
made = run(JAIL, "--server", server.address, "--only", "openat,open", PYTHON, "-S", "-c", """
import os
print(os.read(os.open("file", os.O_RDONLY, dir_fd=9), 100).decode())
there = os.open("/usr", os.O_RDONLY | os.O_DIRECTORY)
print("bin" in os.listdir(there))
try: os.link("file", "other", src_dir_fd=9, dst_dir_fd=there)
except OSError as e: print(e.strerror)
""", pass_fds=[os.dup2(os.open("directory", os.O_PATH | os.O_DIRECTORY), 9)])
expect(made.stdout == "this machine's\nTrue\nInvalid cross-device link\n", str(made))

# ---- the program is the user's own ----
made = only("sh", "-c", "echo $ODD $1; cat; pwd; exit 3", "sh", "argument", env={"ODD": "as it is"}, stdin=open("directory/file", encoding="utf-8"))
expect((made.status, made.stdout) == (3, f"as it is argument\nthis machine's{os.getcwd()}\n"), str(made))
expect(only("sh", "-c", "kill -USR1 $$").status == 138, "killed by a signal")
expect(only("id").stdout == run("id").stdout, "its ids")
expect(only("sh", "-c", "echo $ODD", options=(*NETWORK, "--setenv", "ODD=set"), env={"ODD": "had"}).stdout == "set\n", "a variable")
expect(only("sh", "-c", "ulimit -n; ulimit -Hn").stdout == run("sh", "-c", "ulimit -n; ulimit -Hn").stdout, "its limits")
expect(only("ls", "/proc/self/fd", options=(*NETWORK, "--intercept=notify")).stdout == run("ls", "/proc/self/fd").stdout, "nobody's descriptors but its own")
expect(only("name", options=(*NETWORK, "--local", "/bin/echo")).stdout == "\n" and only("./nothing").status == 127 and only("./directory").status == 126, "which program")
made = only(f"/proc/{os.getpid()}/exe", "-c", f"import os; print(os.path.exists('/proc/{os.getpid()}'))")
expect(made.stdout == "True\n", f"other processes: {made}")

# ---- what a policy says ----
with open(os.environ["RSYS_TEST_POLICY"], encoding="utf-8") as f:
    base = json.load(f)
base["sandbox"]["network"] = "none"


def with_rules(default, *rules):
    return Server(policy_file=write_policy(json.dumps({"defaultAction": default, "syscalls": list(rules), "sandbox": base["sandbox"]})))


NETS = {"names": ["socket"], "action": "remote", "args": [{"index": 0, "value": socket.AF_UNIX, "op": "SCMP_CMP_NE"}]}
chosen = with_rules("local", NETS, {"names": ["mkdir", "mkdirat"], "action": "deny", "errnoRet": errno.EDQUOT}, {"names": ["sethostname"], "action": "remote"})
says(only("true", options=(), to=chosen), 125, "--only policy")
made = python("socket.create_server(('127.0.0.1', 0)); print(os.path.exists('here'))\ntry: os.mkdir('x')\nexcept OSError as e: print(e.strerror)", options=("--only", "policy"), to=chosen)
expect(made.stdout == "True\nDisk quota exceeded\n", str(made))
expect(python("socket.create_server(('127.0.0.1', 0)); print('done')", to=chosen).stdout == "done\n", "what the policy has chosen, by name")
says(only("true", options=("--only", "uname"), to=chosen), 125, "--only uname: the server's policy leaves it to this machine")
says(only("true", options=("--only", "mkdir"), to=chosen), 125, "--only mkdir: the server's policy denies it")
says(only("true", options=("--only", "@chown"), to=chosen), 125, "--only @chown: the server's policy .* all of its calls")
says(only("true", options=("--only", "policy")), 125, "--only policy: the server's policy chooses no calls")
chosen.says("denied with EDQUOT: mkdir")
# A client that lies has its executors make no others.
lying = wire.Session(chosen.address)
executor = lying.spawn(10)
expect(executor.call_path(2, "/etc/hostname") == -errno.ENOSYS, "an open that was not chosen")
expect(executor.call(41, socket.AF_UNIX, 1, 0) == -errno.ENOSYS and executor.call(41, socket.AF_INET, 1, 0) >= 0, "sockets")
lying.close()

# ---- ends ----
waiting = start_jail(*NETWORK, PYTHON, "-c", "import socket; s = socket.create_server(('127.0.0.1', 0)); print('waits', flush=True); s.accept()", server=chosen.address)
waiting.saw("waits")
chosen.child.kill()
says(waiting.wait(), 125, "server")
waiting = start_jail(*NETWORK, "sh", "-c", "sleep 1000 & echo $!; exec sleep 1000", server=server.address)
waiting.saw("\n")
child = int(waiting.read())
waiting.kill()
waiting.wait()


def has_ended(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
            return f.read().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


expect(process.until(lambda: has_ended(child), 10), "a guest outlives rsys-jail")
expect(server.idle(10), "something is left on the server")
done()
