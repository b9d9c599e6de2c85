#!/usr/bin/env python3
"""The release binaries of 32-bit boards, under user-mode emulation: a whole
delivery and retrieval, a restart, and a backup that crosses to this machine."""

import pathlib
import subprocess
import tempfile

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


def main():
    lib.need(*BOARDS.values())
    native = str(lib.ROOT / "build" / "tinpost")
    with tempfile.TemporaryDirectory() as made:
        folder = pathlib.Path(made)
        for arch, emulator in BOARDS.items():
            binary = emulated(arch, emulator, folder)
            with lib.server(env={"TINPOST_BIN": str(binary)}) as server:
                deliver_and_read(server)
                backup_crosses(server, native, folder, arch)
            print(f"{arch}: delivered, read back, restored here")


main()
