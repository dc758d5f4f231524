# SPDX-License-Identifier: GPL-2.0-only
"""Clients that cut and resume as they should not: they harm their own session alone."""
import os
import socket
import struct

import wire
from caselib import Server, done, expect, jail, says

server = Server("--resume-timeout", "2")
RESUME = struct.Struct("<II")


def hello(kind, token=bytes(16), resume=0):
    return wire.HELLO_RESUME.pack(wire.MAGIC, wire.VERSION, kind, token, resume)


def tether(token, flags=0):
    s = wire.connect(server.address)
    s.sendall(hello(4, token, flags))
    magic, _, status, size = wire.HELLO_REPLY.unpack(wire.receive(s, wire.HELLO_REPLY.size))
    expect(magic == wire.MAGIC, "the answer to a tether's hello")
    return s, status, wire.receive(s, size)


def reset(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def greeting(channel):
    """Of a thread that greets again: its tid, and the last request that it has received."""
    seq, size, tid, _ = wire.REPLY.unpack(wire.receive(channel.s, wire.REPLY.size))
    expect(seq == 0 and size == RESUME.size, f"a second greeting: {seq} {size}")
    return tid, RESUME.unpack(wire.receive(channel.s, size))[0]


def resume(session, ack=0, told=0, nr=0x7006):
    channel = session.spare()
    tid, received = greeting(channel)
    channel.s.sendall(wire.frame(nr, (ack, told), seq=0, flags=wire.NOREPLY))
    channel.seq = received
    return channel, tid, received


# A token that is none; a session that is not to be resumed, and a wish that is none.
_, status, message = tether(os.urandom(16))
expect(status == 2 and b"no such session" in message, f"a wrong token: {status} {message}")
plain = wire.Session(server.address)
_, status, message = tether(plain.token)
expect(status == 2, f"a session without a wish to be resumed: {status} {message}")
plain.close()
for text in (hello(4, resume=2), hello(2, resume=3), hello(4, resume=1 << 31)):
    s = wire.connect(server.address)
    s.sendall(text)
    expect(wire.hung_up(s), "a malformed hello is served")

session = wire.Session(server.address, resume=60)
expect(session.resume == 2, f"the server's limit: {session.resume}")
held, status, _ = tether(session.token)
expect(status == 0, "a tether")
held.sendall(b"hello")
expect(wire.receive(held, 5) == b"hello", "the tether's echo")
first = session.spawn(10)
GETPID = 39
expect(first.call(GETPID) == 10, "a call")
# The reply to the last request comes again, as often as it is asked for; acknowledgements from the future or the past change nothing for others.
for ack in (0, 0, 1, 5, 0xffffffff, 0x7fffffff, 0x80000000):
    reset(first.s)
    first, tid, received = resume(session, ack, told=ack)
    expect(tid == 10 and received >= 1, f"greets with {tid} and {received}")
    if 0 < (received - ack) % (1 << 32) < 1 << 31:
        expect(first.receive()[0] == 10, "the last reply once more")
    expect(first.call(GETPID) == 10, f"a call after {ack:#x}")
# A request that was executed comes again under its number: the client's own affair.
first.s.sendall(wire.frame(GETPID, seq=first.seq))
expect(first.receive()[0] == 10, "the same number again")
# The thread of another process, told to reconnect: of this session alone.
expect(session.control.call(0x7804, 1, 1, 0) <= 0 and session.control.call(0x7804, 77777, 77777, 0) == -3, "RECONNECT")
# Something else than RESUME ends the executor, and nothing else.
reset(first.s)
channel, _, _ = resume(session, nr=GETPID)
expect(wire.hung_up(channel.s), "an executor that is answered nonsense goes on")
# Cutting all the time; then it ends as its tether ends.
second = session.spawn(20)
for _ in range(50):
    reset(second.s)
    second, tid, _ = resume(session)
    expect(tid == 20, "the thread")
for _ in range(20):
    old, held = held, tether(session.token)[0]
    reset(old)
held.close()
expect(server.idle(2), f"the session outlives its client: {server.processes()}")
# One whose client does not come back.
session = wire.Session(server.address, resume=60)
held, status, _ = tether(session.token)
session.spawn(10)
reset(held)
expect(server.idle(8), f"the session waits for too long: {server.processes()}")
# One whose client says that it ends, by any connection: an executor of a guest is not asked.
session = wire.Session(server.address, resume=60)
held, status, _ = tether(session.token)
first = session.spawn(10)
expect(first.call(0x7805) == -38 and first.call(GETPID) == 10, "END from a guest's channel")
session.control.send(0x7805, flags=wire.NOREPLY)
expect(server.idle(2), f"the session outlives its client's word: {server.processes()}")
says(jail("/bin/true", server=server.address), 0)
done()
