"""A DNS server of the tests, which answers from a dict and can misbehave.

As a library:

    with dnsd.Server({
        "example.test": {"MX": ["10 mx.example.test"], "TXT": ["v=spf1 -all"]},
        "mx.example.test": {"A": ["127.0.0.2"], "AAAA": ["::1"]},
        "www.example.test": {"CNAME": "example.test"},
        "slow.test": {"A": ["127.0.0.3"], "DO": "drop"},
    }) as dns:
        ... "dns.servers=" + dns.where ...
        dns.zones["new.test"] = {"A": ["127.0.0.4"]}
        assert dns.asked("example.test", "MX")

As a program: python3 dnsd.py [--address A] [--port N] [--log FILE] ZONES.json, which
says where it listens, writes a line for each question, and reads the zones
again when the file has changed.

It answers like a resolver: it follows CNAMEs through its own zones. A name that
is not there, and has nothing below it, does not exist (NXDOMAIN); "*.example.test"
is a wildcard. An entry may have, beside its records:

TTL     of its records, in seconds (300); SOA for what is not there has 60
AD      True: the answer says that it was validated
DO      how to misbehave: a word, a list of words, or {type: word or words}

    drop        no answer          servfail, refused, notimp, formerr
    slow:N      after N seconds    no-edns     FORMERR to a question with EDNS
    once:WORD   the first time     truncate    TC by UDP, whole by TCP
    wrong-id    another id         short-tcp   half an answer by TCP, then closed
    wrong-name  another question   no-tcp      closed without an answer by TCP
    garbage     random bytes       pointers    names that point at themselves
    cut         half an answer     counts      more records promised than sent
    chain       CNAME without what it leads to     referral    NS, no answer
    loop        CNAMEs in a circle (a word for the record: any A, MX, ...)
    huge        TXT of 60,000 bytes, 200 records of other types
"""

import argparse
import ipaddress
import json
import os
import random
import socket
import struct
import sys
import threading
import time

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16,
         "AAAA": 28, "SRV": 33, "OPT": 41, "TLSA": 52, "SPF": 99}
NAMES = {number: name for name, number in TYPES.items()}
RCODES = {"formerr": 1, "servfail": 2, "nxdomain": 3, "notimp": 4, "refused": 5}
UDP_BYTES = 512


def pack_name(name):
    """Text to wire; bytes of a label may be escaped as \\DDD."""
    out = b""
    for label in name.rstrip(".").split("."):
        if label == "":
            continue
        raw, i = b"", 0
        while i < len(label):
            if label[i] == "\\" and label[i + 1:i + 4].isdigit():
                raw += bytes([int(label[i + 1:i + 4])])
                i += 4
            else:
                raw += label[i].encode("latin-1")
                i += 1
        out += bytes([len(raw)]) + raw
    return out + b"\0"


def unpack_name(packet, at):
    """The lower-case name of a question, and where it ends."""
    labels = []
    while packet[at]:
        size = packet[at]
        labels.append(packet[at + 1:at + 1 + size].decode("latin-1").lower())
        at += 1 + size
    return ".".join(labels), at + 1


def pack_data(kind, value):
    """One record's data, from its text."""
    if isinstance(value, bytes):
        return value
    if kind in ("A", "AAAA"):
        return ipaddress.ip_address(value).packed
    if kind in ("CNAME", "PTR", "NS"):
        return pack_name(value)
    if kind == "MX":
        preference, exchange = value.split()
        return struct.pack(">H", int(preference)) + pack_name(exchange)
    if kind in ("TXT", "SPF"):
        strings = [value] if isinstance(value, str) else value
        out = b""
        for string in strings:
            raw = string.encode("utf-8")
            for i in range(0, max(1, len(raw)), 255):
                piece = raw[i:i + 255]
                out += bytes([len(piece)]) + piece
        return out
    if kind == "TLSA":
        usage, selector, matching, data = value.split()
        return bytes([int(usage), int(selector), int(matching)]) + \
            bytes.fromhex(data)
    raise ValueError("no way to write a record of type " + kind)


def pack_record(name, kind, ttl, data):
    return pack_name(name) + struct.pack(">HHIH", TYPES[kind], 1, ttl,
                                         len(data)) + data


class Question:
    """One question, as it came."""

    def __init__(self, packet, is_tcp):
        (self.id, self.flags, n_questions, _, _,
         n_more) = struct.unpack_from(">6H", packet)
        if n_questions != 1:
            raise ValueError("not one question")
        self.name, end = unpack_name(packet, 12)
        number, _ = struct.unpack_from(">HH", packet, end)
        self.kind = NAMES.get(number, str(number))
        self.raw = packet[12:end + 4]
        self.is_tcp = is_tcp
        self.udp_bytes = UDP_BYTES
        self.has_edns = n_more > 0
        if self.has_edns:
            self.udp_bytes = struct.unpack_from(">H", packet, end + 4 + 3)[0]


class Server:
    """zones: {name: {type: [values], "TTL": .., "DO": ..}}, which may be
    changed at any time; log: [(name, type, "udp" or "tcp", time)]."""

    def __init__(self, zones=None, address="127.0.0.1", port=0, on_question=None):
        self.zones = zones if zones is not None else {}
        self.log = []
        self.on_question = on_question
        self.done = set()  # of once:
        self.is_closing = False
        self.udp, self.tcp = self.bind(address, port)
        self.address, self.port = self.udp.getsockname()[:2]
        host = f"[{address}]" if ":" in address else address
        self.where = f"{host}:{self.port}"
        for target in (self.serve_udp, self.serve_tcp):
            threading.Thread(target=target, daemon=True).start()

    @staticmethod
    def bind(address, port):
        """Both sockets on one port."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        for _ in range(50):
            udp = socket.socket(family, socket.SOCK_DGRAM)
            tcp = socket.socket(family, socket.SOCK_STREAM)
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                udp.bind((address, port))
                tcp.bind((address, udp.getsockname()[1]))
                tcp.listen(64)
                return udp, tcp
            except OSError:
                udp.close()
                tcp.close()
                if port != 0:
                    raise
        raise OSError("no port is free by UDP and by TCP")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.is_closing = True
        for sock in (self.udp, self.tcp):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            sock.close()

    def asked(self, name, kind=None):
        """How often was it asked?"""
        return sum(1 for entry in self.log if entry[0] == name.lower()
                   and kind in (None, entry[1]))

    # --- sockets

    def serve_udp(self):
        while not self.is_closing:
            try:
                packet, peer = self.udp.recvfrom(65535)
            except OSError:
                return
            self.later(packet, False, lambda data, peer=peer:
                       self.udp.sendto(data, peer))

    def serve_tcp(self):
        while not self.is_closing:
            try:
                conn, _ = self.tcp.accept()
            except OSError:
                return
            threading.Thread(target=self.serve_conn, args=(conn,),
                             daemon=True).start()

    def serve_conn(self, conn):
        with conn:
            conn.settimeout(30)
            stream = conn.makefile("rb")
            while True:
                try:
                    head = stream.read(2)
                    if len(head) < 2:
                        return
                    packet = stream.read(struct.unpack(">H", head)[0])
                    question = Question(packet, True)
                    if self.does(question, "no-tcp"):
                        self.note(question)
                        return
                    for data in self.answers(packet, True):
                        whole = struct.pack(">H", len(data)) + data
                        if self.does(question, "short-tcp"):
                            conn.sendall(whole[:len(whole) // 2])
                            return
                        conn.sendall(whole)
                except (OSError, ValueError, struct.error):
                    return

    def later(self, packet, is_tcp, send):
        """Answer, in a thread where it must wait."""
        def work():
            try:
                for data in self.answers(packet, is_tcp):
                    send(data)
            except (OSError, ValueError, IndexError, struct.error):
                pass
        try:
            question = Question(packet, is_tcp)
        except (ValueError, IndexError, struct.error):
            return
        if any(word.startswith("slow:") for word in self.words(question)):
            threading.Thread(target=work, daemon=True).start()
        else:
            work()

    # --- what to say

    def entry(self, name):
        """The entry for a name: its own, a wildcard's, {} when it is only on
        the way to others, None when it does not exist."""
        zones = {key.lower().rstrip("."): value
                 for key, value in list(self.zones.items())}
        if name in zones:
            return zones[name]
        if any(key.endswith("." + name) for key in zones):
            return {}
        labels = name.split(".")
        for i in range(1, len(labels)):
            star = ".".join(["*"] + labels[i:])
            if star in zones:
                return zones[star]
        return None

    def words(self, question):
        """How it misbehaves for this question."""
        entry = self.entry(question.name) or {}
        words = entry.get("DO", [])
        if isinstance(words, dict):
            words = words.get(question.kind, [])
        return [words] if isinstance(words, str) else list(words)

    def does(self, question, word):
        words = self.words(question)
        if word in words:
            return True
        key = (question.name, question.kind, word)
        if "once:" + word in words and key not in self.done:
            self.done.add(key)
            return True
        return False

    def note(self, question):
        entry = (question.name, question.kind,
                 "tcp" if question.is_tcp else "udp", time.time())
        self.log.append(entry)
        if self.on_question:
            self.on_question(entry)

    def answers(self, packet, is_tcp):
        """The packets that answer this one: none, one, or more."""
        question = Question(packet, is_tcp)
        self.note(question)
        for word in self.words(question):
            if word.startswith("slow:"):
                time.sleep(float(word[5:]))
        if self.does(question, "drop"):
            return []
        if self.does(question, "garbage"):
            noise = bytes(random.randrange(256) for _ in range(200))
            return [struct.pack(">HH", question.id, 0x8180) + noise]
        for word, rcode in RCODES.items():
            if self.does(question, word):
                return [self.packet(question, rcode=rcode)]
        if question.has_edns and self.does(question, "no-edns"):
            return [self.packet(question, rcode=RCODES["formerr"])]
        return [self.spoil(question, self.find(question))]

    def spoil(self, question, data):
        """Faults that a finished answer can have."""
        if self.does(question, "wrong-id"):
            data = struct.pack(">H", question.id ^ 1) + data[2:]
        if self.does(question, "wrong-name"):
            at = data.index(question.raw)
            data = data[:at + 1] + b"#" + data[at + 2:]
        if self.does(question, "cut"):
            start = 12 + len(question.raw)
            data = data[:start + (len(data) - start) // 2]
        if self.does(question, "counts"):
            data = data[:6] + struct.pack(">H", 65535) + data[8:]
        is_long = len(data) > question.udp_bytes
        if not question.is_tcp and (is_long or self.does(question, "truncate")):
            data = self.packet(question, flags=0x0200)
        return data

    def find(self, question):
        """The honest answer."""
        records, name, flags = [], question.name, 0
        if self.does(question, "pointers"):
            at = struct.pack(">H", 0xC000 + 12 + len(question.raw))
            bad = at + struct.pack(">HHIH", TYPES.get(question.kind, 1), 1, 60,
                                   2) + at
            return self.packet(question, records=[bad])
        if self.does(question, "loop"):
            records = [pack_record(question.name, "CNAME", 60,
                                   pack_name("circle.test")),
                       pack_record("circle.test", "CNAME", 60,
                                   pack_name(question.name))]
            return self.packet(question, records=records)
        if self.does(question, "referral"):
            ns = pack_record(question.name, "NS", 60, pack_name("ns.test"))
            return self.packet(question, authority=[ns])
        if self.does(question, "huge"):
            return self.packet(question, records=self.huge(question))
        for _ in range(20):
            entry = self.entry(name)
            if entry is None:
                return self.packet(question, rcode=RCODES["nxdomain"],
                                   records=records, authority=[self.soa(name)])
            ttl = entry.get("TTL", 300)
            flags |= 0x0020 if entry.get("AD") else 0
            values = entry.get(question.kind, [])
            if isinstance(values, (str, bytes)):
                values = [values]
            if values:
                records += [pack_record(name, question.kind, ttl,
                                        pack_data(question.kind, value))
                            for value in values]
                return self.packet(question, records=records, flags=flags)
            if "CNAME" not in entry:
                break
            target = entry["CNAME"]
            target = target if isinstance(target, str) else target[0]
            records.append(pack_record(name, "CNAME", ttl, pack_name(target)))
            name = target.lower().rstrip(".")
            if self.does(question, "chain"):
                return self.packet(question, records=records)
        return self.packet(question, records=records, flags=flags,
                           authority=[self.soa(name)])

    @staticmethod
    def huge(question):
        if question.kind == "TXT":
            return [pack_record(question.name, "TXT", 60,
                                pack_data("TXT", "x" * 59700))]
        samples = {"A": "127.0.{}.{}", "AAAA": "::{:x}:{:x}",
                   "MX": "{} mx{}.huge.test"}
        sample = samples.get(question.kind, "name{}.of{}.huge.test")
        return [pack_record(question.name, question.kind, 60,
                            pack_data(question.kind, sample.format(i, i)))
                for i in range(200)]

    @staticmethod
    def soa(name):
        zone = name.split(".")[-1]
        data = pack_name("ns." + zone) + pack_name("root." + zone) + \
            struct.pack(">5I", 1, 3600, 600, 86400, 60)
        return pack_record(zone, "SOA", 60, data)

    @staticmethod
    def packet(question, rcode=0, flags=0, records=(), authority=()):
        opt = b""
        if question.has_edns:
            opt = b"\0" + struct.pack(">HHIH", TYPES["OPT"], 1232, 0, 0)
        if question.has_edns and rcode == RCODES["formerr"]:
            opt = b""
        return struct.pack(">6H", question.id, 0x8180 | flags | rcode, 1,
                           len(records), len(authority), 1 if opt else 0) + \
            question.raw + b"".join(records) + b"".join(authority) + opt


def main():
    parser = argparse.ArgumentParser(description="a DNS server of the tests")
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", help="a line for each question")
    parser.add_argument("zones", help="a JSON file")
    options = parser.parse_args()
    log = open(options.log, "a", encoding="utf-8") if options.log else None

    def write(entry):
        if log:
            print(*entry[:3], file=log, flush=True)

    seen = 0
    server = Server({}, options.address, options.port, write)
    print("listening", server.where, flush=True)
    while True:
        changed = os.stat(options.zones).st_mtime_ns
        if changed != seen:
            seen = changed
            try:
                with open(options.zones, encoding="utf-8") as file:
                    server.zones = json.load(file)
            except ValueError as fault:
                print("zones:", fault, file=sys.stderr)
            print("zones", len(server.zones), flush=True)
        time.sleep(0.1)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
