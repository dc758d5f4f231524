# SPDX-License-Identifier: GPL-2.0-only
"""Who may connect to a unix socket: --allow-uid, --socket-mode, and the policy's "clients".  Who is refused reads why, and nothing is started for it."""
import json
import os
import signal
import stat

from caselib import JAIL, SANDBOXD, VARIANT, Server, done, expect, jail, policy, process, run, says, write_policy

ME, OTHER = os.geteuid(), 4242


def mode_of(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


def refused(server, output, who):
    says(output, 125, rf"the server refused the session: the user with the id {who} is not allowed here")
    expect(process.until(lambda: "refused: the user with the id" in server.text(), 5), f"no log line: {server.text()}")
    expect("session 1" not in server.text() and not server.processes(), f"something was started: {server.text()}")


def with_clients(path, **clients):
    with open(policy(), encoding="utf-8") as f:
        made = json.load(f)
    made["clients"] = clients
    return write_policy(json.dumps(made), path)


# The command line's list.  It lets the users of the list reach the socket, too.
server = Server("--allow-uid", f"{OTHER},{ME}", listen="unix:listed")
expect(mode_of("listed") == 0o666, f"mode {mode_of('listed'):o}")
says(jail("sh", "-c", "id -u", server=server.address), 0)

server = Server("--allow-uid", str(OTHER), listen="unix:other")
for _ in range(20):
    refused(server, jail("true", server=server.address), ME)

# The mode.
server = Server("--socket-mode", "0640", "--allow-uid", str(ME), listen="unix:mode")
expect(mode_of("mode") == 0o640, f"mode {mode_of('mode'):o}")
server = Server(listen="unix:plain")
expect(mode_of("plain") == 0o600, f"mode {mode_of('plain'):o}")

# The policy's list, which is read again with it.  Both lists have to allow who is to come in.
path = with_clients("clients.json", uids=[OTHER])
server = Server(policy_file=path, listen="unix:policy")
expect(mode_of("policy") == 0o600, f"mode {mode_of('policy'):o}")
refused(server, jail("true", server=server.address), ME)
with_clients(path, uids=[OTHER, ME])
server.child.send_signal(signal.SIGHUP)
expect(process.until(lambda: "loaded again" in server.text(), 5), server.text())
says(jail("true", server=server.address), 0)
server = Server("--allow-uid", str(ME), policy_file=with_clients("none.json", uids=[]), listen="unix:none")
refused(server, jail("true", server=server.address), ME)

# A list of machines says nothing of users, nor one of users of TCP.
server = Server("--allow-cid", "3,host", "--socket-mode", "600", listen="unix:machines")
says(jail("true", server=server.address), 0)
server = Server("--allow-uid", str(OTHER))
says(jail("true", server=server.address), 0)

# Another user, whom the mode lets through.
if VARIANT == "root":
    os.chmod(".", 0o755)
    server = Server("--socket-mode", "0666", "--allow-uid", str(ME), listen=f"unix:{os.getcwd()}/another")
    refused(server, run("setpriv", "--reuid", str(OTHER), "--regid", str(OTHER), "--clear-groups", JAIL, "--server", server.address, "true"), OTHER)
    server = Server("--allow-uid", str(OTHER), listen=f"unix:{os.getcwd()}/another2")
    says(run("setpriv", "--reuid", str(OTHER), "--regid", str(OTHER), "--clear-groups", JAIL, "--server", server.address, "true"), 0)

for options, pattern in ((["--allow-uid", "no-such-user-here"], r'--allow-uid=no-such-user-here: "no-such-user-here" is not a user of this machine'),
                         (["--allow-uid", "1,"], r'"" is not a user'), (["--allow-uid", "4294967295"], "is not a user"),
                         (["--allow-cid", "3,0"], r'--allow-cid=3,0: "0" is not a vsock context id'), (["--allow-cid", "guest"], "is not a vsock context id"),
                         (["--socket-mode", "0668"], "octal digits"), (["--socket-mode", "1000"], "octal digits"), (["--socket-mode", ""], "octal digits")):
    says(run(SANDBOXD, *options), 2, pattern)
done()
