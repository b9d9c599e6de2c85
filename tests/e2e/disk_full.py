#!/usr/bin/env python3
"""A full disk: 452 before anything is lost, reading and deleting go on, and
mail is accepted again when there is room, without a restart."""

import os

import lib

BODY = b"Subject: filling\r\n\r\n" + os.urandom(24000).hex().encode() + b"\r\n"


def text(i):
    random = os.urandom(30000).hex().encode()
    lines = [random[k:k + 70] for k in range(0, len(random), 70)]
    return b"Subject: filling %d\r\n\r\n" % i + b"\r\n".join(lines) + b"\r\n"


def fill(server):
    """Send until the server says that it is full. Returns the number of
    messages that it took."""
    line = lib.smtp_session(server)
    for n in range(5000):
        line.send(f"MAIL FROM:<a@client.test>\r\n")
        if not line.smtp_reply().startswith("250"):
            return n
        line.send(f"RCPT TO:<{server.user}>\r\n")
        reply = line.smtp_reply()
        if not reply.startswith("250"):
            assert reply.startswith("452 4.3.1"), reply
            return n
        line.send("DATA\r\n")
        reply = line.smtp_reply()
        if not reply.startswith("354"):
            assert reply.startswith("452 4.3.1"), reply
            return n
        line.send(lib.dot_stuff(text(n)) + b".\r\n")
        reply = line.smtp_reply()
        if not reply.startswith("250"):
            assert reply.startswith("452 4.3.1"), reply
            return n
    raise AssertionError("the disk never filled")


def refuses_by_imap(server, taken):
    """APPEND and COPY get a clear NO, nothing of them is kept, and the session
    goes on in step; reading works, and so do flags: they live on the reserve."""
    line = lib.imap_session(server, server.user, server.password)
    line.imap("SELECT INBOX")
    message = text(0)
    full = ("NO [OVERQUOTA]", "NO [UNAVAILABLE]")

    def says_no(command):
        line.send(b"a " + command + b"\r\n")
        reply = line.line().decode()
        while reply.startswith("* "):
            reply = line.line().decode()
        assert reply[2:].startswith(full), f"{command[:40]!r}: {reply!r}"

    says_no(b"APPEND INBOX {%d+}\r\n" % len(message) + message)
    says_no(b"APPEND INBOX {%d}" % len(message))
    says_no(b"COPY 1:* Trash")
    line.imap("STORE 1:* +FLAGS.SILENT (\\Flagged $full)")
    line.imap("FETCH 1 BODY.PEEK[]<0.10>")
    assert b"* SEARCH" in line.imap("SEARCH UNFLAGGED")
    lines = line.imap("STATUS Trash (MESSAGES)")
    assert b"(MESSAGES 0)" in lines[0], lines
    assert len(line.imap("FETCH 1:* UID")) == taken + 1
    line.imap("LOGOUT")


def main():
    with lib.loop_device(64) as (folder, _):
        with lib.server("smtp.max-messages=1000000", folder=folder) as server:
            ballast = folder / "ballast"
            taken = fill(server)
            print(f"{taken} messages until full")
            assert taken > 10
            # Now really nothing is left, not even what the server keeps back.
            with open(ballast, "wb") as file:
                try:
                    while True:
                        file.write(bytes(1 << 16))
                        file.flush()
                except OSError:
                    pass
            messages = lib.pop3_messages(server, server.user, server.password)
            assert len(messages) == taken, f"{len(messages)} of {taken}"
            refuses_by_imap(server, taken)

            def is_taken():
                line = lib.smtp_session(server)
                line.send("MAIL FROM:<a@client.test>\r\n")
                is_ok = line.smtp_reply().startswith("250")
                if is_ok:
                    line.smtp("RSET", 250)
                    is_ok = lib.send_mail(
                        line, [server.user], b"Subject: again\r\n\r\n."
                    ).startswith("250")
                line.close()
                return is_ok

            def delete(numbers):
                pop3 = lib.pop3_session(server, server.user, server.password)
                for i in numbers:
                    pop3.pop3(f"DELE {i}")
                pop3.pop3("QUIT")

            # The disk stays full, and a tenth of the mail goes: its room is
            # filled again, most of it.
            gone = taken // 10
            delete(range(1, 2 * gone, 2))
            lib.wait_until(is_taken, 20, "mail is taken on a full disk")
            again = fill(server)
            print(f"{gone} deleted, {again} taken in their place")
            assert again >= gone // 2
            messages = lib.pop3_messages(server, server.user, server.password)
            taken += again - gone + 1
            assert len(messages) == taken, f"{len(messages)} of {taken}"

            delete(range(1, taken + 1))
            assert not lib.pop3_messages(
                server, server.user, server.password
            ), "deleting works on a full disk"
            ballast.unlink()

            lib.wait_until(is_taken, 20, "mail is taken again")
            check = server.command("check")
            assert check.returncode == 0, check.stdout + check.stderr


main()
