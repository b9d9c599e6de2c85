#!/usr/bin/env python3
"""Limits by network, from which loopback is exempt: in a network namespace of
its own, where 192.0.2.0/24 (RFC 5737) is this machine and is not loopback."""

import ctypes
import fcntl
import os
import socket
import struct
import time

import lib

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SIOCSIFFLAGS, SIOCSIFADDR, SIOCSIFNETMASK = 0x8914, 0x8916, 0x891C
IFF_UP_RUNNING = 0x41
SETTINGS = (
    "listen.addresses=127.0.0.1 192.0.2.1",
    "net.sessions-host=3",
    "net.sessions-network=5",
    "auth.free-failures-network=3",
    "auth.hold-time=0s",
    "auth.max-failures=100",
    "auth.plaintext=anywhere",
)


def enter_namespace():
    """Skips the test where that is not allowed."""
    uid, gid = os.geteuid(), os.getegid()
    flags = CLONE_NEWNET | (0 if os.geteuid() == 0 else CLONE_NEWUSER)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(flags) != 0:
        lib.skip("no network namespace: " + os.strerror(ctypes.get_errno()))

    if flags & CLONE_NEWUSER:  # where we stay who we are
        for name, text in (("uid_map", f"{uid} {uid} 1"),
                           ("setgroups", "deny"),
                           ("gid_map", f"{gid} {gid} 1")):
            with open("/proc/self/" + name, "w") as file:
                file.write(text)

    def address(name, text):
        return struct.pack("16sHH4s8x", name, socket.AF_INET, 0,
                           socket.inet_aton(text))

    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            fcntl.ioctl(s, SIOCSIFFLAGS,
                        struct.pack("16sH14x", b"lo", IFF_UP_RUNNING))
            fcntl.ioctl(s, SIOCSIFADDR, address(b"lo:1", "192.0.2.1"))
            fcntl.ioctl(s, SIOCSIFNETMASK, address(b"lo:1", "255.255.255.0"))
    except OSError as e:
        lib.skip("no second address: " + e.strerror)


def connect(s, name, source):
    to = "127.0.0.1" if source.startswith("127.") else "192.0.2.1"
    return lib.Lines(socket.create_connection(
        (to, s.port(name)), timeout=20, source_address=(source, 0)))


def connections(s):
    """So many from one address and from one network; then a polite word."""
    held = []
    for name, greeting in (("SMTP", b"220"), ("POP3", b"+OK"),
                           ("SMTP", b"220")):
        held.append(connect(s, name, "192.0.2.2"))
        assert held[-1].line().startswith(greeting)
    refused = connect(s, "SMTP", "192.0.2.2")
    assert refused.line() == b"421 4.7.0 Too many connections from you"
    assert refused.line() == b"", "it stays open"
    refused.close()
    refused = connect(s, "POP3", "192.0.2.2")
    assert refused.line().startswith(b"-ERR [SYS/TEMP] Too many connections")
    refused.close()
    time.sleep(0.3)  # until the server has seen that
    for last in (3, 4):
        held.append(connect(s, "SMTP", f"192.0.2.{last}"))
        assert held[-1].line().startswith(b"220")
    refused = connect(s, "SMTP", "192.0.2.5")
    assert refused.line().startswith(b"421 4.7.0"), "the network is full"
    refused.close()
    for _ in range(8):
        held.append(connect(s, "SMTP", "127.0.0.1"))
        assert held[-1].line().startswith(b"220"), "loopback is exempt"
    held[0].smtp("NOOP", 250)  # who is in goes on
    for line in held:
        line.close()

    def has_room():
        line = connect(s, "SMTP", "192.0.2.2")
        try:
            return line.line().startswith(b"220")
        finally:
            line.close()

    lib.wait_until(has_room, 10, "there is room again")


def sign_in(s, source, user, password):
    line = connect(s, "POP3", source)
    line.line()
    line.pop3("USER " + user)
    line.send(f"PASS {password}\r\n")
    reply = line.line().decode()
    line.close()
    return reply


def guessing(s):
    """Ever new names from one network: after some the network waits, and
    others do not."""
    for i in range(1, 5):
        reply = sign_in(s, f"192.0.2.{i}", f"u{i}@example.test", f"wrong {i}")
        assert reply.startswith("-ERR [AUTH]"), reply
    reply = sign_in(s, "192.0.2.77", s.user, s.password)
    assert reply.startswith("-ERR [SYS/TEMP] Too many failures"), reply
    reply = sign_in(s, "127.0.0.1", s.user, s.password)
    assert reply.startswith("+OK"), reply


def main():
    enter_namespace()
    with lib.server(*SETTINGS) as s:
        connections(s)
        guessing(s)


main()
