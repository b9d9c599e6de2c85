#!/usr/bin/env python3
"""The device door: a scanner at an address of its own sends without a password,
is completed, signed and queued; a stranger is refused and named to the owner;
what may be sent in an hour outlives a restart; a restored server knows it."""

import socket
import subprocess

import lib

SCANNER, STRANGER = "127.0.0.5", "127.0.0.6"


def connect(server, address=SCANNER):
    sock = socket.create_connection(
        ("127.0.0.1", server.port("DEVICE")), 20, source_address=(address, 0))
    return lib.Lines(sock)


def session(server, address=SCANNER):
    line = connect(server, address)
    said = line.smtp_reply()
    assert said.startswith("220 "), said
    line.smtp("HELO", 250)
    return line


def scan(line, recipients, raw, sender):
    """As a scanner speaks: one word after the other, no brackets."""
    line.smtp(f"MAIL FROM: {sender}", 250)
    for recipient in recipients:
        line.smtp(f"RCPT TO: {recipient}", 250)
    line.smtp("DATA", 354)
    line.send(raw)
    return line.smtp_reply()


def stranger(server):
    line = connect(server, STRANGER)
    said = line.smtp_reply()
    assert said.startswith("554 5.7.1 No device is known at 127.0.0.6"), said
    assert line.line() == b""
    line.close()
    return said


def check_stranger(server):
    said = stranger(server)
    for _ in range(3):
        stranger(server)
    log = (server.folder / "log").read_text()
    assert log.count("smtp.no-device") == 4, log
    assert "127.0.0.6" in log
    told = server.command("trace", STRANGER).stdout
    assert told.count("No device is known") == 1, told
    # The advice is a command, and works.
    words = said.rsplit("tinpost ", 1)[1].replace("NAME", "copier")
    words = words.replace("ADDRESS", f"copy@{server.env['DOMAIN']}").split()
    server.command(*words)
    session(server, STRANGER).close()
    server.command("device", "del", "copier")
    stranger(server)


def check_mail(server, sender):
    domain = server.env["DOMAIN"]
    line = session(server)
    said = scan(line, [server.user, "kim@far.test"],
                f"From: Scanner <{sender}>\nSubject: page\n\nhi\n.\n..\n"
                "RCPT TO:<bob@far.test>\r\n.\nend\r\n.\r\n".encode(), sender)
    assert said.startswith("250 2.0.0"), said
    text = lib.pop3_messages(server, server.user, server.password)[-1]
    assert b"\n" not in text.replace(b"\r\n", b""), text
    head, _, body = text.partition(b"\r\n\r\n")
    # What follows a bare LF is text, dots and all.
    assert body == b"hi\r\n.\r\n..\r\nRCPT TO:<bob@far.test>\r\n\r\nend\r\n", \
        body
    for field in (b"Date: ", b"Message-ID: <", b"Received: from ",
                  b"DKIM-Signature: "):
        assert b"\r\n" + field in b"\r\n" + head, (field, head)
    assert f"d={domain};".encode() in head.replace(b"\r\n\t", b" "), head
    assert b"Authentication-Results" not in head
    queued = server.command("queue", "list").stdout
    assert "kim@far.test" in queued and "bob@far.test" not in queued, queued
    line.close()


def check_rate(server, sender):
    """Four an hour; two were sent."""
    raw = f"From: {sender}\r\n\r\nx\r\n.\r\n".encode()
    line = session(server)
    for _ in range(2):
        assert scan(line, [server.user], raw, sender).startswith("250")

    def refused():
        line.smtp(f"MAIL FROM:<{sender}>", 250)
        line.send(f"RCPT TO:<{server.user}>\r\n")
        said = line.smtp_reply()
        assert said.startswith("450 4.7.1 This device has sent"), said

    refused()
    line.close()
    server.stop()
    server.again()
    line = session(server)
    refused()
    line.close()
    log = (server.folder / "log").read_text()
    assert log.count("smtp.sends-too-much device=scanner") == 1, log
    told = server.command("trace", "scanner").stdout
    assert "more than it may in an hour" in told, told
    server.command("device", "set", "scanner", "--rate", "0")
    line = session(server)
    assert scan(line, [server.user], raw, sender).startswith("250")
    line.close()


def check_no_end(server, sender):
    """LF . LF ends nothing; the owner can read why."""
    server.command("set", "smtp.data-time", "1s")
    line = session(server)
    said = scan(line, [server.user], f"From: {sender}\n\nx\n.\n".encode(),
                sender)
    assert said.startswith("421 4.4.2") and "CR LF . CR LF" in said, said
    line.close()
    told = server.command("trace", sender).stdout
    assert "CR LF . CR LF" in told, told


def check_restored(server):
    archive = server.folder / "backup.tar"
    server.command("backup", str(archive))
    server.stop()
    folder = server.folder / "restored"
    words = server.env["TINPOST"].split()
    words[words.index("--data") + 1] = str(folder)
    subprocess.run(words + ["restore", str(archive)], check=True,
                   capture_output=True, timeout=120)
    told = subprocess.run(words + ["device", "show", "scanner"], check=True,
                          capture_output=True, text=True, timeout=60).stdout
    assert SCANNER in told and "far.test" in told, told
    server.again()


def main():
    # The resolver is nobody: nothing is sent anywhere.
    with lib.server("queue.route=mx", "dns.servers=127.0.0.1:9") as server:
        domain = server.env["DOMAIN"]
        sender = f"scan@{domain}"
        server.command("dkim", "add", domain)
        check_stranger(server)
        server.command("device", "add", "scanner", "--address",
                       SCANNER + ",10.0.0.0/8", "--from", sender, "--to",
                       "local, far.test", "--rate", "4/hour")
        told = server.command("device", "list").stdout
        assert told == (f"scanner  at {SCANNER} 10.0.0.0/8  as {sender}  "
                        "to local far.test  4/hour\n"), told
        again = server.command("device", "add", "scanner", "--address",
                               SCANNER, "--from", sender, check=False)
        assert again.returncode != 0
        for wrong in (("--address", "127.0.0"), ("--from", "scan"),
                      ("--to", "a b@"), ("--rate", "4/day")):
            done = server.command("device", "set", "scanner", *wrong,
                                  check=False)
            assert done.returncode != 0, wrong
        warned = server.command("device", "add", "open", "--address",
                                "203.0.113.0/24", "--from", "x@far.test")
        assert "public addresses" in warned.stderr, warned
        assert "not in a domain" in warned.stderr, warned
        server.command("device", "del", "open")
        check_mail(server, sender)
        line = session(server)
        assert scan(line, [server.user], f"From: {sender}\r\n\r\nx\r\n.\r\n"
                    .encode(), sender).startswith("250")
        line.close()
        check_rate(server, sender)
        check_no_end(server, sender)
        check_restored(server)


main()
