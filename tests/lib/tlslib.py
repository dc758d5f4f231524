# SPDX-License-Identifier: GPL-2.0-only
"""tlslib.py: keys, certificates and servers for the cases about tls: addresses."""
import os
import socket
import struct
import subprocess
import threading

import caselib
import wire
from caselib import BIN, SLOW, expect

KEYGEN = f"{BIN}/rsys-keygen"
PREAMBLE = wire.HELLO.pack(wire.MAGIC, wire.VERSION, wire.HELLO_TLS, bytes(16))


def keygen(*arguments):
    run = caselib.run(KEYGEN, *arguments)
    expect(run.status == 0, f"rsys-keygen {arguments}: {run}")
    return run.stdout


def server(folder, *options, **more):
    return caselib.Server("--key", f"{folder}/server.key", *options, listen="tls:127.0.0.1:0", **more)


def jail(one, key, *arguments, **more):
    return caselib.jail("--key", key, *arguments, server=getattr(one, "address", one), **more)


def write_key(path, *texts):
    with open(path, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as f:
        f.write("".join(texts))
    return path


def certtool(*arguments):
    subprocess.run(["certtool", "--outfile", arguments[0], *arguments[1:]], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, timeout=30 * SLOW)
    with open(arguments[0], encoding="utf-8") as f:
        return f.read()


class Certificate:
    """A key and a certificate of it: by itself, or by an authority."""

    def __init__(self, name, *lines, by=None):
        self.key_file, self.file, template = f"{name}.privkey", f"{name}.crt", f"{name}.template"
        self.key = certtool(self.key_file, "--generate-privkey", "--key-type", "ed25519")
        with open(template, "w", encoding="utf-8") as f:
            f.write("\n".join([f'cn = "{name}"', "signing_key", *lines, ""]))
        how = ["--generate-self-signed"] if by is None else ["--generate-certificate", "--load-ca-certificate", by.file, "--load-ca-privkey", by.key_file]
        self.text = certtool(self.file, *how, "--load-privkey", self.key_file, "--template", template)

    def revoke(self, *others):
        """A revocation list of this authority."""
        with open("revoked.pem", "w", encoding="utf-8") as f:
            f.write("".join(other.text for other in others))
        with open("crl.template", "w", encoding="utf-8") as f:
            f.write("crl_next_update = 30\ncrl_number = 1\n")
        return certtool("revoked.crl", "--generate-crl", "--load-ca-privkey", self.key_file, "--load-ca-certificate", self.file, "--load-certificate", "revoked.pem",
                        "--template", "crl.template")


PAST = ('activation_date = "2001-01-01 00:00:00"', 'expiration_date = "2002-01-01 00:00:00"')


def connect(address):
    return wire.connect(address.replace("tls:", "tcp:"))


class Relay:
    """Between a client and a server: what each sends is kept, and may be changed by a function of (connection number, direction, offset, bytes)."""

    def __init__(self, address, change=None):
        self.target, self.change = address, change
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "tls:127.0.0.1:%d" % self.listener.getsockname()[1]
        self.seen = []  # [to the server, to the client] of each connection
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            client, _ = self.listener.accept()
            try:
                there = connect(self.target)
            except OSError:
                client.close()
                continue
            there.settimeout(None)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            number = len(self.seen)
            self.seen.append([bytearray(), bytearray()])
            for direction, pair in enumerate(((client, there), (there, client))):
                threading.Thread(target=self.carry, args=(number, direction, *pair), daemon=True).start()

    def carry(self, number, direction, source, to):
        kept = self.seen[number][direction]
        try:
            while data := source.recv(65536):
                sent = data if self.change is None else self.change(number, direction, len(kept), data)
                kept += data
                to.sendall(sent)
        except OSError:
            pass
        for s in (source, to):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def closed(s, seconds=10):
    """All that comes until the other side closes; None: it does not in time."""
    s.settimeout(seconds * SLOW)
    data = b""
    try:
        while got := s.recv(65536):
            data += got
    except ConnectionResetError:
        pass
    except TimeoutError:
        return None
    return data


def refusal(data):
    """The message of a refused hello."""
    magic, version, status, size = struct.unpack_from("<IHHI", data)
    expect((magic, version, status) == (wire.MAGIC, wire.VERSION, 2) and len(data) == 12 + size, f"no refusal: {data!r}")
    return data[12:].decode()
