"""Maildirs for tests: made, and read back as what a person has."""

import os
import re


def maildir(folder, messages, keywords=()):
    """A Maildir's folder; messages: (name, text, date)."""
    for part in ("cur", "new", "tmp"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for name, text, date in messages:
        path = folder / name
        path.write_bytes(text)
        os.utime(path, (date, date))
    if keywords:
        (folder / "dovecot-keywords").write_text(
            "".join(f"{i} {k}\n" for i, k in enumerate(keywords)))


def state(folder):
    """What a Maildir export holds: {folder: [(text, flags, keywords,
    date)]}, and the subscriptions."""
    boxes = {}
    for path in [folder, *folder.iterdir()]:
        if not (path / "cur").is_dir():
            continue
        names = {}
        file = path / "dovecot-keywords"
        if file.exists():
            names = dict(line.split(" ", 1)
                         for line in file.read_text().splitlines())
        found = []
        for entry in (path / "cur").iterdir():
            base, info = entry.name.split(":2,")
            bits = [str(ord(c) - 97) for c in info if c.islower()]
            extra = re.search(r",K=([0-9-]+)", base)
            bits += extra.group(1).split("-") if extra else []
            found.append((
                entry.read_bytes(),
                "".join(c for c in info if c.isupper()),
                sorted(names[b] for b in bits),
                int(entry.stat().st_mtime)))
        boxes["INBOX" if path == folder else path.name] = sorted(found)
    lines = (folder / "subscriptions").read_text().splitlines()
    return boxes, sorted(lines)
