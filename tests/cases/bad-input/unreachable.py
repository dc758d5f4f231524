# SPDX-License-Identifier: GPL-2.0-only
"""Nobody listens: 125, at once, and the address is named."""
import socket

from caselib import done, expect, jail, says

s = socket.socket()
s.bind(("127.0.0.1", 0))
port = s.getsockname()[1]
s.close()
output = jail("/bin/true", server=f"tcp:127.0.0.1:{port}")
says(output, 125, rf"rsys-jail: .*127\.0\.0\.1:{port}.*refused")
expect(output.seconds < 5, f"it took long: {output}")
says(jail("/bin/true", server="unix:/none/socket"), 125, "/none/socket")
says(jail("/bin/true", server="tcp:no-such-host.invalid:9000"), 125, r"no-such-host\.invalid")
says(jail("/bin/true", server="nonsense"), 125, "nonsense")
says(jail("/bin/true", server="tcp:127.0.0.1:99999"), 125, "99999")
done()
