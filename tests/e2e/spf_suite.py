#!/usr/bin/python3
"""The published test suite of RFC 7208 (rfc7208-tests.yml, from the source of
Debian's package pyspf) against our SPF. Its zones are given to the resolver of
the unit test, which prints a result for each case."""

import os
import pathlib
import subprocess
import sys
import tempfile

import lib

try:
    import yaml
except ImportError:
    lib.skip("no python3-yaml")

DEPS = pathlib.Path(os.environ.get("DEPS", lib.ROOT / "build" / "deps"))
SUITE = DEPS / "suites" / "pyspf" / "rfc7208-tests.yml"
DRIVER = lib.ROOT / "build" / "native" / "unit" / "trust" / "spf_test"
# Where the RFC leaves a choice that the suite does not know of: (case, result).
# None is needed.
DIFFERENT = {}


def escape(text):
    """Tabs, line ends, backslashes and what is not ASCII as \\xNN."""
    raw = text if isinstance(text, bytes) else text.encode("utf-8")
    return "".join(
        chr(b) if 32 <= b < 127 and b != 92 else f"\\x{b:02x}" for b in raw)


def rows(name, entries):
    """The lines of one name. A record of type SPF counts as TXT unless the name
    has TXT of its own, as the suite's own notes say."""
    has_txt = any(isinstance(e, dict) and "TXT" in e for e in entries)
    stalls = "TIMEOUT" in entries
    known = set()
    yield f"N\t{escape(name)}"
    for entry in entries:
        if not isinstance(entry, dict):
            continue
        for kind, value in entry.items():
            if kind == "SPF":
                if has_txt:
                    continue
                kind = "TXT"
            if value == "NONE":
                continue
            preference = 0
            if value == "TIMEOUT":
                value = "!"
            if kind == "MX":
                preference, value = value
            if isinstance(value, list):
                value = "".join(value)
            known.add(kind)
            yield f"R\t{kind}\t{escape(name)}\t{preference}\t{escape(value)}"
    if stalls:
        for kind in {"TXT", "A", "AAAA", "MX", "PTR"} - known:
            yield f"R\t{kind}\t{escape(name)}\t0\t!"


def main():
    subprocess.run([str(lib.ROOT / "tools" / "deps"), "suites", str(DEPS)],
                   check=True)
    lines, want = [], {}
    with open(SUITE, encoding="utf-8") as f:
        scenarios = list(yaml.safe_load_all(f))
    for number, scenario in enumerate(scenarios):
        lines.append("Z")
        for name, entries in scenario["zonedata"].items():
            lines += rows(str(name), entries)
        for case, test in scenario["tests"].items():
            key = f"{number}/{case}"
            result = test["result"]
            words = test.get("explanation")
            want[key] = (result if isinstance(result, list) else [result], words)
            lines.append("\t".join(
                ["C", key, test["host"], escape(test["helo"] or ""),
                 escape(test["mailfrom"] or "")]))
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as f:
        f.write("\n".join(lines) + "\n")
        f.flush()
        out = subprocess.run([str(DRIVER), f.name], check=True, timeout=120,
                             stdout=subprocess.PIPE).stdout.decode("latin-1")
    got = {}
    for line in out.splitlines():
        key, result, words = line.split("\t")
        got[key] = (result, words)
    bad = 0
    for key, (results, words) in want.items():
        result, our_words = got.get(key, ("no answer", ""))
        name = key.split("/")[1]
        if result not in results and DIFFERENT.get(name) != result:
            print(f"{key}: {result}, not {' or '.join(results)}")
            bad += 1
        elif words is not None and words != "DEFAULT" and words != our_words:
            print(f"{key}: explained {our_words!r}, not {words!r}")
            bad += 1
    print(f"{len(want)} cases, {bad} different")
    return 1 if bad or len(want) < 150 else 0


if __name__ == "__main__":
    sys.exit(main())
