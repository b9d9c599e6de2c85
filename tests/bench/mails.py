"""Mail as offices send it, from a seed: plain text, text with HTML, and
attachments from 1 KB to 10 MB; headers encoded where names need it."""

import base64
import email.header
import random

WORDS = (
    "meeting budget draft invoice Monday project customer delivery answer "
    "printer report thanks regards question attached please office order "
    "contract number next week price Größe für Übergabe können möchte"
).split()
NAMES = ("Anna Schmidt", "José García", "Lars Ødegård", "王小明", "Kim Lee",
         "Zoë Müller")


def sentence(rng, n):
    return " ".join(rng.choice(WORDS) for _ in range(n))


def text(rng, size):
    lines = []
    while size > 0:
        lines.append(sentence(rng, rng.randint(5, 12)) + ".")
        size -= len(lines[-1].encode()) + 2
    return "\r\n".join(lines) + "\r\n"


def person(rng):
    name = rng.choice(NAMES)
    if not name.isascii():
        name = email.header.Header(name, "utf-8").encode()
    return f"{name} <{rng.choice('abcdefgh')}{rng.randint(1, 99)}@client.test>"


def header(rng, number):
    subject = sentence(rng, rng.randint(2, 8))
    if not subject.isascii():
        subject = email.header.Header(subject, "utf-8").encode(
            linesep="\r\n")
    return (
        f"From: {person(rng)}\r\nTo: {person(rng)}, {person(rng)}\r\n"
        f"Subject: {subject}\r\nDate: Mon, 23 Nov 2026 "
        f"{rng.randint(0, 23):02}:{rng.randint(0, 59):02}:00 +0100\r\n"
        f"Message-ID: <{number}.{rng.getrandbits(64):x}@client.test>\r\n"
        f"References: <{rng.getrandbits(64):x}@client.test>\r\n"
        "MIME-Version: 1.0\r\nX-Mailer: Office 12.4\r\n"
    )


def plain(rng, number, size):
    body = text(rng, size)
    return (
        header(rng, number) + "Content-Type: text/plain; charset=utf-8\r\n"
        "Content-Transfer-Encoding: 8bit\r\n\r\n" + body
    ).encode()


def alternative(rng, number, size):
    body = text(rng, size // 3)
    html = "<html><body>" + "".join(
        f'<p style="margin:0">{line}</p>\r\n'
        for line in body.splitlines()) + "</body></html>\r\n"
    mark = f"b{rng.getrandbits(48):x}"
    return (
        header(rng, number) +
        f'Content-Type: multipart/alternative; boundary="{mark}"\r\n\r\n'
        f"--{mark}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Transfer-Encoding: 8bit\r\n\r\n{body}\r\n"
        f"--{mark}\r\nContent-Type: text/html; charset=utf-8\r\n"
        f"Content-Transfer-Encoding: 8bit\r\n\r\n{html}\r\n--{mark}--\r\n"
    ).encode()


def attachment(rng, number, size):
    mark = f"b{rng.getrandbits(48):x}"
    data = base64.encodebytes(rng.randbytes(size)).replace(b"\n", b"\r\n")
    head = (
        header(rng, number) +
        f'Content-Type: multipart/mixed; boundary="{mark}"\r\n\r\n'
        f"--{mark}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    ).encode() + text(rng, 600).encode() + (
        f"\r\n--{mark}\r\nContent-Type: application/pdf; "
        'name="report.pdf"\r\nContent-Transfer-Encoding: base64\r\n'
        'Content-Disposition: attachment; filename="report.pdf"\r\n\r\n'
    ).encode()
    return head + data + f"\r\n--{mark}--\r\n".encode()


def fixed(seed, n, size):
    """n plain mails of about size bytes."""
    rng = random.Random(seed)
    return [plain(rng, i, size - 480) for i in range(n)]


def office(seed, n):
    """A day's mix: half plain, a third with HTML, the rest with files, most
    of them small; one in a thousand has 10 MB."""
    rng = random.Random(seed)
    mails = []
    for i in range(n):
        kind = rng.random()
        if kind < 0.5:
            mails.append(plain(rng, i, rng.randint(300, 6000)))
        elif kind < 0.85:
            mails.append(alternative(rng, i, rng.randint(2000, 30000)))
        elif kind < 0.999:
            mails.append(attachment(rng, i, int(1024 * 2 ** rng.uniform(
                0, 10))))
        else:
            mails.append(attachment(rng, i, 10 << 20))
    return mails


def write(path, mails):
    """For load.c: each behind a line with its length; dots doubled, which
    no line needs since none begins with one."""
    with open(path, "wb") as file:
        for mail in mails:
            assert b"\r\n." not in mail
            file.write(b"%d\n" % len(mail) + mail)
