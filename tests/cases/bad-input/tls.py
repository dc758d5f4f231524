# SPDX-License-Identifier: GPL-2.0-only
"""What goes wrong with keys and TLS: each side says what failed and what to do, and nothing is started on the server."""
# limit: 60
import os
import ssl

import tlslib
from caselib import FakeServer, SANDBOXD, Server, done, expect, jail, process, run, says
from tlslib import PAST, PREAMBLE, Certificate, closed, connect, keygen, refusal, write_key

keygen("good")
keygen("other")
good, plain = tlslib.server("good", "--hello-timeout", "2"), Server()


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def logged(pattern):
    expect(process.until(lambda: pattern in good.text(), 5), f"no \"{pattern}\" in the server's log: {good.text()}")


def blocks(path):
    """The PEM blocks of a file: the private key, then certificates."""
    return [part + "-----END" + end.split("\n")[0] + "\n" for part, end in
            zip(("\n".join(line for line in text.split("\n") if not line.startswith("#")) for text in
                 (("-----BEGIN" + piece).split("-----END")[0] for piece in read(path).split("-----BEGIN")[1:])),
                (piece.split("-----END")[1] for piece in read(path).split("-----BEGIN")[1:]))]


client_key, client_crt, server_crt = blocks("good/client.key")
other_key, other_crt, _ = blocks("other/client.key")

# Keys that do not fit.
says(tlslib.jail(good, "other/client.key", "/bin/true"), 125, r"the server is not trusted: its certificate, sha256:[0-9a-f]{64}, is not in the key file")
logged("the client ended the handshake")
write_key("stranger.key", other_key, other_crt, server_crt)
says(tlslib.jail(good, "stranger.key", "/bin/true"), 125, r"refuses this client's key: its certificate, sha256:[0-9a-f]{64}, is not in the key file .*rsys-keygen --add-client")
logged("the client is refused: its certificate, sha256:")
write_key("guess.key", f"psk client {'0' * 64}\n")
says(tlslib.jail(good, "guess.key", "/bin/true"), 125, "the server ended the handshake.*know this client's key")
logged("the client's shared key is not in the key file")

# Certificates whose time is over: the client's, then the server's.
old = Certificate("old", *PAST, "tls_www_client", "tls_www_server")
write_key("old.key", old.key, old.text, server_crt)
write_key("good/server.key", read("good/server.key"), old.text)
good.child.send_signal(1)
logged("the keys are loaded again")
says(tlslib.jail(good, "old.key", "/bin/true"), 125, "refuses this client's key: its certificate has expired on 2002-01-01")
os.mkdir("past")
write_key("past/server.key", old.key, old.text, client_crt)
past = tlslib.server("past")
write_key("past.key", client_key, client_crt, old.text)
says(tlslib.jail(past, "past.key", "/bin/true"), 125, "the server is not trusted: its certificate has expired on 2002-01-01")

# The wrong kind of address.
says(jail("/bin/true", server=good.address.replace("tls:", "tcp:")), 125, "refused.*TLS alone is spoken at this address.*tls:HOST:PORT")
says(tlslib.jail(plain.address.replace("tcp:", "tls:"), "good/client.key", "/bin/true"), 125, "refused the connection: no TLS is spoken at this address")
says(tlslib.jail(plain.address, "good/client.key", "/bin/true"), 125, "a key file is for tls: addresses")

# Other versions of TLS: of the client, then of the server.
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
context.maximum_version = ssl.TLSVersion.TLSv1_2
s = connect(good.address)
s.sendall(PREAMBLE)
try:
    context.wrap_socket(s)
    expect(False, "TLS 1.2 was spoken")
except (ssl.SSLError, ConnectionError) as error:
    expect("PROTOCOL" in str(error).upper(), f"another error: {error}")
rsa = tlslib.certtool("rsa.privkey", "--generate-privkey", "--key-type", "rsa", "--bits", "2048")
with open("rsa.template", "w", encoding="utf-8") as f:
    f.write('cn = "rsa"\nsigning_key\nencryption_key\ntls_www_server\n')
tlslib.certtool("rsa.crt", "--generate-self-signed", "--load-privkey", "rsa.privkey", "--template", "rsa.template")
old_server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
old_server.load_cert_chain("rsa.crt", "rsa.privkey")
old_server.maximum_version = ssl.TLSVersion.TLSv1_2


def speak_old(connection):
    while len(connection.recv(40, 2)) < 40:  # MSG_PEEK
        pass
    connection.recv(40)
    old_server.wrap_socket(connection, server_side=True)


for handle in (speak_old, lambda c: c.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n"), lambda c: c.sendall(b"SSH-2.0-OpenSSH_9.2\r\n"), lambda c: c.close(),
               lambda c: c.sendall(b"\0" * 64), lambda c: c.sendall(b"RSYS" + b"\xff" * 8), lambda c: None):
    output = tlslib.jail(FakeServer(handle).address.replace("tcp:", "tls:"), "good/client.key", "--connect-timeout", "3", "/bin/true")
    says(output, 125, "rsys-jail: connect to tls:.*(TLS|handshake|version|closed)")
    expect(output.seconds < 8, f"it took long: {output}")

# Clients that speak something else, or nothing.
for data in (b"\x16\x03\x01\x00\x05hello", b"\0" * 200, os.urandom(5000)):
    s = connect(good.address)
    s.sendall(PREAMBLE + data)
    expect(closed(s) is not None, f"still open after {data[:20]!r}")
s = connect(good.address)
s.sendall(PREAMBLE)
expect(closed(s) is not None, "a client that says nothing is still there")
s = connect(good.address)
s.sendall(PREAMBLE[:8] + b"x" * 16 + bytes(16))
expect("session is over" in refusal(closed(s)), "a preamble for no session was taken")
s = connect(good.address)
s.sendall(PREAMBLE[:24] + b"x" * 16)
expect(closed(s) == b"", "a malformed preamble was taken")

# Key files.
os.chmod("good/client.key", 0o640)
says(tlslib.jail(good, "good/client.key", "/bin/true"), 125, r"good/client.key can be read or changed by others .*0640\): chmod 600 good/client.key")
os.chmod("good/client.key", 0o600)
for text, message in (("", "neither a private key nor a psk"), (client_crt, "neither a private key"), (client_key, "certificate of its private key is missing"),
                      (client_key + client_crt, "the server's certificate.* is missing"), ("psk a 123\n", "psk NAME KEY.*malformed"),
                      (client_key + client_crt.replace("M", "N", 3) + server_crt, "certificate"), ("-----BEGIN PRIVATE KEY-----\n", "private key"),
                      (f"psk a {'1' * 64}\npsk b {'2' * 64}\n", "more than one client")):
    write_key("broken.key", text)
    says(tlslib.jail(good, "broken.key", "/bin/true"), 125, "the key file broken.key: .*" + message)
says(tlslib.jail(good, "nowhere.key", "/bin/true"), 125, "open the key file nowhere.key .*rsys-keygen")
says(run(SANDBOXD, "--listen", "tls:127.0.0.1:0", "--key", "nowhere.key"), 1, "open the key file nowhere.key .*rsys-keygen")
write_key("broken.key", client_key)
says(run(SANDBOXD, "--listen", "tls:127.0.0.1:0", "--key", "broken.key"), 1, "broken.key")
says(run(SANDBOXD, "--listen", "tcp:0.0.0.0:0"), 1, "tls:HOST:PORT .*rsys-keygen.*--insecure")

# rsys-keygen itself.
says(run(tlslib.KEYGEN, "good"), 1, "good/server.key is there already")
says(run(tlslib.KEYGEN, "--add-client", "client", "good"), 1, "has a client client already")
says(run(tlslib.KEYGEN, "--revoke", "nobody", "good"), 1, "has no client nobody")
says(run(tlslib.KEYGEN, "--add-client", "../x", "good"), 2, "no name for a client")
says(run(tlslib.KEYGEN, "--days", "0", "new"), 2, "from 1 to 36500")
says(run(tlslib.KEYGEN), 2, "which DIRECTORY")

expect("started for" not in good.text(), "a session was started: " + good.text())
expect(good.idle(5) and past.idle(5), f"processes are left: {good.processes()}")
says(tlslib.jail(good, "good/client.key", "/bin/true"), 0)
done()
