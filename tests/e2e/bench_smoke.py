#!/usr/bin/env python3
"""The benchmark's load generator, rows and tables, on Tinpost alone: each row
of the short form once, a few commands each. No figure is judged."""

import pathlib
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "bench"))

import bench as the_bench  # noqa: E402
import peers  # noqa: E402
import table  # noqa: E402


class NoDevice:
    """That of a file system which is nobody's own."""

    def sync(self):
        pass

    def counters(self):
        return 0, 0


def run(folder):
    bench = the_bench.Bench(True, folder)
    bench.build()  # of build/tinpost, which users run
    bench.scaled = lambda count: 16
    bench.devices = {"tinpost": NoDevice()}
    server = peers.Tinpost(folder / "server", bench.tinpost)
    rows = [row for row in the_bench.rows() if row.is_quick]
    results = {}
    server.start()
    try:
        bench.fill(server)
        for row in rows:
            row.prepare(server, bench)
            figures = row.measure(server, bench)
            assert figures["value"] > 0, (row.name, figures)
            results[row.name] = {"tinpost": [figures], "maildir": [figures]}
    finally:
        server.stop()
    return rows, results


def main():
    with tempfile.TemporaryDirectory(prefix="tinpost-") as name:
        rows, results = run(pathlib.Path(name))
    text = table.markdown(rows, results, {
        "date": "today", "machine": "this one", "command": "this test",
        "rounds": 1, "minutes": 0})
    picture = table.svg(rows, results)
    for row in rows:
        assert row.name in text, row.name
        assert row.most is not None or row.name in picture, row.name
    print(f"{len(rows)} rows")


main()
