#!/usr/bin/env python3
"""The release binaries of 32-bit boards, under user-mode emulation: questions to
the DNS, a whole delivery and retrieval, a restart, IMAP (where word size,
alignment and charsets count), and a backup that crosses to this machine."""

import base64
import pathlib
import subprocess
import tempfile

import dnsd
import imap_client
import lib

BOARDS = {"armhf": "qemu-arm-static", "mipsel": "qemu-mipsel-static"}
BODY = b"Subject: across\r\n\r\n" + b"A line of text.\r\n" * 5000
WORD = "日本"
FOREIGN = (
    b"From: Kim <kim@client.test>\r\n"
    b"Subject: =?EUC-JP?B?%s?=\r\n"
    b"Content-Type: text/plain; charset=koi8-r\r\n"
    b"Content-Transfer-Encoding: 8bit\r\n\r\n%s\r\n"
    % (base64.b64encode(WORD.encode("euc-jp")), "Привет".encode("koi8-r"))
)


def emulated(arch, emulator, folder):
    """A script that runs the release binary under the emulator."""
    subprocess.run(
        ["make", "-s", "-C", str(lib.ROOT), "release", f"ARCH={arch}"],
        check=True,
    )
    binary = lib.ROOT / "build" / arch / "tinpost"
    assert binary.exists(), binary
    script = folder / f"tinpost-{arch}"
    script.write_text(f'#!/bin/sh\nexec {emulator} {binary} "$@"\n')
    script.chmod(0o755)
    return script


def deliver_and_read(server):
    line = lib.smtp_session(server)
    people = [server.user, server.env["USER2"]]
    reply = lib.send_mail(line, people, BODY)
    assert reply.startswith("250"), reply
    reply = lib.send_mail(line, people[:1], b"Subject: small\r\n\r\nhi\r\n")
    assert reply.startswith("250"), reply
    server.kill()
    server.again()
    found = lib.pop3_messages(server, server.user, server.password)
    assert [lib.without_trace(m) for m in found] == [
        BODY,
        b"Subject: small\r\n\r\nhi\r\n",
    ]


def search(imap, charset, key, word):
    answer = imap.ok(f"SEARCH CHARSET {charset} {key} ", word.encode(charset))
    return [int(n) for n in answer.named("SEARCH")[0]]


def read_by_imap(imap):
    """Sizes, an envelope, pieces of a body in another charset."""
    assert imap.ok("SELECT INBOX").named("EXISTS") == [[3]]
    words = imap.ok("FETCH 3 (ENVELOPE RFC822.SIZE MODSEQ)").named("FETCH")
    got = imap_client.fields(words[0][1])
    assert got["ENVELOPE"][2][0][2:] == [b"kim", b"client.test"], got
    assert got["RFC822.SIZE"] > len(FOREIGN), got
    text = FOREIGN.split(b"\r\n\r\n", 1)[1]
    for item, wanted in (("TEXT", text), ("TEXT", text[2:5])):
        part = "" if wanted == text else "<2.3>"
        words = imap.ok(f"FETCH 3 BODY.PEEK[{item}]{part}").named("FETCH")
        assert wanted in [as_bytes(w) for w in words[0][1]], words
    whole = imap.ok("FETCH 1 BODY.PEEK[TEXT]<70000.20>").named("FETCH")
    wanted = BODY.split(b"\r\n\r\n", 1)[1][70000:70020]
    assert wanted in [as_bytes(w) for w in whole[0][1]], whole
    assert search(imap, "UTF-8", "SUBJECT", WORD) == [3]
    assert search(imap, "EUC-JP", "SUBJECT", WORD) == [3]
    assert search(imap, "KOI8-R", "BODY", "ПРИВЕТ") == [3]
    assert search(imap, "UTF-8", "BODY", "привет!") == []


def as_bytes(word):
    return word if isinstance(word, bytes) else str(word).encode()


def imap_works(server):
    line = lib.smtp_session(server)
    assert lib.send_mail(line, [server.user], FOREIGN).startswith("250")
    port = int(server.env["IMAP_PORT"])
    one, other = imap_client.Imap(port), imap_client.Imap(port)
    for imap in (one, other):
        imap.login(server.user, server.password)
    read_by_imap(one)
    other.ok("SELECT INBOX")
    tag = other.idle()
    one.ok(r"STORE 2 +FLAGS (\Flagged $Work)")
    pushed = []
    while not pushed or pushed[-1][1:2] != ["FETCH"]:
        pushed.append(other.pushed())
    flags = imap_client.fields(pushed[-1][2])["FLAGS"]
    assert sorted(map(str, flags)) == ["$Work", r"\Flagged"], pushed
    assert lib.send_mail(line, [server.user], FOREIGN).startswith("250")
    while pushed[-1] != [4, "EXISTS"]:
        pushed.append(other.pushed())
    assert other.done(tag).status == "OK"
    one.ok("MOVE 2 Archive")
    found = one.ok("STATUS Archive (MESSAGES SIZE)").named("STATUS")
    assert imap_client.fields(found[0][1])["MESSAGES"] == 1, found
    one.close()
    other.close()


def backup_crosses(server, native_binary, folder, arch):
    archive = folder / f"{arch}.backup"
    server.command("backup", str(archive))
    data = folder / f"restored-{arch}"
    run = lambda *words: subprocess.run(
        [native_binary, "--data", str(data), *words],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    run("restore", str(archive))
    run("check")
    assert server.user in run("user", "list")


def asks_dns(server):
    """By UDP, and by TCP where the answer is long."""
    zones = {"a.test": {"MX": ["10 mx.a.test"], "TXT": ["x" * 2000]}}
    with dnsd.Server(zones) as dns:
        server.command("set", "dns.servers", dns.where)
        assert "10 mx.a.test\n" in server.command("dns", "a.test").stdout
        found = server.command("dns", "a.test", "TXT").stdout
        assert "x" * 2000 + "\n" in found, found
        assert [entry[2] for entry in dns.log] == ["udp", "udp", "tcp"], dns.log


def main():
    lib.need(*BOARDS.values())
    native = str(lib.ROOT / "build" / "tinpost")
    with tempfile.TemporaryDirectory() as made:
        folder = pathlib.Path(made)
        for arch, emulator in BOARDS.items():
            binary = emulated(arch, emulator, folder)
            with lib.server(env={"TINPOST_BIN": str(binary)}) as server:
                asks_dns(server)
                deliver_and_read(server)
                imap_works(server)
                backup_crosses(server, native, folder, arch)
            print(f"{arch}: delivered, read by POP3 and IMAP, restored here")


main()
