#!/usr/bin/env python3
"""What sessions cost: idle, in hundreds, over TLS, and under heavy upload."""

import socket
import threading
import time

import lib

N = 500
IDLE_KB = 1536
PLAIN_BYTES = 4096
TLS_BYTES = 8192
UPLOADS = 20
UPLOAD_BYTES = 25 << 20
UPLOAD_KB = 8192


def cost_of(server, open_one, name, bound):
    """Open N sessions and report the bytes of server memory each takes."""
    warm = [open_one() for _ in range(20)]
    for line in warm:
        line.close()
    time.sleep(0.5)
    before = server.rss_anon_kb()
    lines = [open_one() for _ in range(N)]
    time.sleep(0.5)
    each = (server.rss_anon_kb() - before) * 1024 // N
    print(f"{name}: {each} bytes a session (bound {bound})")
    for line in lines:
        line.close()
    time.sleep(0.5)
    assert each < bound, f"{name} session costs {each} bytes"


def greeted(line):
    assert line.line()[:1] in (b"2", b"+", b"*")
    return line


def upload(server, errors):
    try:
        line = lib.smtp_session(server)
        text = b"Subject: large\r\n\r\n" + b"0123456789" * 7 + b"\r\n"
        block = (b"abcdefghij" * 7 + b"\r\n") * 910
        line.smtp("MAIL FROM:<big@client.test>", 250)
        line.smtp(f"RCPT TO:<{server.env['USER2']}>", 250)
        line.smtp("DATA", 354)
        line.send(text)
        sent = len(text)
        while sent < UPLOAD_BYTES:
            line.send(block)
            sent += len(block)
        line.send(b".\r\n")
        line.sock.settimeout(120)
        reply = line.smtp_reply()
        assert reply.startswith("250"), reply
        line.close()
    except Exception as error:
        errors.append(error)


def uploads(server):
    errors = []
    threads = [
        threading.Thread(
            target=upload, args=(server, errors), daemon=True
        )
        for _ in range(UPLOADS)
    ]
    most, slowest = 0, 0.0
    other = lib.pop3_session(server, server.user, server.password)
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        most = max(most, server.rss_anon_kb())
        start = time.monotonic()
        other.pop3("NOOP")
        slowest = max(slowest, time.monotonic() - start)
        time.sleep(0.02)
    assert not errors, errors[0]
    print(f"{UPLOADS} uploads of 25 MB: {most} KB, slowest NOOP {slowest:.3f} s")
    assert most < UPLOAD_KB, f"{most} KB of memory"
    assert slowest < 5


def main():
    with lib.server("net.sessions=2000", env=lib.RELEASE) as server:
        time.sleep(0.5)
        idle = server.rss_anon_kb()
        print(f"idle process: {idle} KB")
        assert idle < IDLE_KB, f"{idle} KB idle"
        for name in ("SMTP", "POP3", "IMAP"):
            cost_of(
                server,
                lambda: greeted(server.connect(name)),
                name,
                PLAIN_BYTES,
            )
        for name in ("SUBMISSIONS", "POP3S", "IMAPS"):
            cost_of(
                server,
                lambda: greeted(server.connect_tls(name)),
                name + " (TLS)",
                TLS_BYTES,
            )
        uploads(server)


main()
