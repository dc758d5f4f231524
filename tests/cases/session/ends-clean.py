# SPDX-License-Identifier: GPL-2.0-only
"""A session that ends with processes in the background, however, leaves nothing on either side."""
from caselib import Server, done, expect, jail, process, says

server = Server()
says(jail("bash", "-c", "sleep 3000 & setsid sleep 3000 & disown -a; echo gone", server=server.address), 0, "gone", stream="stdout")
expect(server.idle(2), f"processes are left on the server: {server.processes()}")
says(jail("bash", "-c", "kill -9 $$", server=server.address), 137)
says(jail("bash", "-c", "trap '' TERM INT HUP; sleep 3000 & exit 9", server=server.address), 9)
expect(server.idle(2), f"processes are left on the server: {server.processes()}")
expect(server.child.poll() is None, "the daemon has ended")
done()
