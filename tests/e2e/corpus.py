#!/usr/bin/env python3
"""Real mail, from the test corpora of notmuch and of Python's email package,
comes back byte for byte: by SMTP and POP3, and by import and export."""

import pathlib
import re
import subprocess
import tempfile

import lib

DEPS = pathlib.Path(lib.os.environ.get("DEPS", lib.ROOT / "build" / "deps"))


def mails():
    """Each mail of the corpora in canonical form: (name, bytes)."""
    subprocess.run(
        [str(lib.ROOT / "tools" / "deps"), "corpus", str(DEPS)], check=True
    )
    for path in sorted((DEPS / "corpus").rglob("*")):
        if not path.is_file():
            continue
        data = path.read_bytes()
        if not re.match(rb"(From [^\n]*\n)?>?[\w-]+:", data):
            continue  # an index, a script, a mailbox of another kind
        yield path.name, canonical(data)


def canonical(data):
    """CRLF line ends, as SMTP carries; a mail that ends mid-line gets one."""
    data = re.sub(rb"^From [^\n]*\n", b"", data)
    data = re.sub(rb"\r?\n|\r", b"\r\n", data)
    return data if data.endswith(b"\r\n") else data + b"\r\n"


def without_return_path(data):
    """Reception removes the field that only delivery may write."""
    head, blank, body = data.partition(b"\r\n\r\n")
    fields = re.sub(
        rb"(?im)^return-path[ \t]*:[^\r\n]*\r\n([ \t][^\r\n]*\r\n)*",
        b"",
        head + b"\r\n",
    )
    return fields[:-2] + blank + body


def over_the_wire(server, corpus):
    address = "u1@example.test"
    line = lib.smtp_session(server)
    sent = []
    for i, (name, data) in enumerate(corpus):
        if i % 50 == 49:
            line.smtp("QUIT", 221)
            line = lib.smtp_session(server)
        line.smtp("MAIL FROM:<a@client.test> BODY=8BITMIME", 250)
        line.smtp(f"RCPT TO:<{address}>", 250)
        line.smtp("DATA", 354)
        line.send(lib.dot_stuff(data) + b".\r\n")
        reply = line.smtp_reply()
        assert reply.startswith("250"), f"{name}: {reply}"
        sent.append((name, without_return_path(data)))
    found = lib.pop3_messages(server, address, server.env["UPASS"])
    assert len(found) == len(sent), f"{len(found)} of {len(sent)}"
    for (name, data), stored in zip(sent, found):
        assert stored.endswith(data), f"{name} came back changed"
        trace = stored[: len(stored) - len(data)]
        assert lib.without_trace(trace + b"\r\n") == b"\r\n", name
    print(f"{len(sent)} mails by SMTP and POP3, byte for byte")


def in_and_out(server, corpus):
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "in"
        target = pathlib.Path(folder) / "out"
        source.mkdir()
        for i, (_, data) in enumerate(corpus):
            lf = data.replace(b"\r\n", b"\n")
            (source / f"{i:05}.eml").write_bytes(lf)
        server.command("import", "u2@example.test", str(source))
        again = server.command("import", "u2@example.test", str(source))
        assert again.returncode == 0
        count = lib.pop3_messages(
            server, "u2@example.test", server.env["UPASS"]
        )
        assert len(count) == len(corpus), "a second import doubles nothing"
        server.command(
            "export", "u2@example.test", str(target), "--format", "eml"
        )
        found = sorted(
            path.read_bytes().replace(b"\r\n", b"\n")
            for path in target.rglob("*.eml")
        )
        wanted = sorted(d.replace(b"\r\n", b"\n") for _, d in corpus)
        assert found == wanted, "export differs from import"
        print(f"{len(found)} mails by import and export, byte for byte")


def main():
    corpus = list(mails())
    assert len(corpus) > 100, f"only {len(corpus)} mails found"
    with lib.server() as server:
        over_the_wire(server, corpus)
        in_and_out(server, corpus)


if __name__ == "__main__":
    main()
