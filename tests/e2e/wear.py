#!/usr/bin/env python3
"""Flushes and bytes written at the block device for each delivered mail of
4 KB: one by one, at eight connections, and in a storm."""

import subprocess
import tempfile
import time

import lib

BOUNDS = {  # connections: (KB written, flushes) for each message
    1: (20, 1.1),
    8: (16, 0.3),
    64: (14, 0.3),
}
MESSAGES = 4000
ROUNDS = 9  # at most, until one fits


def fits(runs, bounds):
    return any(kb <= bounds[0] and per <= bounds[1] for kb, per in runs)


def main():
    failed = []
    with tempfile.TemporaryDirectory() as made, lib.loop_device(
        1024
    ) as (folder, device):
        storm = lib.build_storm(made)
        with lib.server(
            "smtp.max-messages=1000000", folder=folder, env=lib.RELEASE
        ) as server:

            def deliver(connections, n):
                words = [str(storm), str(server.port("SMTP"))]
                words += [str(connections), str(n), str(connections)]
                done = subprocess.run(
                    words, check=True, capture_output=True, text=True
                )
                stored, micros = map(int, done.stdout.split())
                assert stored == n
                return micros

            deliver(8, 2000)  # trees with some depth
            def measure(connections):
                """KB written and flushes for each message."""
                subprocess.run(["sync", "-f", str(folder)], check=True)
                bytes_before, flushes_before = lib.device_counters(device)
                micros = deliver(connections, MESSAGES)
                time.sleep(0.3)
                subprocess.run(["sync", "-f", str(folder)], check=True)
                written, flushes = lib.device_counters(device)
                kb = (written - bytes_before) / 1024 / MESSAGES
                per = (flushes - flushes_before) / MESSAGES
                print(
                    f"{connections} connections: {kb:.1f} KB, {per:.2f} "
                    f"flushes a message, {MESSAGES * 1000000 // micros} a "
                    "second"
                )
                return kb, per

            for connections, bounds in BOUNDS.items():
                # What else the machine does parts those who would share a
                # flush: it adds, and never takes away.
                runs = []
                while not fits(runs, bounds) and len(runs) < ROUNDS:
                    runs.append(measure(connections))
                if not fits(runs, bounds):
                    failed.append((connections, runs))
    assert not failed, f"over the budget: {failed}"


main()
