"""From submission to another server: the way of mail out of the house."""

import pathlib
import struct
import subprocess
import time

SINK_DOMAIN = "sink.test"


def own(made, address):
    """The mails, written by this address: it is who signs in."""
    return [b"From: <" + address.encode() + b">\r\n" + b"\r\n".join(
        line for line in mail.split(b"\r\n") if line[:6] != b"From: ")
        for mail in made]


class Sink:
    """sink.c: takes all mail that comes, and counts it."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        binary = folder / "sink"
        source = pathlib.Path(__file__).with_name("sink.c")
        subprocess.run(["gcc", "-O2", "-o", binary, source], check=True)
        self.count_file = folder / "sink.count"
        self.count_file.write_bytes(bytes(8))
        self.process = subprocess.Popen(
            [binary, self.count_file], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def count(self):
        return struct.unpack("=Q", self.count_file.read_bytes())[0]

    def wait_for(self, count, seconds=600):
        """Until so many have come in all."""
        end = time.monotonic() + seconds
        while self.count() < count:
            if time.monotonic() > end:
                raise RuntimeError(
                    f"{self.count()} of {count} messages after {seconds} s")
            time.sleep(0.002)

    def close(self):
        self.process.kill()
        self.process.wait()


def route(command, port):
    """Mail to the sink's domain goes there, and nothing else goes out; with at
    most 20 connections at once, as Postfix is shipped. command runs a command
    line of Tinpost's."""
    for words in (
        ["set", "limits.person-messages-hour", "0"],
        ["set", "limits.person-recipients-hour", "0"],
        ["set", "queue.max", "1000000"],
        ["set", "queue.connections-host", "20"],
        ["relay", "add", "to:" + SINK_DOMAIN, "127.0.0.1", "--port",
         str(port), "--tls", "never"],
        ["set", "queue.route", "relay"],
    ):
        command(*words)


def relay_messages(bench, server, conns, count):
    """Submit so many; returns the figures of load.c and the seconds from the
    first MAIL, when all have signed in, until the last is at the sink."""
    before = bench.sink.count()
    result = bench.load(
        "submit", server.ports["submission"], conns, count, bench.mails["own"],
        "u1@example.test", server.password, SINK_DOMAIN)
    start = time.monotonic() - result["us"] / 1e6
    bench.sink.wait_for(before + count)
    return result, time.monotonic() - start
