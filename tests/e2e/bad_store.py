#!/usr/bin/env python3
"""Stores that cannot be opened: each time a sentence that says why and what to
do, an exit code that is not 0, and every byte left as it was."""

import hashlib
import pathlib
import shlex
import shutil
import subprocess
import tempfile

import lib


def digest(folder):
    """A checksum of every file that holds data, by name."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(pathlib.Path(folder).iterdir())
        if path.is_file() and not path.name.startswith(("lock", "starts"))
        and not path.name.endswith("-lock")
    }


def flip(path, offset, n=64):
    data = bytearray(path.read_bytes())
    for i in range(offset, min(offset + n, len(data))):
        data[i] ^= 0xFF
    path.write_bytes(bytes(data))


def cut(path, size):
    with open(path, "r+b") as file:
        file.truncate(size)


FAULTS = {
    "truncated index": lambda data: cut(data / "index", 20000),
    "empty index": lambda data: cut(data / "index", 0),
    "foreign index": lambda data: (data / "index").write_bytes(b"GIF89a" * 9000),
    "damaged header pages": lambda data: flip(data / "index", 0, 8192),
    "missing index": lambda data: (data / "index").unlink(),
    "missing journal": lambda data: (data / "journal").unlink(),
}


def main():
    with tempfile.TemporaryDirectory() as made:
        folder = pathlib.Path(made)
        server = lib.Server(folder / "server")
        line = lib.smtp_session(server)
        for i in range(20):
            reply = lib.send_mail(line, [server.user], b"Subject: %d\r\n\r\n" % i)
            assert reply.startswith("250")
        server.stop()
        whole = pathlib.Path(server.env["DATA_DIR"])
        words = shlex.split(server.env["TINPOST"])
        for name, spoil in FAULTS.items():
            data = folder / "spoilt"
            shutil.copytree(whole, data, ignore=shutil.ignore_patterns("control"))
            spoil(data)
            before = digest(data)
            done = subprocess.run(
                [words[0], "--data", str(data), "user", "list"],
                capture_output=True,
                text=True,
                timeout=60,
            )
            said = done.stderr.strip()
            print(f"{name}: {said}")
            assert done.returncode not in (0, -6, -7, -11), (name, done)
            assert len(said.split()) > 4, f"{name}: no sentence: {said!r}"
            assert "Sanitizer" not in said, said
            assert digest(data) == before, f"{name}: something was changed"
            shutil.rmtree(data)


main()
