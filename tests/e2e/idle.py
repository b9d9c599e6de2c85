#!/usr/bin/env python3
"""500 sessions in IDLE: what they cost, plain and over TLS, and how soon a new
message is told to all of them."""

import resource
import selectors
import statistics
import time

import lib

N = 500
ROUNDS = 20
PLAIN_BYTES = 4096
TLS_BYTES = 8192
MEDIAN_MS = 50
BODY = b"From: a@client.test\r\nSubject: news\r\n\r\nhello\r\n"


def idler(server, name):
    line = lib.imap_session(server, server.user, server.password, name)
    line.imap("SELECT INBOX")
    line.send("i IDLE\r\n")
    assert line.line() == b"+ idling"
    return line


def cost_of(server, name, bound):
    """Open N sessions that idle; report and return them."""
    before = server.rss_anon_kb()
    lines = [idler(server, name) for _ in range(N)]
    time.sleep(1)
    each = (server.rss_anon_kb() - before) * 1024 // N
    print(f"{name} in IDLE: {each} bytes a session (bound {bound})")
    assert each < bound, f"{each} bytes"
    return lines


def told_after(lines, sender):
    """Deliver a message; milliseconds until each session was told."""
    waiting = selectors.DefaultSelector()
    for line in lines:
        waiting.register(line.sock, selectors.EVENT_READ, line)
    sender.smtp("MAIL FROM:<a@client.test>", 250)
    sender.smtp("RCPT TO:<alice@example.test>", 250)
    sender.smtp("DATA", 354)
    delays = []
    start = time.monotonic()
    sender.send(BODY + b".\r\n")
    while len(delays) < len(lines):
        ready = waiting.select(10)
        now = time.monotonic()
        assert ready, f"only {len(delays)} sessions were told"
        for key, _ in ready:
            told = key.data.line()
            assert told.endswith(b" EXISTS"), told
            assert key.data.line().endswith(b" RECENT")
            assert not key.data.rest, key.data.rest
            waiting.unregister(key.fileobj)
            delays.append((now - start) * 1000)
    waiting.close()
    assert sender.smtp_reply().startswith("250")
    return delays


def tell(server, name, lines):
    sender = lib.smtp_session(server)
    each, last = [], []
    for _ in range(ROUNDS):
        delays = told_after(lines, sender)
        each += delays
        last.append(max(delays))
        time.sleep(0.05)
    sender.close()
    print(f"{name}: told after {statistics.median(each):.1f} ms (median), "
          f"all {N} after {statistics.median(last):.1f} ms (median), "
          f"{max(last):.1f} ms (most)")
    assert statistics.median(last) < MEDIAN_MS


def close_all(lines):
    for line in lines:
        line.send("DONE\r\n")
        assert line.line() == b"i OK Done"
        line.close()
    time.sleep(0.5)


def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
    with lib.server("net.sessions=2000", env=lib.RELEASE) as server:
        close_all([idler(server, "IMAP") for _ in range(20)])
        for name, bound in (("IMAP", PLAIN_BYTES), ("IMAPS", TLS_BYTES)):
            lines = cost_of(server, name, bound)
            tell(server, name, lines)
            close_all(lines)


main()
