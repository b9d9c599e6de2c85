#!/usr/bin/env python3
"""Count the instructions of the three hottest paths, which are about the same
on any machine, however busy.

usage: instructions.py [--keep] PROGRAMS ARCH...

PROGRAMS is the folder with ARCH/hot_delivery, hot_fetch and hot_idle. Each
runs under qemu-user with count_plugin.c, for a short time and for a longer;
the difference is divided by that of the counts. The figures are compared with instructions.tsv; one that
differs by over 5 % is marked. --keep writes them there.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
KEPT = HERE / "instructions.tsv"
QEMU = {"x86_64": "qemu-x86_64", "armhf": "qemu-arm", "arm64":
        "qemu-aarch64", "mipsel": "qemu-mipsel"}
# Path: what one is, and how many in the shorter and in the longer run.
PATHS = {
    "delivery": ("one mail of 4 KB", 100, 1100, 1),
    "fetch": ("flags, envelope and text of one message", 4, 44, 50),
    "idle": ("telling one session of a message", 20, 320, 50),
}
# A turn more or less, by the clock, makes a difference: the least counts.
N_RUNS = 3


def build_plugin(folder):
    plugin = pathlib.Path(folder) / "count.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O2", "-o", plugin,
                    HERE / "count_plugin.c"], check=True)
    return plugin


def count(plugin, arch, program, n):
    done = subprocess.run(
        [QEMU[arch], "-d", "plugin", "-plugin", str(plugin), str(program),
         str(n)], capture_output=True, text=True, timeout=300)
    found = re.search(r"instructions (\d+)", done.stderr + done.stdout)
    if done.returncode != 0 or not found:
        sys.exit(f"{program} {n}: {done.stderr[-500:]}")
    return int(found[1])


def measure(plugin, programs, arch, path):
    _, few, many, each = PATHS[path]
    program = programs / arch / f"hot_{path}"
    counts = [min(count(plugin, arch, program, n) for _ in range(N_RUNS))
              for n in (few, many)]
    return (counts[1] - counts[0]) // ((many - few) * each)


def kept():
    if not KEPT.exists():
        return {}
    rows = (line.split("\t") for line in KEPT.read_text().splitlines()
            if line and not line.startswith("#"))
    return {(arch, path): int(n) for arch, path, n in rows}


def main():
    words = [w for w in sys.argv[1:] if w != "--keep"]
    programs, arches = pathlib.Path(words[0]), words[1:]
    before, now = kept(), {}
    with tempfile.TemporaryDirectory() as folder:
        plugin = build_plugin(folder)
        for arch in arches:
            for path, (what, *_) in PATHS.items():
                n = now[arch, path] = measure(plugin, programs, arch, path)
                old = before.get((arch, path))
                change = 100 * (n - old) / old if old else 0
                mark = "  CHANGED" if abs(change) > 5 else ""
                print(f"{arch:8}{path:10}{n:>12,} instructions for {what}"
                      f" ({change:+.1f} %){mark}", flush=True)
    if "--keep" in sys.argv:
        text = "# architecture, path, instructions: instructions.py --keep\n"
        merged = {**before, **now}
        text += "".join(f"{a}\t{p}\t{n}\n"
                        for (a, p), n in sorted(merged.items()))
        KEPT.write_text(text)


if __name__ == "__main__":
    main()
