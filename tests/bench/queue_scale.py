#!/usr/bin/env python3
"""What a long queue costs: memory with 10,000 messages that wait beside none,
and each delivery out of 100,000 beside each out of 100.

usage: queue_scale.py [--messages N] [--waiting N] [--out FOLDER]

--messages: so many instead of 100,000; --waiting: instead of 10,000. CPU is of
the server alone; the time ends when a message is at the sink. What is compared
is the median of the CPU: of what else the machine does, that shows least.
Nothing leaves the machine.
"""

import argparse
import pathlib
import shlex
import shutil
import subprocess
import sys
import time

import bench as benches
import machine
import mails
import peers
import relay
import table

MAX_KB = 2048
NEAR = 1.25  # what noise and caches may add
LITTLE = 100


class Queue:
    """A Tinpost whose way out is shut until it is opened."""

    def __init__(self, folder):
        self.bench = benches.Bench(False, folder)
        self.bench.build()
        made = relay.own(mails.fixed(benches.SEED, 200, 1000),
                         f"u1@{peers.DOMAIN}")
        mails.write(self.bench.mails["own"], made)
        self.bench.sink = relay.Sink(folder)
        self.server = peers.Tinpost(folder / "server", self.bench.tinpost)
        self.server.start()
        self.server.route(1)  # nobody listens there
        # Held back once, it is tried again when we say so.
        self.server.command("set", "queue.retry", "1d")

    def close(self):
        self.bench.sink.close()
        self.server.stop()

    def rss_kb(self):
        return machine.rss_anon_kb(self.server.roots())

    def fill(self, count):
        """Submit so many; they wait."""
        self.server.route(1)
        time.sleep(0.1)
        self.bench.load(
            "submit", self.server.ports["submission"], 16, count,
            self.bench.mails["own"], f"u1@{peers.DOMAIN}",
            self.server.password, relay.SINK_DOMAIN)

    def clocks(self):
        """Seconds, and CPU seconds of the server."""
        pid = self.server.roots()[0]
        ns = sum(int(task.read_text().split()[0]) for task in
                 pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"))
        return time.monotonic(), ns / 1e9

    def first(self):
        """The number of the first message that waits."""
        with subprocess.Popen(
            shlex.split(self.server.env["TINPOST"]) + ["queue", "list"],
            stdout=subprocess.PIPE, text=True,
        ) as listing:
            number = listing.stdout.readline().split()[0]
            listing.kill()
        return number

    def drain(self, count, step):
        """Microseconds and CPU microseconds of a message, for each step that
        arrived."""
        begun = self.bench.sink.count()
        number = self.first()
        self.server.route(self.bench.sink.port)
        at = self.clocks()
        figures = []
        # One is tried now, and with it all: the way is free.
        self.server.command("queue", "retry", number)
        for n in range(step, count + 1, step):
            self.bench.sink.wait_for(begun + n)
            now = self.clocks()
            figures.append(tuple(
                1e6 * (now[i] - at[i]) / step for i in (0, 1)))
            at = now
        time.sleep(0.2)  # the last outcomes
        return figures


def medians(figures):
    return tuple(table.median([f[i] for f in figures]) for i in (0, 1))


def memory(queue, count):
    # What is kept from then on is not the queue's.
    queue.fill(LITTLE)
    queue.drain(LITTLE, LITTLE)
    time.sleep(7)  # the connections end
    before = queue.rss_kb()
    queue.fill(count)
    time.sleep(2)
    kb = queue.rss_kb() - before
    print(f"memory with {count:,} messages that wait: {kb} KB more than with "
          f"none (at most {MAX_KB})", flush=True)
    queue.drain(count, count)
    return kb <= MAX_KB


def cost(queue, count):
    little = []
    for _ in range(30):
        queue.fill(LITTLE)
        little += queue.drain(LITTLE, LITTLE)
    us_little, cpu_little = medians(little)
    print(f"each of {LITTLE}: {us_little:.0f} us, CPU {cpu_little:.0f} us",
          flush=True)
    queue.fill(count)
    step = count // 20
    parts = queue.drain(count, step)
    for i, (us, cpu) in enumerate(parts):
        print(f"{(i * step):,} to {((i + 1) * step):,} of {count:,}: each "
              f"{us:.0f} us, CPU {cpu:.0f} us", flush=True)
    us, cpu = medians(parts)
    print(f"each of {count:,}: {us:.0f} us, CPU {cpu:.0f} us, "
          f"{cpu / cpu_little:.2f} times that of {LITTLE} (at most {NEAR})")
    return cpu <= NEAR * cpu_little


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--waiting", type=int, default=10_000)
    parser.add_argument("--out", default=str(
        benches.ROOT / "build" / "queue-scale"))
    options = parser.parse_args()
    folder = pathlib.Path(options.out)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    queue = Queue(folder)
    try:
        is_met = [memory(queue, options.waiting),
                  cost(queue, options.messages)]
    finally:
        queue.close()
    shutil.rmtree(folder, ignore_errors=True)
    sys.exit(0 if all(is_met) else 1)


if __name__ == "__main__":
    main()
