#!/usr/bin/env python3
"""The release binaries of 32-bit boards, under user-mode emulation: questions to
the DNS, a whole delivery and retrieval, a restart, and a backup that crosses to
this machine."""

import pathlib
import subprocess
import tempfile

import dnsd
import lib

BOARDS = {"armhf": "qemu-arm-static", "mipsel": "qemu-mipsel-static"}
BODY = b"Subject: across\r\n\r\n" + b"A line of text.\r\n" * 5000


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
                backup_crosses(server, native, folder, arch)
            print(f"{arch}: delivered, read back, restored here")


main()
