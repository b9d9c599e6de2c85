#!/usr/bin/env python3
"""Rule 10 with real processes: at the first checkpoint LMDB's commit ends in
MDB_PANIC. The server ends, its parent starts another on the same ports, and
every mail that was acknowledged is there."""

import os
import pathlib

import lib

# Two commits of the parent, one as the server starts, then the checkpoint.
FAULT = {"TINPOST_FAULT": "panic:4"}
MAILS = 80


def servers(parent):
    """The process ids of the parent's children."""
    path = pathlib.Path(f"/proc/{parent}/task/{parent}/children")
    return [int(pid) for pid in path.read_text().split()]


def parent_of(pid):
    stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    return int(stat.rsplit(")", 1)[1].split()[1])


def send(server, number):
    """Send one mail; False when the line breaks before its reply."""
    body = b"Subject: mail %d\r\n\r\n" % number
    # Does not pack, and is small enough to go through the journal.
    body += b"".join(os.urandom(30).hex().encode() + b"\r\n" for _ in range(400))
    try:
        line = lib.smtp_session(server)
        reply = lib.send_mail(line, [server.user], body)
        line.close()
    except (OSError, EOFError, AssertionError):
        return False
    return reply.startswith("250")


def main():
    with lib.server(env=FAULT) as server:
        first = server.pid
        parent = parent_of(first)
        pids = {first}
        for number in range(MAILS):
            lib.wait_until(lambda: send(server, number), 20, "a mail is taken")
            pids.update(servers(parent))
            if len(pids) > 2:
                break
        assert len(pids) > 1, "the store was never lost"
        assert first not in servers(parent), "the lost server still runs"
        there = lib.pop3_messages(server, server.user, server.password)
        for sent in range(number + 1):
            subject = b"Subject: mail %d\r\n" % sent
            assert any(subject in text for text in there), f"mail {sent} is lost"
        print(f"{number + 1} mails over {len(pids)} servers, none lost")


main()
