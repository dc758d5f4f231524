# SPDX-License-Identifier: GPL-2.0-only
"""abuse.py: what bad clients do, and how long an honest one waits meanwhile.

The bad ones come from another address of the loopback (127.0.0.2), in a process of their own that yields its CPU to others: on a network it would have
its own."""
import multiprocessing
import os
import random
import socket
import struct
import time

import wire

GETPID = 39
HELLO = wire.HELLO.pack(wire.MAGIC, wire.VERSION, wire.HELLO_SESSION, bytes(16))
RESET = struct.pack("ii", 1, 0)
RATE = 5000 # things that an attacker does in a second, if it can


class Bad:
    """An attacker's connections."""

    def __init__(self, address, stop, count):
        host, port = address.removeprefix("tcp:").rsplit(":", 1)
        self.to, self.stop, self.count, self.kept = (host, int(port)), stop, count, []
        self.began = time.monotonic()

    def counted(self):
        """One more; not before its time."""
        self.count.value += 1
        ahead = self.count.value / RATE - (time.monotonic() - self.began)
        if ahead > 0.002:
            time.sleep(ahead)

    def connect(self, wait=2.0):
        s = socket.socket()
        s.settimeout(wait)
        s.bind(("127.0.0.2", 0))
        s.connect(self.to)
        self.counted()
        return s

    def keep(self, s, most):
        self.kept.append(s)
        if len(self.kept) > most:
            self.kept.pop(0).close()

    def drop(self, s):
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        s.close()


def silent(bad):
    """connections that say nothing, as fast as they can be made, 2000 held"""
    while not bad.stop.is_set():
        bad.keep(bad.connect(), 2000)


def slow(bad):
    """1000 connections that send a byte of their hello each second"""
    at = 0
    while not bad.stop.is_set():
        while len(bad.kept) < 1000 and not bad.stop.is_set():
            bad.kept.append(bad.connect())
        for s in bad.kept[:]:
            try:
                s.send(HELLO[at % 39:at % 39 + 1])
            except OSError:
                bad.kept.remove(s)
                s.close()
        at += 1
        bad.stop.wait(1)


def garbage(bad):
    """connections that send what is no hello"""
    rng = random.Random(1)
    while not bad.stop.is_set():
        s = bad.connect()
        s.sendall(rng.randbytes(40))
        bad.drop(s)


def vanish(bad):
    """good hellos of sessions, and a reset at once"""
    while not bad.stop.is_set():
        s = bad.connect()
        s.sendall(HELLO)
        bad.drop(s)


def impatient(bad):
    """good hellos of sessions, 50 at a time, and gone after 5 ms"""
    while not bad.stop.is_set():
        hellos = [bad.connect() for _ in range(50)]
        for s in hellos:
            s.sendall(HELLO)
        time.sleep(0.005)
        for s in hellos:
            bad.drop(s)


def wrong_tokens(bad):
    """channels for sessions that there are not"""
    while not bad.stop.is_set():
        s = bad.connect()
        s.sendall(wire.HELLO.pack(wire.MAGIC, wire.VERSION, wire.HELLO_CHANNEL, os.urandom(16)))
        bad.drop(s)


def deaf(bad):
    """sessions whose welcome nobody reads, as many as one may have, and more hellos all the time"""
    while not bad.stop.is_set():
        s = bad.connect()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        s.sendall(HELLO)
        bad.keep(s, 300)
        time.sleep(0.001)


class BadSession(wire.Session):
    """One whose connections come from the bad address, and have no more than a moment's patience."""

    def __init__(self, bad):
        self.bad, self.address, self.channels = bad, None, []
        self.control = wire.Channel(bad.connect(20))
        self.control.s.sendall(HELLO)
        _, _, status, size = wire.HELLO_REPLY.unpack(wire.receive(self.control.s, wire.HELLO_REPLY.size))
        payload = wire.receive(self.control.s, size)
        assert status == 0, payload
        self.token, self.nofile = wire.WELCOME.unpack_from(payload)[:2]

    def spare(self):
        s = self.bad.connect()
        s.sendall(wire.HELLO.pack(wire.MAGIC, wire.VERSION, wire.HELLO_CHANNEL, self.token))
        return wire.Channel(s)


def channels(bad):
    """one session that opens channels without end"""
    session = BadSession(bad)
    while not bad.stop.is_set():
        bad.keep(session.spare().s, 5000)


def spawns(bad):
    """one session that asks for processes without end, on no channels"""
    session = BadSession(bad)
    pid = 10
    while not bad.stop.is_set():
        pid += 1
        if session.control.call(wire.OP_SPAWN, pid) < 0:
            time.sleep(0.01)
        bad.counted()


def busy(bad):
    """one session whose four executors make calls without end"""
    session = BadSession(bad)
    executors = [session.spawn(10 + n) for n in range(4)]
    while not bad.stop.is_set():
        for executor in executors:
            executor.send(GETPID)
        for executor in executors:
            executor.receive()
            bad.counted()


ATTACKS = (silent, slow, garbage, vanish, impatient, wrong_tokens, deaf, channels, spawns, busy)


def attack(how, address, stop, count):
    os.nice(5)
    bad = Bad(address, stop, count)
    while not stop.is_set():
        try:
            how(bad)
        except (OSError, wire.Gone, AssertionError):
            time.sleep(0.001) # it is refused, or hung up on: once more


def one_start(address):
    began = time.monotonic()
    session = wire.Session(address)
    answered = session.spawn(10).call(GETPID) == 10
    took = time.monotonic() - began
    session.close()
    return took if answered else None


def honest(address, count):
    """Sorted seconds from the connection to the first answer of a session, count times; None where there was none."""
    found = []
    for _ in range(count):
        try:
            found.append(one_start(address))
        except (OSError, wire.Gone, AssertionError) as error:
            print(f"  an honest session failed: {error!r}", flush=True)
            found.append(None)
        time.sleep(0.02)
    return sorted(seconds for seconds in found if seconds is not None), found.count(None)


def text(times):
    return f"median {times[len(times) // 2] * 1000:7.1f} ms, nine of ten {times[len(times) * 9 // 10] * 1000:7.1f} ms, worst {times[-1] * 1000:7.1f} ms" if times else "none"


def run(address, rounds, names=()):
    """Each attack in turn.  How many honest sessions failed, and {attack: ratio of the medians}, to what is usual just before."""
    failed, ratios = 0, {}
    context = multiprocessing.get_context("fork")
    for how in ATTACKS:
        if names and how.__name__ not in names:
            continue
        usual, wrong = honest(address, rounds)
        failed += wrong
        stop, count = context.Event(), context.Value("q", 0)
        child = context.Process(target=attack, args=(how, address, stop, count), daemon=True)
        child.start()
        time.sleep(0.5) # it is to be at its height
        began, before = time.monotonic(), count.value
        times, wrong = honest(address, rounds)
        rate = (count.value - before) / (time.monotonic() - began)
        stop.set()
        child.join(10)
        if child.is_alive():
            child.kill()
            child.join()
        failed += wrong
        ratios[how.__name__] = times[len(times) // 2] / usual[len(usual) // 2] if times and usual else float("inf")
        print(f"  {how.__name__:12} {ratios[how.__name__]:5.1f} times the usual {usual[len(usual) // 2] * 1000:.1f} ms: {text(times)}; {rate:.0f} a second: {how.__doc__}", flush=True)
        time.sleep(0.5)
    return failed, ratios
