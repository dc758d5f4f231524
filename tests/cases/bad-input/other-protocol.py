# SPDX-License-Identifier: GPL-2.0-only
"""What listens speaks something else, or closes: 125, and the message says so."""
from caselib import FakeServer, done, expect, jail, says

for handle in (lambda c: c.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n"), lambda c: c.sendall(b"SSH-2.0-OpenSSH_9.2\r\n"), lambda c: c.close(),
               lambda c: c.sendall(b"\0" * 64)):
    output = jail("--connect-timeout", "5", "/bin/true", server=FakeServer(handle).address)
    says(output, 125, "rsys-jail: .*(speak|rsys-sandboxd)")
    expect(output.seconds < 8, f"it took long: {output}")
done()
