#!/usr/bin/env python3
"""SEARCH beside others: a message of 25 MB is searched while another session is
answered; a long answer waits for a client that does not read it; what another
session expunges meanwhile is no match, and leaves "$"."""

import time

import lib

BIG_BYTES = 25 * 1024 * 1024
N_SMALL = 3000


def open_imap(s, select=True):
    line = s.connect("IMAP")
    line.line()
    line.imap(f"LOGIN {s.user} {s.password}")
    if select:
        line.imap("SELECT INBOX")
    return line


def append(line, *messages):
    text = b"a APPEND INBOX"
    for m in messages:
        text += b" {%d+}\r\n" % len(m) + m
    line.send(text + b"\r\n")
    while not line.line().startswith(b"a OK"):
        pass


def big_message():
    filler = b"A line of text that is like the others before it.\r\n"
    body = filler * (BIG_BYTES // len(filler))
    return b"Subject: big\r\n\r\n" + body + b"the xylophone\r\n"


def check_big(s):
    a, b = open_imap(s), open_imap(s)
    append(a, big_message())
    a.imap("NOOP")
    a.send("a SEARCH BODY xylophone TEXT nowhere\r\na SEARCH BODY xylophone\r\n")
    longest = 0
    for _ in range(50):
        start = time.monotonic()
        b.imap("NOOP")
        longest = max(longest, time.monotonic() - start)
    assert a.line() == b"* SEARCH"
    assert a.line().startswith(b"a OK")
    assert a.line() == b"* SEARCH 1"
    assert a.line().startswith(b"a OK")
    print(f"25 MB searched; another waited at most {longest * 1000:.0f} ms")


def check_slow_reader(s):
    a, b = open_imap(s), open_imap(s)
    for _ in range(N_SMALL // 100):
        append(a, *[b"Subject: small\r\n\r\nx\r\n"] * 100)
    a.imap("NOOP")
    before = s.rss_anon_kb()
    # Two hundred answers of 14 KB each, and nobody reads.
    a.send(b"a SEARCH UNSEEN\r\n" * 200)
    for _ in range(20):
        b.imap("NOOP")
        time.sleep(0.02)
    grown = s.rss_anon_kb() - before
    assert grown < 512, f"{grown} KB for answers that nobody reads"
    for _ in range(200):
        line = a.line()
        assert line.startswith(b"* SEARCH 1 2 3 "), line[:40]
        assert line.endswith(b" %d" % (N_SMALL + 1)), line[-40:]
        assert a.line().startswith(b"a OK")
    print(f"200 answers waited in {grown} KB")


def check_expunge(s):
    a, b = open_imap(s), open_imap(s)
    last = N_SMALL + 1
    a.imap("SEARCH RETURN (SAVE) 2:5")
    b.imap("STORE 3,5 +FLAGS (\\Deleted)")
    b.imap("EXPUNGE")
    # a was not told: its numbers stand, and what is gone matches nothing.
    assert a.imap("SEARCH 2:6 NOT FLAGGED")[0] == b"* SEARCH 2 4 6"
    assert a.imap("SEARCH SUBJECT small 1:6")[0] == b"* SEARCH 2 4 6"
    told = a.imap("NOOP")
    assert told[:2] == [b"* 3 EXPUNGE", b"* 4 EXPUNGE"], told
    assert a.imap("SEARCH $")[0] == b"* SEARCH 2 3"
    answer = a.imap("SEARCH RETURN (COUNT MAX) ALL")[0]
    assert answer.endswith(b"MAX %d COUNT %d" % (last - 2, last - 2)), answer
    print("expunged messages leave the answers")


def main():
    with lib.server(env=lib.RELEASE) as s:
        check_big(s)
        check_slow_reader(s)
        check_expunge(s)


if __name__ == "__main__":
    main()
