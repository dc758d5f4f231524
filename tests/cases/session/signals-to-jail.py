# SPDX-License-Identifier: GPL-2.0-only
"""Signals to rsys-jail go to the guest: its handler runs, its death is the status."""
import signal

from caselib import done, expect, says, start_jail

running = start_jail("bash", "-c", "trap 'echo got it; exit 5' TERM; echo ready; while :; do sleep 0.05; done")
running.saw("ready")
running.kill(signal.SIGTERM)
says(running.wait(10), 5, "got it", stream="stdout")
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
    running = start_jail("sh", "-c", "echo ready; exec sleep 3000")
    running.saw("ready")
    running.kill(number)
    says(running.wait(10), 128 + number)
done()
