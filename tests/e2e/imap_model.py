"""A model of what IMAP sessions may see, to hold a server's answers against.

Truth      what the server holds: mailboxes with messages. One for all.
Mirror     what one session was told of its selected mailbox. Applying a
           response that contradicts it (an EXPUNGE past the end, a number
           that belongs to another UID) is a Mismatch.

A command has two moments: `act`, when it reads or changes the truth, and
`tell`, when what others did is told before the tagged reply. Commands of
several sessions that ran at once must fit some order of these moments.
"""

import copy

from imap_client import fields, numbers

SYSTEM = ("\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft")


class Mismatch(Exception):
    """The server said what the model rules out."""


def demand(is_true, *why):
    if not is_true:
        raise Mismatch(" ".join(str(w) for w in why))


class Message:
    def __init__(self, flags, size, mark):
        self.flags = frozenset(flags)
        self.size = size
        self.mark = mark  # the word that its subject and body carry
        self.version = 0  # grows with each change of flags

    def __repr__(self):
        return f"{self.mark}{sorted(self.flags)}"


class Mailbox:
    def __init__(self, uidvalidity, uidnext):
        self.uidvalidity = uidvalidity
        self.uidnext = uidnext
        self.messages = {}
        self.gone = set()

    def add(self, message):
        uid = self.uidnext
        self.uidnext += 1
        self.messages[uid] = message
        return uid

    def remove(self, uid):
        del self.messages[uid]
        self.gone.add(uid)

    def uids(self):
        return sorted(self.messages)


class Truth:
    def __init__(self):
        self.mailboxes = {}

    def clone(self):
        return copy.deepcopy(self)


class Mirror:
    """One session's knowledge of its selected mailbox."""

    def __init__(self, mailbox, is_read_only, is_qresync, is_condstore):
        self.mailbox = mailbox  # the name
        self.is_read_only = is_read_only
        self.is_qresync = is_qresync
        self.is_condstore = is_condstore or is_qresync
        self.uids = []  # None: not told yet
        self.flags = {}
        self.modseqs = {}
        self.versions = {}  # of the truth, when the MODSEQ was told
        self.highest = 0

    def clone(self):
        return copy.deepcopy(self)

    # --- the stream of untagged responses ---

    def apply(self, untagged, may_expunge):
        """Take in all responses of a command; returns the UIDs whose FETCH
        was seen, with the data."""
        seen = []
        for words in untagged:
            name = str(words[1]).upper() if len(words) > 1 else ""
            if name == "EXISTS":
                self.exists(words[0])
            elif name == "EXPUNGE":
                demand(may_expunge, "EXPUNGE in a command that forbids it")
                demand(not self.is_qresync, "EXPUNGE under QRESYNC")
                self.expunge(words[0])
            elif str(words[0]).upper() == "VANISHED":
                self.vanished(words[1:], may_expunge)
            elif name == "FETCH":
                seen.append(self.fetched(words[0], fields(words[2])))
            elif name == "RECENT":
                demand(words[0] <= len(self.uids), "RECENT", words[0])
        return seen

    def exists(self, n):
        demand(n >= len(self.uids), "EXISTS", n, "shrinks", len(self.uids))
        self.uids += [None] * (n - len(self.uids))

    def expunge(self, seq):
        demand(1 <= seq <= len(self.uids), "EXPUNGE", seq, "of",
               len(self.uids))
        self.forget(self.uids.pop(seq - 1))

    def forget(self, uid):
        for known in (self.flags, self.modseqs, self.versions):
            known.pop(uid, None)

    def vanished(self, words, may_expunge):
        demand(self.is_qresync, "VANISHED without QRESYNC")
        if words[0] == ["EARLIER"]:
            for uid in numbers(words[1]):
                if uid in self.uids:
                    self.uids.remove(uid)
                    self.forget(uid)
            return
        demand(may_expunge, "VANISHED in a command that forbids it")
        for uid in numbers(words[0]):
            if uid in self.uids:
                self.uids.remove(uid)
            else:
                self.uids.pop(self.unknown_place(uid))
            self.forget(uid)

    def unknown_place(self, uid):
        """The place of a UID that this session was not told."""
        below = -1
        for i, known in enumerate(self.uids):
            if known is None:
                below = i
            elif known > uid:
                break
            else:
                below = -1
        demand(below >= 0, "VANISHED", uid, "was not there")
        return below

    def fetched(self, seq, data):
        demand(1 <= seq <= len(self.uids), "FETCH", seq, "of",
               len(self.uids))
        uid = data.get("UID", self.uids[seq - 1])
        if self.uids[seq - 1] is None:
            self.uids[seq - 1] = uid
        demand(self.uids[seq - 1] == uid, "FETCH", seq, "has UID", uid,
               "and not", self.uids[seq - 1])
        known = [u for u in self.uids if u is not None]
        demand(known == sorted(set(known)), "UIDs out of order:", known)
        if "FLAGS" in data and uid is not None:
            self.flags[uid] = frozenset(str(f) for f in data["FLAGS"]
                                        if str(f) != r"\Recent")
        if "MODSEQ" in data and uid is not None:
            modseq = int(data["MODSEQ"][0])
            demand(modseq >= self.modseqs.get(uid, 0), "MODSEQ of", uid,
                   "went back to", modseq)
            self.modseqs[uid] = modseq
        return uid, data

    # --- against the truth ---

    def compare(self, truth):
        """After a command that may tell everything: no difference is left.
        """
        box = truth.mailboxes[self.mailbox]
        real = box.uids()
        demand(len(self.uids) == len(real), self.mailbox, "has", real,
               "and the session believes", self.uids)
        for i, uid in enumerate(real):
            demand(self.uids[i] in (None, uid), "number", i + 1, "is", uid,
                   "and the session believes", self.uids[i])
            self.uids[i] = uid
            known = self.flags.get(uid)
            demand(known is None or known == box.messages[uid].flags,
                   "flags of", uid, "are", sorted(box.messages[uid].flags),
                   "and the session believes", sorted(known or ()))
        self.pin(box)

    def compare_loosely(self, truth):
        """After a command that must keep expunges back: nothing that is told
        is wrong."""
        box = truth.mailboxes[self.mailbox]
        for uid in self.uids:
            demand(uid is None or uid in box.messages or uid in box.gone,
                   "UID", uid, "never was in", self.mailbox)

    def pin(self, box):
        """Remember which version a MODSEQ stands for."""
        for uid, modseq in self.modseqs.items():
            version = box.messages[uid].version
            old = self.versions.get(uid)
            demand(old is None or (old[0] == modseq) == (old[1] == version),
                   "MODSEQ of", uid, old, "->", (modseq, version))
            self.versions[uid] = (modseq, version)
