#!/usr/bin/env python3
"""A mailbox of many messages: what each command costs, first right after a
start and then warm, that the costs grow no faster than the mailbox, and what
the session holds in memory.

TINPOST_LARGE is the number of messages (20,000; the targets are for 100,000).
"""

import os
import pathlib
import subprocess
import tempfile
import time

import imap_client
import lib

LARGE = int(os.environ.get("TINPOST_LARGE", "20000"))
SMALL = LARGE // 20
SESSION_KB = 512  # pages of the C library's heap included
COMMANDS = (
    ("SELECT", None),
    ("FETCH 1:* (UID FLAGS)", "FETCH"),
    ("FETCH 1:* ENVELOPE", "FETCH"),
    ("SEARCH SUBJECT \"number 77\"", None),
    ("SEARCH BODY \"needle in hay\"", None),
    ("STORE 1:* +FLAGS.SILENT (\\Seen)", None),
    ("SEARCH UNSEEN", None),
)


def write_mbox(path, n):
    hay = "".join(f"line {i} of the hay, with some words\r\n"
                  for i in range(30))
    with open(path, "w", newline="") as file:
        for i in range(n):
            needle = "a needle in hay\r\n" if i % 1000 == 7 else ""
            file.write(
                "From x@client.test Mon Nov 23 10:00:00 2026\r\n"
                f"From: Sender {i} <s{i % 97}@client.test>\r\n"
                "To: Alice <alice@example.test>\r\n"
                f"Subject: message number {i}\r\n"
                f"Message-ID: <{i}@client.test>\r\n"
                "Date: Mon, 23 Nov 2026 10:00:00 +0000\r\n"
                "MIME-Version: 1.0\r\n"
                "Content-Type: text/plain; charset=utf-8\r\n"
                f"\r\n{needle}{hay}\r\n")


def fill(server, folder, name, n):
    path = pathlib.Path(folder) / f"{name}.mbox"
    write_mbox(path, n)
    start = time.monotonic()
    server.command("import", server.user, "--mailbox", name, str(path))
    print(f"import of {n}: {time.monotonic() - start:.1f} s")
    path.unlink()


def run(imap, mailbox, words):
    """Seconds and number of untagged responses, which are not parsed."""
    if words == "SELECT":
        words = f"SELECT {mailbox}"
    start = time.monotonic()
    tag = imap.send(words).encode() + b" "
    n = 0
    tail = b"\r\n" + imap.rest
    imap.rest = b""
    while True:
        at = tail.find(b"\r\n" + tag)
        if at >= 0 and tail.find(b"\r\n", at + 2) >= 0:
            break
        n += tail.count(b"\r\n* ")
        tail = tail[-200:] if b"\r\n* " not in tail[-200:] else tail[
            tail.rfind(b"\r\n* ") + 2:]
        more = imap.sock.recv(1 << 20)
        if not more:
            raise imap_client.Closed()
        tail += more
    n += tail[:at].count(b"\r\n* ")
    assert tail[at + 2 + len(tag):].startswith(b"OK"), tail[at:]
    return time.monotonic() - start, n


def cpu_s(server):
    """What the serving process has used of the processor."""
    path = pathlib.Path(f"/proc/{server.pid}/schedstat")
    return int(path.read_text().split()[0]) / 1e9


def measure(server, mailbox, n):
    """Command -> (first, warm, least CPU) in seconds, of a server just
    started."""
    figures = {}
    for words, counted in COMMANDS:
        server.run("stop")
        server.run("again")
        imap = imap_client.Imap(server.port("IMAP"))
        imap.login(server.user, server.password)
        if words != "SELECT":
            run(imap, mailbox, "SELECT")
        times, cpu = [], []
        for _ in range(4):
            before = cpu_s(server)
            seconds, lines = run(imap, mailbox, words)
            cpu.append(cpu_s(server) - before)
            assert counted is None or lines >= n, (words, lines)
            times.append(seconds)
        figures[words] = (times[0], lib.median(times[1:]), min(cpu))
        imap.close()
    return figures


def session_memory(server):
    before = server.rss_anon_kb()
    imaps = []
    for _ in range(4):
        imap = imap_client.Imap(server.port("IMAP"))
        imap.login(server.user, server.password)
        for words in ("SELECT", "FETCH 1:* (UID FLAGS)"):
            run(imap, "Large", words)
        imaps.append(imap)
    each = (server.rss_anon_kb() - before) // len(imaps)
    for imap in imaps:
        imap.close()
    return each


def main():
    with lib.server(env=lib.RELEASE) as server, \
            tempfile.TemporaryDirectory() as folder:
        fill(server, folder, "Small", SMALL)
        fill(server, folder, "Large", LARGE)
        small = measure(server, "Small", SMALL)
        large = measure(server, "Large", LARGE)
        print(f"{'':36}{'first ms':>10}{'warm ms':>10}"
              f"{'times ' + str(SMALL):>14}")
        for words, _ in COMMANDS:
            first, warm, cpu = large[words]
            growth = cpu / max(small[words][2], 0.001)
            print(f"{words:36}{1000 * first:10.1f}{1000 * warm:10.1f}"
                  f"{growth:14.1f}")
            # Linear would be 20, by the processor's time: by the clock it is
            # anything on a machine that is busy.
            assert growth < 60, f"{words}: {growth:.0f} times for 20 times"
        each = session_memory(server)
        print(f"memory of a session on it: {each} KB")
        assert each < SESSION_KB, f"{each} KB"


if __name__ == "__main__":
    main()
