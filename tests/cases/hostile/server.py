#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""server.py: a server that lies in its replies: the supervisor goes on or ends in order, whatever they say, and never crashes."""
# limit: 120
import os
import random
import re
import socket
import struct
import subprocess
import sys
import threading

import process
import wire
from caselib import SERVER, SLOW, done, expect, start_jail

RESULTS = [0, 1, 2, 3, 4, 7, 63, 64, 255, 256, 1024, 4095, 4096, 1 << 20, (1 << 20) + 1, (1 << 31) - 1, 1 << 31, 1 << 32, (1 << 32) + 3, (1 << 63) - 1,
           -1, -2, -4, -9, -11, -512, -513, -514, -516, -4095, -4096, -(1 << 31), -(1 << 32), -(1 << 63)]
GUEST = ("ls -l /usr | tail -n 3; cat /etc/passwd | wc -l; cp /bin/true /tmp/t; /tmp/t; for i in 1 2 3 4 5 6; do (cd /; echo $i; readlink /proc/self/cwd) & "
         "done; wait; sort /etc/passwd | head -n 1; find /etc -maxdepth 1 | wc -l; echo end")


class Liar:
    """Between a client and the real server: passes all on, but for some replies."""

    def __init__(self, seed, rate, kinds):
        self.rng, self.rate, self.kinds, self.lies = random.Random(seed), rate, kinds, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "tcp:127.0.0.1:%d" % self.listener.getsockname()[1]
        self.open = [self.listener]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        try:
            while True:
                client, _ = self.listener.accept()
                server = wire.connect(SERVER)
                server.settimeout(None)
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.open += [client, server]
                hello = wire.receive(client, wire.HELLO.size)
                server.sendall(hello)
                kind = wire.HELLO.unpack(hello)[2]
                session = kind == wire.HELLO_SESSION
                threading.Thread(target=self.pump, args=(client, server), daemon=True).start()
                if kind == wire.HELLO_TETHER: # no replies there
                    threading.Thread(target=self.pump, args=(server, client), daemon=True).start()
                else:
                    threading.Thread(target=self.replies, args=(server, client, session), daemon=True).start()
        except (OSError, wire.Gone):
            pass

    @staticmethod
    def pump(source, to):
        try:
            while data := source.recv(65536):
                to.sendall(data)
        except OSError:
            pass
        finally:
            for s in (source, to):
                try:
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def replies(self, server, client, session):
        try:
            if session:
                head = wire.receive(server, wire.HELLO_REPLY.size)
                client.sendall(head + wire.receive(server, wire.HELLO_REPLY.unpack(head)[3]))
            while True:
                seq, size, result, signals = wire.REPLY.unpack(wire.receive(server, wire.REPLY.size))
                data = bytearray(wire.receive(server, size))
                if self.rng.random() < self.rate:
                    seq, result, signals, data = self.lie(seq, result, signals, data)
                client.sendall(wire.REPLY.pack(seq, len(data), result, signals) + data)
        except (OSError, wire.Gone):
            pass
        finally:
            for s in (server, client):
                try:
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def lie(self, seq, result, signals, data):
        self.lies += 1
        kind = self.rng.choice(self.kinds)
        if kind == "result":
            result = self.rng.choice(RESULTS)
        elif kind == "signals":
            signals = self.rng.choice([1 << self.rng.randrange(64), (1 << 64) - 1])
        elif kind == "seq":
            seq = self.rng.choice([0, 1, seq + 1, 0xffffffff])
        elif kind == "told":
            number, code = self.rng.choice([-1, 0, 1, 2, 9, 10, 17, 19, 29, 34, 63, 64, 65, 1 << 30]), self.rng.choice([0, -1, -3, -5, -6, -60, 1, 2, 6, 0x80, 1 << 30])
            seq, data = 0xffffffff, bytearray(struct.pack("<iii", number, 0, code) + self.rng.randbytes(self.rng.choice((36, 36, 0, 100))))
        elif kind == "greeting":
            seq, result, signals, data = 0, self.rng.choice([1, 2, 3, 4, 5, 6, 7, 8, -11, -1]), self.rng.randrange(12), bytearray()
        elif kind == "data" and data:
            for _ in range(self.rng.choice((1, 4, len(data)))):
                data[self.rng.randrange(len(data))] = self.rng.randrange(256)
        elif kind == "length":
            value = struct.pack("<I", self.rng.choice((0, 1, len(data), 0x7fffffff, 0xffffffff)))
            data[:4] = value if len(data) >= 4 else b""
        elif kind == "size":
            data = data + bytes(self.rng.choice((1, 4, 100, 70000))) if self.rng.random() < 0.5 else data[:len(data) // 2]
        return seq, result, signals, data

    def close(self):
        for s in self.open:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()


KINDS = ["result", "result", "data", "length", "size", "signals", "seq", "greeting", "told"]
seeds = [int(s) for s in sys.argv[1:]] or range(27)
lies = ended = 0
for seed in seeds:
    liar = Liar(seed, (0.003, 0.01, 0.05)[seed % 3], [KINDS[seed // 3 % len(KINDS)]] if seed % 2 else KINDS)
    running = start_jail("/bin/sh", "-c", GUEST, server=liar.address, stdin=subprocess.DEVNULL)
    # Whoever waits for an answer that never comes waits: then the server goes.
    status = process.wait_limited(running.child, 1.5 * SLOW)
    ended += status is not None
    liar.close()
    print(f"seed {seed}: {liar.lies} lies, status {status}", flush=True)
    output = running.wait(20)
    lies += liar.lies
    expect(not re.search(r"supervisor was killed|Sanitizer|corrupt|free\(\)|malloc", output.stderr), f"seed {seed}: {output}")
print(f"{lies} lies; {ended} of {len(seeds)} sessions ended by themselves")
expect(lies > len(seeds), "hardly a lie was told")
done()
