#!/usr/bin/env python3
"""The resolver client inside a server that has confined itself: what it asks,
by UDP and by TCP, and that other name servers are taken while it runs."""

import pathlib
import re
import time

import dnsd
import lib

ZONES = {
    "example.test": {"MX": ["10 mx.example.test", "20 mx2.example.test"]},
    "mx.example.test": {"A": ["192.0.2.1"], "AAAA": ["2001:db8::1"]},
    "alias.test": {"CNAME": "mx.example.test"},
    "null.test": {"MX": ["0 ."]},
    "text.test": {"TXT": ["v=spf1 -all", "esc\x1b[2J\\"]},
    "long.test": {"TXT": ["x" * 3000]},
    "1.2.0.192.in-addr.arpa": {"PTR": ["mx.example.test"]},
    "truncated.test": {"A": ["192.0.2.2"], "DO": "truncate"},
    "failing.test": {"DO": "servfail"},
    "silent.test": {"DO": "drop"},
    "ring.test": {"DO": "loop"},
}


def ask(running, *words):
    done = running.command("dns", *words, check=False)
    return done.returncode, done.stdout + done.stderr


def expect(running, words, code, *lines):
    got_code, got = ask(running, *words.split())
    assert got_code == code, (words, got)
    # Some of the time may be over already.
    got = re.sub(r"good for 29\d s", "good for 300 s", got)
    for line in lines:
        assert line in got.splitlines(), (words, line, got)
    return got


def check_confined(pid):
    """It is the confined server that was asked, not a test that got away."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    assert re.search(r"^Seccomp:\s+2$", text, re.M), text


def main():
    with dnsd.Server(dict(ZONES)) as first, dnsd.Server(
            {"example.test": {"MX": ["5 other.example.test"]}}) as second, \
            lib.server("dns.timeout=1s", "dns.servers=" + first.where) as running:
        check_confined(running.pid)
        expect(running, "example.test", 0, "10 mx.example.test",
               "20 mx2.example.test", "good for 300 s")
        expect(running, "Example.TEST. MX", 0, "10 mx.example.test")
        assert first.asked("example.test", "MX") == 1, first.log
        expect(running, "alias.test A", 0, "192.0.2.1",
               "good for 300 s, by an alias")
        expect(running, "mx.example.test AAAA", 0, "2001:db8::1")
        expect(running, "192.0.2.1", 0, "mx.example.test")
        expect(running, "null.test", 0, "0 .")
        expect(running, "text.test TXT", 0, "v=spf1 -all", "esc\\x1b[2J\\x5c")
        expect(running, "long.test TXT", 0, "x" * 3000)
        expect(running, "truncated.test A", 0, "192.0.2.2")
        for name in ("long.test", "truncated.test"):
            assert [e[2] for e in first.log if e[0] == name] == \
                ["udp", "tcp"], first.log
        assert "no such name" in expect(running, "nothing.test", 1)
        assert "no record" in expect(running, "example.test A", 1)
        for name in ("failing.test", "ring.test", "silent.test"):
            start = time.monotonic()
            assert "No usable answer" in expect(running, name + " A", 1)
            assert time.monotonic() - start < 15, name
        # Three tries, each with twice the time: nothing hammers.
        assert first.asked("silent.test") == 3, first.log

        running.command("set", "dns.servers", second.where)
        expect(running, "example.test", 0, "5 other.example.test")
        done = running.command("set", "dns.servers", "nonsense", check=False)
        assert done.returncode != 0 and "192.0.2.1" in done.stderr, done
        # Nobody there: at once, and a temporary failure.
        running.command("set", "dns.servers", "127.0.0.1:1")
        start = time.monotonic()
        assert "No usable answer" in expect(running, "example.test", 1)
        assert time.monotonic() - start < 5


main()
