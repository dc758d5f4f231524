# SPDX-License-Identifier: GPL-2.0-only
"""Log lines: as text they name the session; as JSON each is an object with its time, level, session and peer; the journal is told priorities."""
import datetime
import json
import os
import re
import signal
import socket

from caselib import SANDBOXD, Server, done, expect, jail, process, run, says, write_policy


def session(*options, **more):
    """The lines of a daemon that has one session, is asked to reload a wrong policy, and ends."""
    path = write_policy(open(os.environ["RSYS_TEST_POLICY"], encoding="utf-8").read())
    server = Server("--verbose", *options, policy_file=path, wait=False, **more)
    server.says(r"listening on tcp:")
    address = re.search(r"listening on ([^\s\"]+)", server.text())[1]
    says(jail("/bin/true", server=address), 0)
    server.says("ended after")
    with socket.create_connection(("127.0.0.1", int(address.rsplit(":", 1)[1]))) as stranger:
        stranger.sendall(b"GET / HTTP/1.0\r\nUser-Agent: a browser, perhaps\r\n\r\n")
        server.says("does not speak rsys")
    write_policy('{"quo\\"te\\n\\u001b\\u0085": 1}', path)
    server.child.send_signal(signal.SIGHUP)
    server.says("stays as it was")
    server.child.send_signal(signal.SIGINT)
    expect(process.wait_limited(server.child, 10) == 0, f"no clean end: {server.text()}")
    return server.text().splitlines()


lines = session()
for pattern in (r"rsys-sandboxd: listening on tcp:127\.0\.0\.1:\d+$", r"rsys-sandboxd: session 1: started for tcp:127\.0\.0\.1:\d+$",
                r"rsys-sandboxd: session 1: its sandbox runs, after \d+ ms$", r"rsys-sandboxd: session 1: ended: the client is gone$",
                r"rsys-sandboxd: session 1: ended after \d+ ms$", r"rsys-sandboxd: tcp:127\.0\.0\.1:\d+: does not speak rsys$",
                "rsys-sandboxd: the policy stays as it was: .*"):
    expect([line for line in lines if re.fullmatch(pattern, line)], f"no /{pattern}/: {lines}")

began = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=1)
objects = [json.loads(line) for line in session("--log-format", "json")]
for one in objects:
    when = datetime.datetime.strptime(one["time"], "%Y-%m-%dT%H:%M:%S.%f%z")
    expect(began <= when <= datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=1), f"time: {one}")
    expect(one["level"] in ("error", "info", "debug") and one["message"], f"level, message: {one}")
    expect(list(one) == [key for key in ("time", "level", "session", "peer", "message") if key in one], f"keys: {one}")
of_session = [one for one in objects if one.get("session") == 1]
expect([one["message"].split(" ")[0] for one in of_session] == ["started", "its", "ended:", "ended"], f"the session: {of_session}")
expect(len({one["peer"] for one in of_session}) == 1 and of_session[0]["peer"].startswith("tcp:127.0.0.1:"), f"its peer: {of_session}")
expect([one for one in objects if one["message"] == "does not speak rsys" and one["peer"].startswith("tcp:") and "session" not in one], f"the stranger: {objects}")
wrong = [one for one in objects if "stays as it was" in one["message"]]
expect(len(wrong) == 1 and wrong[0]["level"] == "error" and 'quo"te?' in wrong[0]["message"] and "\x1b" not in wrong[0]["message"], f"the wrong policy: {wrong}")

# The journal: only when stderr is what JOURNAL_STREAM says.
lines = session(env={**os.environ, "JOURNAL_STREAM": "1:2"})
expect(not [line for line in lines if line.startswith("<")], f"not the journal: {lines}")
with open("journal", "wb") as log:
    named = os.fstat(log.fileno())
    child = process.start([SANDBOXD, "--verbose", "--control", "", "--listen", "unix:x", "--policy", os.environ["RSYS_TEST_POLICY"]], log, log,
                          env={**os.environ, "JOURNAL_STREAM": f"{named.st_dev}:{named.st_ino}"})
expect(process.until(lambda: b"listening" in open("journal", "rb").read(), 10), "it does not start")
says(jail("/bin/true", server="unix:" + os.path.abspath("x")), 0)
child.send_signal(signal.SIGINT)
expect(process.wait_limited(child, 10) == 0, "no clean end")
lines = open("journal", encoding="utf-8").read().splitlines()
expect([line for line in lines if line.startswith("<6>rsys-sandboxd: session 1: started for ")] and
       [line for line in lines if line.startswith("<7>rsys-sandboxd: session 1: ended: ")], f"priorities: {lines}")
says(run(SANDBOXD, "--log-format", "xml"), 2, "--log-format=xml: expected text or json")
done()
