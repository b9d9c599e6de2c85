#!/usr/bin/env python3
"""ImapFlow, an IMAP library of Node.js programs, does what mail programs do:
node/imapflow.mjs."""

import os
import pathlib
import re
import shutil
import subprocess

import lib

UNREACHABLE = r"ENOTFOUND|EAI_AGAIN|ECONN|ETIMEDOUT|ENETUNREACH|_CERT"
SOURCE = pathlib.Path(__file__).with_name("node")


def install():
    """The packages that node/package-lock.json names, in build/node."""
    folder = lib.ROOT / "build" / "node"
    lock = (SOURCE / "package-lock.json").read_bytes()
    done = folder / "node_modules" / ".tinpost-lock"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", "imapflow.mjs"):
        shutil.copy(SOURCE / name, folder / name)
    if not done.exists() or done.read_bytes() != lock:
        installed = subprocess.run(
            ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=folder, capture_output=True, text=True, timeout=300,
        )
        if re.search(UNREACHABLE, installed.stderr):
            lib.skip("npm cannot reach its source")
        assert installed.returncode == 0, installed.stderr
        done.write_bytes(lock)
    return folder


def main():
    lib.need("node", "npm")
    folder = install()
    with lib.server() as server:
        subprocess.run(
            ["node", "imapflow.mjs"], cwd=folder, check=True, timeout=120,
            env={**os.environ, **server.env},
        )


if __name__ == "__main__":
    main()
