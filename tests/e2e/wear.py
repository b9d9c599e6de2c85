#!/usr/bin/env python3
"""Flushes and bytes written at the block device for each delivered mail:
one by one, at eight connections, and in a storm."""

import random
import subprocess
import threading
import time

import lib

BOUNDS = {  # connections: (KB written, flushes) for each message
    1: (20, 1.1),
    8: (16, 0.3),
    64: (14, 0.3),
}
WORDS = (
    "the of and to in is you that it he was for on are as with his they at "
    "be this have from or one had by word but not what all were we when your "
    "can said there use an each which she do how their if will up other "
    "about out many then them these so some her would make like him into "
    "time has look two more write go see number no way could people my than "
    "first water been call who oil its now find long down day did get come "
    "made may part invoice meeting tomorrow project attached regards office"
).split()


def mail(rng):
    """A text mail of about 4 KB with ordinary words."""
    lines = [
        f"From: Sender {rng.randrange(1000)} <s{rng.randrange(1000)}@client.test>",
        f"Subject: {' '.join(rng.choices(WORDS, k=6))}",
        "Date: Mon, 23 Nov 2026 09:48:00 +0000",
        f"Message-ID: <{rng.getrandbits(64):x}@client.test>",
        "",
    ]
    size = sum(len(line) + 2 for line in lines)
    while size < 4096:
        lines.append(" ".join(rng.choices(WORDS, k=12)))
        size += len(lines[-1]) + 2
    return "\r\n".join(lines).encode() + b"\r\n"


def deliver(server, n, seed, errors):
    try:
        rng = random.Random(seed)
        line = lib.smtp_session(server)
        for _ in range(n):
            to = f"u{rng.randrange(1, 101)}@example.test"
            reply = lib.send_mail(line, [to], mail(rng))
            assert reply.startswith("250"), reply
        line.smtp("QUIT", 221)
    except Exception as error:
        errors.append(error)


def storm(server, connections, each, seed):
    errors = []
    threads = [
        threading.Thread(target=deliver, args=(server, each, seed + i, errors))
        for i in range(connections)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors, errors[0]


def main():
    failed = []
    with lib.loop_device(1024) as (folder, device):
        with lib.server(
            "smtp.max-messages=1000000", folder=folder, env=lib.RELEASE
        ) as server:
            storm(server, 8, 250, 1)  # trees with some depth
            for connections, (most_kb, most_flushes) in BOUNDS.items():
                total = 1000 if connections == 1 else 3200
                subprocess.run(["sync", "-f", str(folder)], check=True)
                bytes_before, flushes_before = lib.device_counters(device)
                storm(server, connections, total // connections, connections)
                time.sleep(0.3)
                subprocess.run(["sync", "-f", str(folder)], check=True)
                written, flushes = lib.device_counters(device)
                kb = (written - bytes_before) / 1024 / total
                per = (flushes - flushes_before) / total
                print(
                    f"{connections} connections: {kb:.1f} KB (bound {most_kb}),"
                    f" {per:.2f} flushes (bound {most_flushes}) a message"
                )
                if kb > most_kb or per > most_flushes:
                    failed.append(connections)
    assert not failed, f"over the budget at {failed} connections"


main()
