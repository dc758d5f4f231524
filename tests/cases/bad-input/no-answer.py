# SPDX-License-Identifier: GPL-2.0-only
"""Somebody listens and says nothing: 125 within the connect timeout."""
from caselib import FakeServer, SLOW, done, expect, jail, says

output = jail("--connect-timeout", "1", "/bin/true", server=FakeServer(lambda connection: None).address)
says(output, 125, "rsys-jail: .*no answer within")
expect(output.seconds < 3 * SLOW, f"it took long: {output}")
done()
