#!/usr/bin/env python3
"""No session's step takes over 10 ms of CPU while 100 clients deliver, others
read their mail, and an import of 10,000 messages runs."""

import pathlib
import re
import subprocess
import tempfile
import threading

import lib

MAX_STEP_US = 10000
CLIENTS = 100
DELIVERIES = 4000
IMPORTED = 10000
READERS = 4


def write_mbox(path):
    with open(path, "wb") as file:
        for i in range(IMPORTED):
            file.write(
                b"From s@client.test Mon Nov 23 10:00:00 2026\n"
                b"From: s@client.test\nSubject: number %d\n\n" % i
                + b"A line of an old message.\n" * 10 + b"\n"
            )


class Readers:
    """People who fetch all their mail again and again until the end."""

    def __init__(self, server):
        self.server = server
        self.end = threading.Event()
        self.n_read, self.failed = 0, []
        self.threads = [
            threading.Thread(target=self.read, args=(f"u{i}@example.test",))
            for i in range(1, READERS + 1)
        ]
        for thread in self.threads:
            thread.start()

    def read(self, user):
        try:
            while not self.end.wait(0.05):
                self.n_read += len(lib.pop3_messages(
                    self.server, user, self.server.env["UPASS"]))
        except Exception as e:
            self.failed.append(e)

    def stop(self):
        self.end.set()
        for thread in self.threads:
            thread.join()
        assert not self.failed, self.failed


def start(*words):
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)


def finish(process):
    out = process.communicate(timeout=120)[0]
    assert process.returncode == 0, out
    return out


def load(server, folder):
    """All three at once; then a session on the mailbox imported into."""
    storm = lib.build_storm(folder)
    mbox = folder / "old.mbox"
    write_mbox(mbox)
    readers = Readers(server)
    try:
        importing = start(
            "sh", "-c", server.env["TINPOST"] + ' "$@"', "tinpost",
            "import", "u100@example.test", str(mbox),
        )
        storming = start(
            str(storm), str(server.port("SMTP")), str(CLIENTS),
            str(DELIVERIES), "1",
        )
        stored, micros = map(int, finish(storming).split())
        assert stored == DELIVERIES
        assert f"{IMPORTED} messages" in finish(importing)
    finally:
        readers.stop()
    assert readers.n_read > 0
    print(f"{stored * 1000000 // micros} deliveries a second at {CLIENTS} "
          f"connections, {readers.n_read} messages read")
    last = lib.pop3_session(server, "u100@example.test", server.env["UPASS"])
    assert int(last.pop3("STAT").split()[1]) >= IMPORTED
    last.pop3("QUIT")


def main():
    with tempfile.TemporaryDirectory() as made, lib.server(
        "smtp.max-messages=1000000", env=lib.RELEASE
    ) as server:
        load(server, pathlib.Path(made))
        status = server.command("status").stdout
    print(*(l for l in status.splitlines() if "CPU" in l), sep="\n")
    longest = int(re.search(r"longest step CPU, us +(\d+)", status).group(1))
    assert longest <= MAX_STEP_US, f"a step took {longest} us of CPU"


main()
