# SPDX-License-Identifier: GPL-2.0-only
"""The port is taken: status 1 and the address; a stale unix socket is replaced, one in use is not."""
import socket

from caselib import SANDBOXD, Server, done, jail, run, says

s = socket.create_server(("127.0.0.1", 0))
port = s.getsockname()[1]
says(run(SANDBOXD, "--listen", f"tcp:127.0.0.1:{port}"), 1, str(port))
stale = socket.socket(socket.AF_UNIX)
stale.bind("sock")
stale.close()
server = Server(listen="unix:sock")
says(jail("/bin/true", server="unix:sock"), 0)
says(run(SANDBOXD, "--listen", "unix:sock"), 1, "sock")
says(jail("/bin/true", server="unix:sock"), 0)
done()
