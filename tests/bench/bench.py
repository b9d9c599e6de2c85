#!/usr/bin/env python3
"""Tinpost beside Postfix and Dovecot, interleaved in one run.

usage: bench.py [--quick] [--only WORD] [--rounds N] [--out FOLDER]
                [--instructions FILE]

Prints the table and writes FOLDER/bench.md and FOLDER/bench.svg
(build/bench). --only runs the rows whose name contains WORD. FILE is what
instructions.py has printed, put below the table. BENCH_DISK=folder keeps the
file systems there and not in memory.
"""

import argparse
import contextlib
import datetime
import os
import pathlib
import shutil
import subprocess
import sys
import time

import machine
import mails
import peers
import relay
import sessions
import table

ROOT = pathlib.Path(__file__).resolve().parents[2]
SEED = 20261123
SIZES = (1000, 10_000, 100_000)
N_IDLE = 500


class Row:
    """One line of the table: how to measure it, and what is promised."""

    unit = "/s"
    is_more_better = True
    rounds = 5   # at most; fewer where each starts the servers again
    kinds = ("tinpost",) + peers.FORMATS
    most = None  # of the figure itself, where that is promised

    def __init__(self, name, target=None, quick=True):
        self.name = name
        self.target = target  # the ratio to the best of the others
        self.is_quick = quick

    def prepare(self, server, bench):
        """Once for each server."""

    def measure(self, server, bench):
        """A dictionary of figures, of which "value" is the row's."""
        raise NotImplementedError


class Delivery(Row):
    def __init__(self, name, conns, count, target, rcpts=1, fresh=False,
                 mail="4k", people=100, quick=True):
        super().__init__(name, target, quick)
        self.conns, self.count, self.rcpts = conns, count, rcpts
        self.fresh, self.mail, self.people = fresh, mail, people

    def measure(self, server, bench):
        device = bench.devices[server.kind]
        count = bench.scaled(self.count) * (
            4 if server.kind == "tinpost" else 1)
        device.sync()
        before = device.counters()
        cpu = machine.cpu_seconds(server.roots())
        start = time.monotonic()
        words = ["smtp", server.ports["smtp"], self.conns, count,
                 bench.mails[self.mail], self.rcpts, self.people]
        result = bench.load(*words, *(["fresh"] if self.fresh else []))
        while not server.is_delivered():
            time.sleep(0.005)
        seconds = time.monotonic() - start
        device.sync()
        after = device.counters()
        n = count * self.rcpts
        return {
            "value": n / seconds,
            "p50_ms": result["p50_us"] / 1000,
            "p99_ms": result["p99_us"] / 1000,
            "cpu_ms": 1000 * (machine.cpu_seconds(server.roots()) - cpu) / n,
            "load_ms": result["cpu_us"] / 1000 / n,
            "written_kb": (after[0] - before[0]) / 1024 / n,
            "flushes": (after[1] - before[1]) / n,
        }


class Relay(Row):
    """From submission, signed in, to another server, messages an hour. The
    others are one and the same Postfix here: the first of them is measured."""

    unit = " /h"

    def __init__(self, name, conns, count, target, on_one_core=False):
        super().__init__(name, target)
        self.conns, self.count = conns, count
        self.on_one_core = on_one_core

    def prepare(self, server, bench):
        if bench.sink is None:
            bench.sink = relay.Sink(bench.folder)
        if server.kind in ("tinpost", peers.FORMATS[0]) and (
                server.kind, "relay") not in bench.made:
            bench.made.add((server.kind, "relay"))
            server.route(bench.sink.port)

    def measure(self, server, bench):
        if server.kind not in ("tinpost", peers.FORMATS[0]):
            return {}
        if not self.on_one_core:
            return self.relayed(server, bench)
        with machine.one_core(server.roots(), [bench.sink.process.pid]):
            return self.relayed(server, bench)

    def relayed(self, server, bench):
        device = bench.devices[server.kind]
        count = bench.scaled(self.count) * (
            10 if server.kind == "tinpost" else 1)
        device.sync()
        before = device.counters()
        cpu = machine.cpu_seconds(server.roots())
        result, seconds = relay.relay_messages(
            bench, server, self.conns, count)
        while not server.is_delivered():
            time.sleep(0.005)
        cpu = machine.cpu_seconds(server.roots()) - cpu
        device.sync()
        after = device.counters()
        return {
            "value": 3600 * count / seconds,
            "p50_ms": result["p50_us"] / 1000,
            "p99_ms": result["p99_us"] / 1000,
            "cpu_ms": 1000 * cpu / count,
            "load_ms": result["cpu_us"] / 1000 / count,
            "written_kb": (after[0] - before[0]) / 1024 / count,
            "flushes": (after[1] - before[1]) / count,
        }


class Imap(Row):
    """A command, again and again, at several connections. per: how many
    messages one command handles."""

    def __init__(self, name, command, count, target, setup="SELECT Bulk",
                 conns=8, per=1, factor=1, quick=True):
        super().__init__(name, target, quick)
        self.command, self.count, self.setup = command, count, setup
        self.conns, self.per, self.factor = conns, per, factor
        self.n_runs = {}

    def measure(self, server, bench):
        count = max(self.conns, bench.scaled(self.count))
        if server.kind == "tinpost":
            count *= self.factor
        # A target mailbox is new in each run.
        run = self.n_runs[server.kind] = self.n_runs.get(server.kind, 0) + 1
        setup = self.setup.replace("%r", str(run))
        command = self.command.replace("%r", str(run))
        cpu = machine.cpu_seconds(server.roots())
        result = bench.load(
            "imap", server.ports["imap"], self.conns, count,
            bench.mails["4k"], f"u%c@{peers.DOMAIN}", server.password,
            setup, command)
        cpu = machine.cpu_seconds(server.roots()) - cpu
        return {
            "value": count * self.per / (result["us"] / 1e6),
            "p50_ms": result["p50_us"] / 1000,
            "p99_ms": result["p99_us"] / 1000,
            "cpu_ms": 1000 * cpu / count / self.per,
            "load_ms": result["cpu_us"] / 1000 / count / self.per,
        }


class Login(Row):
    def measure(self, server, bench):
        count = bench.scaled(200) * (5 if server.kind == "tinpost" else 1)
        cpu = machine.cpu_seconds(server.roots())
        result = bench.load(
            "login", server.ports["imap"], 8, count, bench.mails["4k"],
            f"u%c@{peers.DOMAIN}", server.password)
        cpu = machine.cpu_seconds(server.roots()) - cpu
        return {"value": count / (result["us"] / 1e6),
                "p50_ms": result["p50_us"] / 1000,
                "p99_ms": result["p99_us"] / 1000,
                "cpu_ms": 1000 * cpu / count,
                "load_ms": result["cpu_us"] / 1000 / count}


class Pop3(Row):
    def measure(self, server, bench):
        count = bench.scaled(4000)
        cpu = machine.cpu_seconds(server.roots())
        result = bench.load(
            "pop3", server.ports["pop3"], 4, count, bench.mails["4k"],
            f"p%c@{peers.DOMAIN}".replace("p%c", "u2%c"), server.password,
            bench.n_bulk)
        cpu = machine.cpu_seconds(server.roots()) - cpu
        return {"value": count / (result["us"] / 1e6),
                "p50_ms": result["p50_us"] / 1000,
                "p99_ms": result["p99_us"] / 1000,
                "cpu_ms": 1000 * cpu / count,
                "load_ms": result["cpu_us"] / 1000 / count}

    def prepare(self, server, bench):
        bench.load(
            "imap", server.ports["imap"], 4, 4 * bench.n_bulk,
            bench.mails["4k"], f"u2%c@{peers.DOMAIN}", server.password,
            "NOOP", "APPEND INBOX {}")


class Memory(Row):
    unit = " KB"
    is_more_better = False
    most = 1536

    def measure(self, server, bench):
        server.stop()
        server.start()
        time.sleep(1)
        return {"value": machine.rss_anon_kb(server.roots())}


class Idle(Row):
    """Sessions in IDLE on one mailbox: how long until half of them know of a
    new message, or the memory that each takes. Both are measured at once,
    and with one format: Dovecot needs minutes to let so many in."""

    kinds = ("tinpost", "mdbox")

    is_more_better = False
    rounds = 1
    deliveries = 5

    def __init__(self, name, figure, unit, most, is_tls=False):
        super().__init__(name, quick=False)
        self.figure, self.unit = figure, unit
        self.most, self.is_tls = most, is_tls

    def measure(self, server, bench):
        kept = bench.idle.get((server.kind, self.is_tls))
        if kept is None:
            kept = bench.idle[server.kind, self.is_tls] = self.both(server)
        return {"value": kept[self.figure], **(
            kept if self.figure == "p50_ms" else {})}

    def both(self, server):
        # Others who were here before are not to be counted.
        server.stop()
        server.start()
        time.sleep(1)
        with sessions.idling(server, N_IDLE, self.is_tls) as idle:
            kb = machine.rss_anon_kb(server.roots()) - idle.rss_before_kb
            times = sorted(t for _ in range(self.deliveries)
                           for t in idle.deliver())
        return {"kb": kb / N_IDLE,
                "p50_ms": times[len(times) // 2],
                "p99_ms": times[len(times) * 99 // 100]}


class Handshakes(Row):
    """Connections with TLS 1.2, one after the other."""

    def __init__(self, name, is_resumed):
        super().__init__(name, quick=False)
        self.is_resumed = is_resumed

    def measure(self, server, bench):
        cpu = machine.cpu_seconds(server.roots())
        seconds, n = sessions.handshakes(server, 60, self.is_resumed)
        cpu = machine.cpu_seconds(server.roots()) - cpu
        return {"value": n / seconds, "cpu_ms": 1000 * cpu / n}


class Crowd(Row):
    """What a plain session waits at most while so many shake hands."""

    unit = " ms"
    is_more_better = False
    rounds = 3
    most = 50

    def measure(self, server, bench):
        times = sorted(sessions.answers_meanwhile(server, 100))
        return {"value": times[-1], "p50_ms": times[len(times) // 2],
                "p99_ms": times[len(times) * 99 // 100]}


class Sized(Row):
    """One command in a mailbox of so many messages, in milliseconds; first:
    right after a start."""

    unit = " ms"
    is_more_better = False
    rounds = 3

    def __init__(self, what, size, command, target=None, most=None,
                 first=False):
        super().__init__(f"{size:,} messages: {what}", target, quick=False)
        self.size, self.command, self.most = size, command, most
        self.first = first
        self.mailbox = f"Big{size}"

    def prepare(self, server, bench):
        if (server.kind, self.size) in bench.made:
            return
        bench.made.add((server.kind, self.size))

        def do(count, setup, command):
            bench.load("imap", server.ports["imap"], 1, count,
                       bench.mails["small"], server.user, server.password,
                       setup, command)

        if (server.kind, 0) not in bench.made:
            bench.made.add((server.kind, 0))
            do(1000, "CREATE Thousand", "APPEND Thousand {}")
        do(self.size // 1000, f"CREATE {self.mailbox};SELECT Thousand",
           f"COPY 1:* {self.mailbox}")
        # Warm, as after the first visit of a client.
        do(1, f"SELECT {self.mailbox}", "FETCH 1:* ENVELOPE")

    def measure(self, server, bench):
        if self.first:
            server.stop()
            server.start()
        is_select = self.command == "SELECT"
        result = bench.load(
            "imap", server.ports["imap"], 1, 1, bench.mails["small"],
            server.user, server.password,
            "NOOP" if is_select else f"SELECT {self.mailbox}",
            f"SELECT {self.mailbox}" if is_select else self.command)
        return {"value": result["us"] / 1000}


def sized(size):
    largest = size == max(SIZES)
    return [
        Sized("SELECT, first", size, "SELECT", most=1, first=True),
        Sized("SELECT", size, "SELECT", most=1),
        Sized("FLAGS", size, "FETCH 1:* (UID FLAGS)", 2 if largest else None),
        Sized("ENVELOPE, first", size, "FETCH 1:* ENVELOPE", first=True),
        Sized("ENVELOPE", size, "FETCH 1:* ENVELOPE", 3 if largest else None),
        Sized("SEARCH SUBJECT", size, "SEARCH SUBJECT xyzzy",
              3 if largest else None),
    ]


def rows():
    copy = "CREATE C%r;SELECT Bulk"
    gone = "CREATE E%r;SELECT Bulk;COPY 1:100 E%r;SELECT E%r;" \
        "STORE 1:* +FLAGS.SILENT (\\Deleted)"
    return [
        Memory("memory, idle"),
        Delivery("4 KB mails, 1 connection", 1, 150, 6),
        Delivery("4 KB mails, 8 connections", 8, 400, 15),
        Delivery("4 KB mails, 64 connections", 64, 600, 25),
        Delivery("4 KB mails, each a connection", 8, 300, 10, fresh=True),
        Delivery("4 KB mails, 10 recipients", 8, 100, 15, rcpts=10),
        Delivery("4 KB mails, 1 person", 8, 300, None, people=1,
                 quick=False),
        Delivery("4 KB mails, 10 people", 8, 300, None, people=10,
                 quick=False),
        Delivery("office mails, 8 connections", 8, 150, None, mail="office"),
        Relay("relay, 1 connection", 1, 300, 10),
        Relay("relay, 8 connections", 8, 600, 10),
        Relay("relay, 64 connections", 64, 1000, 10),
        Relay("relay, 8 connections, on one core", 8, 600, None, True),
        Login("IMAP logins", 10),
        Imap("IMAP NOOP", "NOOP", 8000, 1),
        Imap("IMAP STATUS", "STATUS Bulk (MESSAGES UNSEEN UIDNEXT)", 4000, 1,
             setup="NOOP"),
        Imap("IMAP SELECT", "SELECT Bulk", 2000, 1, setup="NOOP"),
        Imap("IMAP APPEND", "APPEND A%r {}", 400, 6, setup="CREATE A%r",
             factor=4),
        Imap("IMAP COPY", "COPY %n C%r", 400, 5, setup=copy, factor=2),
        Imap("IMAP STORE", "STORE %n FLAGS.SILENT (\\Answered k%r)", 800, 2,
             factor=1),
        Imap("IMAP EXPUNGE", "UID EXPUNGE %n", 400, 5, setup=gone),
        Imap("FETCH 1:* FLAGS", "FETCH 1:* (UID FLAGS)", 400, 2, per=100),
        Imap("FETCH 1:* ENVELOPE", "FETCH 1:* ENVELOPE", 200, 4, per=100),
        Imap("FETCH 1:* headers and bodies",
             "FETCH 1:* (BODY.PEEK[HEADER] BODY.PEEK[TEXT])", 80, 1.5,
             per=100),
        Imap("SEARCH BODY", "SEARCH BODY xyzzy", 200, 5, per=100),
        Pop3("POP3 RETR", 1.5),
        Handshakes("TLS handshakes", False),
        Handshakes("TLS handshakes, resumed", True),
        Crowd("slowest answer beside 100 handshakes", quick=False),
        *(row for size in SIZES for row in sized(size)),
        Idle(f"{N_IDLE} in IDLE told of a message", "p50_ms", " ms", 50),
        Idle(f"{N_IDLE} in IDLE, each", "kb", " KB", 4),
        Idle(f"{N_IDLE} in IDLE with TLS told of it", "p50_ms", " ms", 50,
             True),
        Idle(f"{N_IDLE} in IDLE with TLS, each", "kb", " KB", 8, True),
    ]


class Bench:
    def __init__(self, is_quick, folder, rounds=0):
        self.is_quick = is_quick
        self.folder = folder
        self.n_rounds = rounds or (3 if is_quick else 5)
        self.n_bulk = 100
        self.mails = {}
        self.idle = {}  # (server, is_tls): figures of so many in IDLE
        self.made = set()  # (server, size): mailboxes of many messages
        self.sink = None  # where relayed mail goes
        self.binary = folder / "load"
        self.tinpost = folder / "tinpost"

    def scaled(self, count):
        return max(8, count // 2) if self.is_quick else count

    def build(self):
        source = pathlib.Path(__file__).with_name("load.c")
        subprocess.run(["gcc", "-O2", "-o", self.binary, source], check=True)
        # Not the one that a make in between replaces.
        self.tinpost.unlink(missing_ok=True)
        shutil.copy(ROOT / "build" / "tinpost", self.tinpost)
        plain = mails.fixed(SEED, 200, 4096)
        for name, made in (("4k", plain),
                           ("own", relay.own(plain, f"u1@{peers.DOMAIN}")),
                           ("small", mails.fixed(SEED, 1000, 1000)),
                           ("office", mails.office(SEED, 150))):
            self.mails[name] = self.folder / f"{name}.mails"
            mails.write(self.mails[name], made)

    def load(self, *words):
        done = subprocess.run(
            [str(self.binary), *map(str, words)],
            capture_output=True, text=True, timeout=600)
        if done.returncode != 0:
            raise RuntimeError(f"{words}: {done.stderr.strip()}")
        n, us, p50, p99, cpu = map(int, done.stdout.split())
        return {"n": n, "us": us, "p50_us": p50, "p99_us": p99,
                "cpu_us": cpu}

    def fill(self, server):
        """Bulk: a hundred mails for each of the eight."""
        self.load("imap", server.ports["imap"], 8, 8 * self.n_bulk,
                  self.mails["4k"], f"u%c@{peers.DOMAIN}", server.password,
                  "CREATE Bulk", "APPEND Bulk {}")

    def run(self, chosen, servers, told):
        """Row -> server kind -> list of figures, one a round; told to
        somebody after each row."""
        results = {row.name: {s.kind: [] for s in servers} for row in chosen}
        for row in chosen:
            for server in servers:
                if server.kind in row.kinds:
                    row.prepare(server, self)
            n_rounds = min(self.n_rounds, row.rounds)
            for i in range(n_rounds):
                for server in servers:
                    if server.kind not in row.kinds:
                        continue
                    figures = row.measure(server, self)
                    results[row.name][server.kind].append(figures)
                print(f"{row.name}: round {i + 1} of {n_rounds}",
                      file=sys.stderr, flush=True)
            told(results)
        return results


def run_all(bench, chosen, told):
    kinds = ("tinpost",) + (
        peers.FORMATS[:1] if all(isinstance(r, Relay) for r in chosen)
        else peers.FORMATS)
    for package in ("postfix", "dovecot"):
        peers.silence(package)
    with machine.devices(kinds, 3000) as devices, \
            machine.watches(4 * N_IDLE), contextlib.ExitStack() as stack:
        bench.devices = devices
        servers = [peers.Tinpost(devices["tinpost"].mount / "server",
                                 bench.tinpost)]
        servers += [peers.Peer(devices[k].mount / "server", k)
                    for k in kinds[1:]]
        for server in servers:
            stack.callback(stop_quietly, server)
            server.start()
            bench.fill(server)
        stack.callback(lambda: bench.sink and bench.sink.close())
        return bench.run(chosen, servers, told)


def stop_quietly(server):
    try:
        server.stop()
    except Exception as error:
        print(f"{server.name}: {error}", file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--instructions", default="")
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--out", default=str(ROOT / "build" / "bench"))
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("bench: run it as root: it mounts file systems of its own "
                 "and starts Postfix and Dovecot.")
    folder = pathlib.Path(options.out)
    folder.mkdir(parents=True, exist_ok=True)
    bench = Bench(options.quick, folder, options.rounds)
    bench.build()
    chosen = [row for row in rows() if options.only in row.name and
              (row.is_quick or not options.quick)]
    start = time.monotonic()

    def write(results):
        done = [row for row in chosen if results[row.name]["tinpost"]]
        text = table.markdown(done, results, {
            "date": datetime.date.today().isoformat(),
            "machine": machine.describe(),
            "command": "make bench-quick" if options.quick else "make bench",
            "rounds": bench.n_rounds,
            "minutes": (time.monotonic() - start) / 60,
        })
        if options.instructions:
            text += "\nInstructions, and the change to those kept:\n\n"
            for line in open(options.instructions):
                text += "    " + line
        (folder / "bench.md").write_text(text)
        (folder / "bench.svg").write_text(table.svg(done, results))

    run_all(bench, chosen, write)
    print((folder / "bench.md").read_text())


if __name__ == "__main__":
    main()
