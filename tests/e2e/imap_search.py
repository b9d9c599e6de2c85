#!/usr/bin/env python3
"""Random SEARCH programs over 300 generated mails find what a naive reading of
RFC 9051 6.4.4 in Python finds; with numbers and UIDs, as SEARCH and ESEARCH,
in several charsets, and also behind NOT, OR and parentheses."""

import base64
import datetime
import quopri
import random
import sys

import imap_client
import lib

N_MAILS = 300
N_PROGRAMS = 1500
SEED = 1
NAMES = ["Ann", "Bob", "Jörg", "Čapek", "Ольга"]
WORDS = [
    "apple", "Quince", "zwölf", "ÄPFEL", "Привет", "naïve", "needle", "日本語",
    "two words", "a=b", "x\"y", "back\\slash", "(paren)", "100%",
]
CHARSETS = ["utf-8", "iso-8859-1", "koi8-r", "iso-2022-jp", "windows-1252"]
FLAGS = ["\\Seen", "\\Flagged", "\\Answered", "\\Draft", "\\Deleted"]
KEYWORDS = ["$Junk", "work", "Later"]
NOW = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)


def charset_for(random_, text):
    """One that has all these characters."""
    fitting = []
    for charset in CHARSETS:
        try:
            text.encode(charset)
        except UnicodeEncodeError:
            continue
        fitting.append(charset)
    return random_.choice(fitting)


def encoded_word(random_, text):
    """Text as it stands in a header field (RFC 2047 2)."""
    if text.isascii():
        return text
    charset = charset_for(random_, text)
    data = text.encode(charset)
    if random_.random() < 0.5:
        return f"=?{charset}?b?{base64.b64encode(data).decode()}?="
    hexed = "".join(f"={byte:02X}" for byte in data)
    return f"=?{charset}?q?{hexed}?="


class Mail:
    """A message that is generated, and what a search may find in it."""

    def __init__(self, rand, number):
        self.number = number
        self.flags = {f for f in FLAGS + KEYWORDS if rand.random() < 0.3}
        self.fields = {}
        self.bodies = []
        self.mime = []  # fields of parts, which TEXT finds too
        zone = datetime.timezone(
            datetime.timedelta(minutes=rand.choice([0, 120, -330, 765]))
        )
        age = datetime.timedelta(minutes=rand.randrange(60 * 24 * 40))
        self.internal = (NOW - age).astimezone(zone)
        self.sent = (
            NOW - datetime.timedelta(minutes=rand.randrange(60 * 24 * 40))
        ).astimezone(zone)
        self.raw = self.make(rand)

    def field(self, rand, name, text, tail=""):
        self.fields[name] = text + tail
        return f"{name}: {encoded_word(rand, text)}{tail}\r\n"

    def make(self, rand):
        raw = ""
        for name in ("From", "To", "Cc", "Bcc", "X-Note"):
            if name != "From" and rand.random() < 0.4:
                continue
            who = rand.choice(NAMES)
            tail = f" <{name.lower()}{rand.randrange(5)}@host.test>"
            raw += self.field(rand, name, who, tail)
        if rand.random() < 0.9:
            words = rand.choice(WORDS)
            raw += self.field(rand, "Subject", words)
        if rand.random() < 0.9:
            date = self.sent.strftime("%d %b %Y %H:%M:%S %z")
            self.fields["Date"] = date
            raw += f"Date: {date}\r\n"
        else:
            # Without Date the message has no sent date.
            self.sent = None
        if rand.random() < 0.3:
            parts = b"".join(
                b"--frontier\r\n" + self.part(rand)
                for _ in range(rand.randrange(1, 4))
            )
            head = "Content-Type: multipart/mixed; boundary=frontier"
            self.mime.append(head)
            head = f"{raw}{head}\r\n\r\n".encode()
            return head + parts + b"--frontier--\r\n"
        return raw.encode() + self.part(rand)

    def part(self, rand):
        text = " ".join(rand.choices(WORDS, k=2)) + " " + "filler " * (
            rand.randrange(80)
        )
        charset = charset_for(rand, text)
        coding = rand.choice(["8bit", "base64", "quoted-printable"])
        data = text.encode(charset)
        if coding == "base64":
            data = base64.encodebytes(data).replace(b"\n", b"\r\n")
        elif coding == "quoted-printable":
            data = quopri.encodestring(data).replace(b"\n", b"\r\n")
        self.bodies.append(text)
        head = [
            f"Content-Type: text/plain; charset={charset}",
            f"Content-Transfer-Encoding: {coding}",
        ]
        self.mime += head
        return "\r\n".join(head).encode() + b"\r\n\r\n" + data + b"\r\n"


def has(text, needle):
    return text is not None and needle.casefold() in text.casefold()


class Program:
    """A random search: the words to send, and the test that they stand for."""

    def __init__(self, rand, n_mails, depth=0):
        self.charset = None
        self.rand = rand
        self.n_mails = n_mails
        self.parts, self.test = self.conjunction(depth)

    def conjunction(self, depth):
        keys = [self.key(depth) for _ in range(self.rand.choice([1, 1, 2, 3]))]
        parts = []
        for words, _ in keys:
            parts += [" "] + words if parts else words
        return parts, lambda m: all(test(m) for _, test in keys)

    def key(self, depth):
        kinds = ["flag", "set", "date", "text", "text", "field", "size"]
        kinds += ["not", "or", "list"] if depth < 4 else []
        return getattr(self, "key_" + self.rand.choice(kinds))(depth)

    def key_not(self, depth):
        words, test = self.key(depth + 1)
        return ["NOT "] + words, lambda m: not test(m)

    def key_or(self, depth):
        one, first = self.key(depth + 1)
        two, second = self.key(depth + 1)
        return (
            ["OR "] + one + [" "] + two, lambda m: first(m) or second(m)
        )

    def key_list(self, depth):
        words, test = self.conjunction(depth + 1)
        return ["("] + words + [")"], test

    def key_flag(self, _):
        flag = self.rand.choice(FLAGS + KEYWORDS)
        is_set = self.rand.random() < 0.5
        if flag in KEYWORDS:
            word = ("" if is_set else "UN") + "KEYWORD " + flag.upper()
        else:
            word = ("" if is_set else "UN") + flag[1:].upper()
        return [word], lambda m: (flag in m.flags) == is_set

    def key_set(self, _):
        ranges = []
        for _ in range(self.rand.randrange(1, 4)):
            first, last = (
                self.rand.randrange(1, self.n_mails + 1) for _ in "ab"
            )
            ranges.append((first, last))
        word = ",".join(
            str(a) if self.rand.random() < 0.2 and a == b else f"{a}:{b}"
            for a, b in ranges
        )
        is_uid = self.rand.random() < 0.5

        def test(m):
            number = m.uid if is_uid else m.number
            return any(min(r) <= number <= max(r) for r in ranges)

        return [("UID " if is_uid else "") + word], test

    def key_date(self, _):
        day = (NOW - datetime.timedelta(days=self.rand.randrange(42))).date()
        how = self.rand.choice(["BEFORE", "ON", "SINCE"])
        is_sent = self.rand.random() < 0.5

        def test(m):
            at = m.sent if is_sent else m.internal
            if at is None:
                return False
            if how == "BEFORE":
                return at.date() < day
            return at.date() == day if how == "ON" else at.date() >= day

        word = day.strftime("%d-%b-%Y")
        return [f"{'SENT' if is_sent else ''}{how} {word}"], test

    def key_size(self, _):
        if self.rand.random() < 0.5:
            size = self.rand.randrange(100, 900)
            if self.rand.random() < 0.5:
                return [f"LARGER {size}"], lambda m: len(m.raw) > size
            return [f"SMALLER {size}"], lambda m: len(m.raw) < size
        seconds = self.rand.randrange(40) * 86400 + 43200

        def is_older(m):
            return (NOW - m.internal).total_seconds() >= seconds

        if self.rand.random() < 0.5:
            return [f"OLDER {seconds}"], is_older
        return [f"YOUNGER {seconds}"], lambda m: not is_older(m)

    def string(self, text):
        """Quoted, an atom, or a literal, in the program's charset."""
        if self.charset is None:
            self.charset = charset_for(self.rand, text)
        try:
            data = text.encode(self.charset)
        except UnicodeEncodeError:
            return None
        if text.isascii() and self.rand.random() < 0.5:
            quoted = text.replace("\\", "\\\\").replace('"', '\\"')
            return [f'"{quoted}"']
        return [data]

    def needle(self, choices):
        """Some text that can be said in the charset, and how to say it."""
        while True:
            text = self.rand.choice(choices)
            if self.rand.random() < 0.3:
                text = text[: self.rand.randrange(2, len(text) + 1)]
            text = self.rand.choice([text, text.upper(), text.lower()])
            said = self.string(text)
            if said:
                return text, said

    def key_text(self, _):
        text, said = self.needle(WORDS + ["nowhere to be found"])
        if self.rand.random() < 0.5:
            return ["BODY "] + said, lambda m: any(
                has(body, text) for body in m.bodies
            )
        return ["TEXT "] + said, lambda m: any(
            has(x, text)
            for x in m.bodies + m.mime + [
                f"{name}: {value}" for name, value in m.fields.items()
            ]
        )

    def key_field(self, _):
        name = self.rand.choice(["From", "To", "Cc", "Bcc", "Subject"])
        choices = WORDS if name == "Subject" else NAMES + [
            f"{name.lower()}{n}@HOST" for n in range(5)
        ]
        if self.rand.random() < 0.3:
            name = self.rand.choice([name, "X-Note", "Date"])
            if self.rand.random() < 0.3:
                return [f'HEADER {name} ""'], lambda m: name in m.fields
            text, said = self.needle(choices)
            return [f"HEADER {name.lower()} "] + said, lambda m: has(
                m.fields.get(name), text
            )
        text, said = self.needle(choices)
        return [name.upper() + " "] + said, lambda m: has(
            m.fields.get(name), text
        )


def fill(client, rand):
    """Append the mails; some more are expunged, so that UIDs differ."""
    mails = []
    client.ok("CREATE Search")
    for number in range(1, N_MAILS + 1):
        mail = Mail(rand, number)
        if rand.random() < 0.2:
            client.ok("APPEND Search ", b"Subject: gone\r\n\r\n")
        date = mail.internal.strftime("%d-%b-%Y %H:%M:%S %z")
        flags = " ".join(sorted(mail.flags))
        answer = client.ok(f'APPEND Search ({flags}) "{date}" ', mail.raw)
        mail.uid = int(answer.code[2])
        mails.append(mail)
    client.ok("SELECT Search")
    client.ok("STORE 1:* +FLAGS.SILENT (gone)")
    client.ok(
        "UID STORE " + imap_client.to_set(m.uid for m in mails)
        + " -FLAGS.SILENT (gone)"
    )
    answer = client.ok("UID SEARCH KEYWORD gone")
    gone = answer.named("SEARCH")[0]
    deleted = imap_client.to_set(
        m.uid for m in mails if "\\Deleted" in m.flags
    )
    # UID EXPUNGE takes only what is \Deleted among these.
    client.ok(f"UID STORE {imap_client.to_set(gone)} +FLAGS.SILENT \\Deleted")
    client.ok(f"UID EXPUNGE {imap_client.to_set(gone)}")
    found = client.ok("SEARCH DELETED").named("SEARCH")[0]
    assert len(found) == deleted.count(",") + 1, (found, deleted)
    return mails


def found_by(client, program, is_uid, returns):
    words = ["UID SEARCH" if is_uid else "SEARCH"]
    if returns:
        words[0] += " RETURN (ALL MIN MAX COUNT)"
    if program.charset and program.charset != "utf-8":
        words[0] += f" CHARSET {program.charset}"
    sent = []
    for part in words + [" "] + program.parts:
        if sent and isinstance(part, str) and isinstance(sent[-1], str):
            sent[-1] += part
        else:
            sent.append(part)
    answer = send(client, sent)
    if not returns:
        return answer.named("SEARCH")[0]
    words = answer.named("ESEARCH")[0]
    at = 2 if is_uid else 1
    values = imap_client.fields(words[at:])
    found = imap_client.numbers(values["ALL"]) if "ALL" in values else []
    assert values["COUNT"] == len(found), answer
    if found:
        assert values["MIN"] == found[0], answer
        assert values["MAX"] == found[-1], answer
    else:
        assert len(values) == 1, answer
    return found


def send(client, parts):
    """Literals in the middle of a command."""
    client.n += 1
    tag = f"s{client.n}"
    data = tag.encode() + b" "
    for part in parts:
        if isinstance(part, bytes):
            part = b"{%d+}\r\n" % len(part) + part
        else:
            part = part.encode()
        data += part
    client.sock.sendall(data + b"\r\n")
    answer = client.wait(tag)
    assert answer.status == "OK", (data, answer)
    return answer


def main():
    rand = random.Random(int(sys.argv[1]) if len(sys.argv) > 1 else SEED)
    with lib.server() as server:
        client = imap_client.Imap(server.port("IMAP"))
        client.login(server.user, server.password)
        mails = fill(client, rand)
        n_found = 0
        for n in range(N_PROGRAMS):
            program = Program(rand, N_MAILS)
            is_uid, returns = rand.random() < 0.5, rand.random() < 0.5
            found = found_by(client, program, is_uid, returns)
            wanted = [
                m.uid if is_uid else m.number
                for m in mails
                if program.test(m)
            ]
            assert found == wanted, (
                f"program {n}: {program.parts} in {program.charset}: "
                f"found {found}, wanted {wanted}"
            )
            n_found += len(found)
        client.close()
    print(f"{N_PROGRAMS} programs over {N_MAILS} mails: {n_found} found")


if __name__ == "__main__":
    main()
