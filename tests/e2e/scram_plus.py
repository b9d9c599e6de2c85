#!/usr/bin/env python3
"""SCRAM-SHA-256-PLUS over a real TLS connection (RFC 5802, RFC 5929): both
kinds of channel binding sign in, another channel's data does not, and the
server proves itself."""

import base64
import hashlib
import hmac

import lib


def mac(key, text):
    return hmac.new(key, text, "sha256").digest()


def encode(data):
    return base64.b64encode(data).decode()


def answer_of(line, text):
    line.send(text + "\r\n")
    return line.line().decode()


def sign_in(s, kind, binding):
    """The last answer of a login whose binding data is what binding says."""
    line = s.connect_tls("POP3S")
    assert line.line().startswith(b"+OK")
    header = f"p={kind},,".encode()
    first = f"n={s.user},r=client-nonce".encode()
    reply = answer_of(
        line, "AUTH SCRAM-SHA-256-PLUS " + encode(header + first))
    assert reply.startswith("+ "), reply
    server_first = base64.b64decode(reply[2:])
    fields = dict(f.split(b"=", 1) for f in server_first.split(b","))
    salted = hashlib.pbkdf2_hmac(
        "sha256", s.password.encode(), base64.b64decode(fields[b"s"]),
        int(fields[b"i"]))
    final = b"c=" + base64.b64encode(header + binding(line.sock))
    final += b",r=" + fields[b"r"]
    auth = first + b"," + server_first + b"," + final
    key = mac(salted, b"Client Key")
    signature = mac(hashlib.sha256(key).digest(), auth)
    proof = bytes(a ^ b for a, b in zip(key, signature))
    reply = answer_of(line, encode(final + b",p=" + base64.b64encode(proof)))
    if reply.startswith("+ "):
        expected = b"v=" + base64.b64encode(
            mac(mac(salted, b"Server Key"), auth))
        assert base64.b64decode(reply[2:]) == expected, reply
        reply = answer_of(line, "")
    line.close()
    return reply


def end_point(sock):
    return hashlib.sha256(sock.getpeercert(binary_form=True)).digest()


def unique(sock):
    return sock.get_channel_binding("tls-unique")


def main():
    with lib.server() as s:
        cases = [
            ("tls-server-end-point", end_point, "+OK"),
            ("tls-unique", unique, "+OK"),
            ("tls-server-end-point", unique, "-ERR [AUTH]"),
            ("tls-unique", lambda sock: bytes(12), "-ERR [AUTH]"),
        ]
        for kind, binding, expected in cases:
            reply = sign_in(s, kind, binding)
            assert reply.startswith(expected), (kind, reply)
    print("SCRAM-SHA-256-PLUS with both channel bindings")


main()
