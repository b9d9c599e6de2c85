#!/usr/bin/env python3
"""Ten random clients on shared and separate mailboxes; each answer is compared
with what the model says that this client may see. Plain, CONDSTORE and QRESYNC
sessions are mixed; now and then several commands run at once, somebody idles,
and the server is killed and started again.

TINPOST_STORM is the number of seconds (20), TINPOST_SEED the seed ("new" for
another one each time). A failure prints the seed and the last commands.
"""

import collections
import itertools
import os
import random
import sys
import time

import imap_client
import imap_model
import lib
from imap_client import numbers, to_set
from imap_model import Mailbox, Message, Mirror, Mismatch, Truth, demand

SECONDS = int(os.environ.get("TINPOST_STORM", "20"))
SEED = os.environ.get("TINPOST_SEED", "20261123")
SEED = random.randrange(1 << 30) if SEED == "new" else int(SEED)
N_CLIENTS = 10
SHARED = ("INBOX", "Both")
KEYWORDS = ("$Forwarded", "todo", "$Junk")
MAX_MESSAGES = 40


def text_of(mark):
    return (
        f"From: {mark}@client.test\r\nTo: alice@example.test\r\n"
        f"Subject: about {mark}\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\n"
        f"\r\nThis is {mark}.\r\n"
    ).encode()


class Client:
    """A connection, what it was told, and what it does next."""

    def __init__(self, number, storm):
        self.number = number
        self.storm = storm
        self.kind = ("plain", "condstore", "qresync")[number % 3]
        self.mirror = None
        self.cached = {}  # mailbox -> mirror when it was left (qresync)
        self.connect()

    def connect(self):
        self.imap = imap_client.Imap(self.storm.server.port("IMAP"))
        self.imap.login(self.storm.server.user, self.storm.server.password)
        if self.kind == "qresync":
            self.imap.ok("ENABLE QRESYNC")
        self.mirror = None

    def own(self):
        return f"Own{self.number}"


class Command:
    """One command of one client: what is sent, and its two moments."""

    may_expunge = True

    def __init__(self, client, *parts):
        self.client = client
        self.parts = parts
        self.answer = None

    def __repr__(self):
        return f"{self.client.number}/{self.client.kind}: {self.parts!r}"

    def send(self):
        self.tag = self.client.imap.send(*self.parts)

    def wait(self):
        self.answer = self.client.imap.wait(self.tag)

    def take_in(self, state):
        """Apply the untagged responses to the client's mirror."""
        mirror = state.mirrors[self.client.number]
        self.seen = []
        if mirror is not None:
            self.seen = mirror.apply(self.answer.untagged, self.may_expunge)

    def act(self, state):
        demand(self.answer.status == "OK", "refused", self.answer)

    def tell(self, state):
        mirror = state.mirrors[self.client.number]
        if mirror is None:
            return
        if self.may_expunge:
            mirror.compare(state.truth)
        else:
            mirror.compare_loosely(state.truth)

    def mirror(self, state):
        return state.mirrors[self.client.number]

    def box(self, state):
        return state.truth.mailboxes[self.mirror(state).mailbox]


class Noop(Command):
    def __init__(self, client):
        super().__init__(client, random.choice(("NOOP", "CHECK")))


class Append(Command):
    def __init__(self, client, name, n):
        self.name = name
        self.marks = [client.storm.new_mark() for _ in range(n)]
        self.flags = random.sample(("\\Seen", "\\Flagged", "todo"), 1)
        parts = [f"APPEND {name}"]
        for mark in self.marks:
            parts[-1] += f" ({' '.join(self.flags)}) "
            parts += [text_of(mark), ""]
        super().__init__(client, *parts[:-1])

    def act(self, state):
        super().act(state)
        box = state.truth.mailboxes[self.name]
        uids = [
            box.add(Message(self.flags, len(text_of(m)), m))
            for m in self.marks
        ]
        code = self.answer.codes()["APPENDUID"]
        demand(code[0] == box.uidvalidity and numbers(code[1]) == uids,
               "APPENDUID", code, "for", uids)


class OnSet(Command):
    """A command on some of the messages that the client knows of, by number
    or by UID."""

    def __init__(self, client, name, rest=""):
        mirror = client.mirror
        known = [i for i, u in enumerate(mirror.uids) if u is not None]
        chosen = sorted(random.sample(known, min(len(known),
                                                 random.randint(1, 8))))
        self.is_uid = random.random() < 0.5
        self.uids = [mirror.uids[i] for i in chosen]
        self.may_expunge = self.is_uid or name in ("COPY", "MOVE")
        numbers_ = self.uids if self.is_uid else [i + 1 for i in chosen]
        word = ("UID " if self.is_uid else "") + name
        super().__init__(client, f"{word} {to_set(numbers_)}{rest}")

    def there(self, state):
        return [u for u in self.uids if u in self.box(state).messages]


class Store(OnSet):
    def __init__(self, client):
        self.how = random.choice(("", "+", "-"))
        self.flags = random.sample(
            imap_model.SYSTEM + KEYWORDS, random.randint(1, 3))
        self.silent = random.choice(("", ".SILENT"))
        super().__init__(
            client, "STORE",
            f" {self.how}FLAGS{self.silent} ({' '.join(self.flags)})")

    def changed(self, flags):
        if self.how == "+":
            return flags | set(self.flags)
        if self.how == "-":
            return flags - set(self.flags)
        return frozenset(self.flags)

    def act(self, state):
        demand(self.answer.status == "OK" or
               self.there(state) != self.uids, "refused", self.answer)
        box, mirror = self.box(state), self.mirror(state)
        told = {uid for uid, data in self.seen if "FLAGS" in data}
        for uid in self.there(state):
            message = box.messages[uid]
            flags = frozenset(self.changed(message.flags))
            if flags != message.flags:
                message.flags = flags
                message.version += 1
            if not self.silent:
                demand(uid in told, "STORE says nothing of", uid)
            elif uid not in told:
                mirror.flags[uid] = flags


class StoreUnchanged(OnSet):
    """STORE with UNCHANGEDSINCE (RFC 7162 3.1.3) on one message."""

    def __init__(self, client):
        known = [u for u in client.mirror.uids if u in client.mirror.versions]
        uid = random.choice(known)
        self.since, self.version = client.mirror.versions[uid]
        self.flag = random.choice(imap_model.SYSTEM)
        self.uids = [uid]
        self.may_expunge = True
        Command.__init__(
            self, client,
            f"UID STORE {uid} (UNCHANGEDSINCE {self.since}) "
            f"+FLAGS ({self.flag})")

    def act(self, state):
        box = self.box(state)
        uid = self.uids[0]
        if uid not in box.messages:
            return
        message = box.messages[uid]
        modified = self.answer.codes().get("MODIFIED")
        if message.version != self.version:
            demand(modified and numbers(modified[0]) == [uid],
                   "changed since, and not MODIFIED", self.answer)
            return
        demand(not modified, "MODIFIED, and nobody did", self.answer)
        if self.flag not in message.flags:
            message.flags |= {self.flag}
            message.version += 1


class Fetch(OnSet):
    def __init__(self, client):
        items = "FLAGS UID RFC822.SIZE"
        if client.mirror.is_condstore:
            items += " MODSEQ"
        self.has_body = random.random() < 0.4
        if self.has_body:
            items += " BODY.PEEK[] ENVELOPE"
        super().__init__(client, "FETCH", f" ({items})")

    def act(self, state):
        box = self.box(state)
        whole = {u: d for u, d in self.seen if "RFC822.SIZE" in d}
        demand(self.answer.status == "OK" or
               self.there(state) != self.uids, "refused", self.answer)
        for uid in self.there(state):
            demand(uid in whole, "no answer for", uid)
            message = box.messages[uid]
            demand(whole[uid]["RFC822.SIZE"] == message.size, "size of", uid)
            if self.has_body:
                demand(whole[uid]["BODY[]"] == text_of(message.mark),
                       "another body for", uid, whole[uid])
                demand(whole[uid]["ENVELOPE"][1] ==
                       f"about {message.mark}".encode(), "subject of", uid)
        for uid in whole:
            demand(uid in self.uids, "an answer for", uid, "unasked")


class FetchAll(Command):
    """The whole mailbox: what every client does when it starts."""

    may_expunge = False

    def __init__(self, client):
        more = " MODSEQ" if client.mirror.is_condstore else ""
        super().__init__(client, f"FETCH 1:* (UID FLAGS{more})")

    def take_in(self, state):
        self.is_empty = not self.mirror(state).uids
        super().take_in(state)

    def act(self, state):
        gone = state.truth.mailboxes[self.mirror(state).mailbox].gone
        if self.answer.status == "NO":  # some are gone, and not yet told
            known = self.mirror(state).uids
            demand(gone & set(known) or None in known, self.answer)
        elif self.is_empty:  # RFC 9051 9: seq-number
            demand(self.answer.status == "BAD", "taken:", self.answer)
        else:
            super().act(state)


def deleted_in(box):
    return [u for u in box.uids() if "\\Deleted" in box.messages[u].flags]


class Expunge(Command):
    def __init__(self, client):
        self.uids = None
        words = "EXPUNGE"
        if random.random() < 0.5:
            known = [u for u in client.mirror.uids if u is not None]
            self.uids = random.sample(known, min(len(known), 6))
            if self.uids:
                words = f"UID EXPUNGE {to_set(self.uids)}"
            else:
                self.uids = None
        super().__init__(client, words)

    def take_in(self, state):
        self.view = list(self.mirror(state).uids)
        super().take_in(state)

    def act(self, state):
        """What is deleted goes, as far as this session has seen it; where
        the session knows a number and no UID, the answer tells."""
        super().act(state)
        box, mirror = self.box(state), self.mirror(state)
        deleted = [u for u in deleted_in(box)
                   if self.uids is None or u in self.uids]
        for uid in deleted:
            if uid in self.view:
                box.remove(uid)
            elif None in self.view and len(box.messages) > len(mirror.uids):
                box.remove(uid)


class Copy(OnSet):
    is_all_or_none = True

    def __init__(self, client, target, name="COPY"):
        self.target = target
        super().__init__(client, name, f" {target}")

    def act(self, state):
        there = self.there(state)
        if self.answer.status == "NO" and there != self.uids:
            if self.is_all_or_none:  # RFC 2180 4.4
                return
        else:
            super().act(state)
        target = state.truth.mailboxes[self.target]
        source = self.box(state)
        new = []
        for uid in there:
            old = source.messages[uid]
            new.append(target.add(Message(old.flags, old.size, old.mark)))
            self.after(source, uid)
        code = self.answer.codes().get("COPYUID")
        if there:
            demand(code and code[0] == target.uidvalidity and
                   numbers(code[1]) == there and numbers(code[2]) == new,
                   "COPYUID", code, "for", there, new)

    def after(self, source, uid):
        pass


class Move(Copy):
    is_all_or_none = False  # RFC 6851 4.4: what could be moved is

    def __init__(self, client, target):
        super().__init__(client, target, "MOVE")

    def after(self, source, uid):
        source.remove(uid)


class Search(Command):
    def __init__(self, client):
        self.is_uid = random.random() < 0.6
        self.may_expunge = self.is_uid
        self.flag = random.choice(imap_model.SYSTEM)
        key = self.flag[1:].upper()
        self.is_not = random.random() < 0.5
        words = ("UN" if self.is_not else "") + key
        super().__init__(
            client, ("UID " if self.is_uid else "") + f"SEARCH {words}")

    def take_in(self, state):
        # Numbers are those of the moment at which the search ran.
        self.before = list(self.mirror(state).uids)
        super().take_in(state)

    def act(self, state):
        super().act(state)
        found = [n for words in self.answer.named("SEARCH") for n in words
                 if isinstance(n, int)]
        box = self.box(state)
        view = self.before
        if not self.is_uid:
            demand(all(1 <= n <= len(view) for n in found), "numbers past",
                   len(view), found)
            found = [view[n - 1] for n in found]
        want = {
            u for u in view if u in box.messages and
            (self.flag in box.messages[u].flags) != self.is_not
        }
        fuzzy = None in view
        demand(want <= set(found) or fuzzy, "SEARCH", found, "for", want)
        demand(all(u is None or u in want or u not in box.messages or
                   u not in view for u in found),
               "SEARCH", found, "for", want)


class Status(Command):
    ITEMS = "MESSAGES UIDNEXT UNSEEN DELETED UIDVALIDITY SIZE"

    def __init__(self, client, name):
        self.name = name
        super().__init__(client, f"STATUS {name} ({self.ITEMS})")

    def act(self, state):
        super().act(state)
        box = state.truth.mailboxes[self.name]
        data = imap_client.fields(self.answer.named("STATUS")[0][1])
        all_ = box.messages.values()
        want = {
            "MESSAGES": len(box.messages), "UIDNEXT": box.uidnext,
            "UNSEEN": sum("\\Seen" not in m.flags for m in all_),
            "DELETED": sum("\\Deleted" in m.flags for m in all_),
            "UIDVALIDITY": box.uidvalidity,
            "SIZE": sum(m.size for m in all_),
        }
        want = {name: want[name] for name in self.ITEMS.split()}
        demand(data == want, "STATUS", data, "for", want)


class Select(Command):
    def __init__(self, client, name):
        self.name = name
        self.is_read_only = random.random() < 0.15
        self.cached = client.cached.get(name)
        words = "EXAMINE" if self.is_read_only else "SELECT"
        words += f" {name}"
        if self.cached is not None and self.cached.highest:
            words += (f" (QRESYNC ({self.cached.uidvalidity} "
                      f"{self.cached.highest}))")
        else:
            self.cached = None
            if client.kind == "condstore":
                words += " (CONDSTORE)"
        super().__init__(client, words)

    def take_in(self, state):
        kind = self.client.kind
        mirror = Mirror(self.name, self.is_read_only, kind == "qresync",
                        kind == "condstore")
        if self.cached is not None:
            mirror.uids = list(self.cached.uids)
            mirror.flags = dict(self.cached.flags)
            mirror.modseqs = dict(self.cached.modseqs)
        state.mirrors[self.client.number] = mirror
        # EXISTS comes first, of the mailbox as it is; the VANISHED behind it
        # is of what the client remembers (RFC 7162 3.2.5.1).
        lines = self.answer.untagged
        if self.cached is not None:
            lines = self.resynchronise(mirror)
        self.seen = mirror.apply(lines, True)

    def resynchronise(self, mirror):
        vanished = [w for w in self.answer.untagged
                    if str(w[0]).upper() == "VANISHED"]
        rest = [w for w in self.answer.untagged if w not in vanished]
        for words in vanished:
            demand(words[1] == ["EARLIER"], "VANISHED without EARLIER")
            mirror.vanished(words[1:], True)
        return rest

    def act(self, state):
        super().act(state)
        box = state.truth.mailboxes[self.name]
        codes = self.answer.codes()
        demand(codes["UIDVALIDITY"] == [box.uidvalidity], "UIDVALIDITY")
        demand(codes["UIDNEXT"] == [box.uidnext], "UIDNEXT", codes,
               box.uidnext)
        mirror = self.mirror(state)
        mirror.uidvalidity = box.uidvalidity
        mirror.highest = int(codes.get("HIGHESTMODSEQ", [0])[0])
        demand(("READ-ONLY" in codes) == self.is_read_only, "READ-ONLY")


class Leave(Command):
    """CLOSE or UNSELECT; the client with QRESYNC keeps what it knows."""

    def __init__(self, client):
        self.word = random.choice(("CLOSE", "UNSELECT"))
        super().__init__(client, self.word)

    def act(self, state):
        super().act(state)
        mirror = self.mirror(state)
        if self.word == "CLOSE" and not mirror.is_read_only:
            box = self.box(state)
            for uid in deleted_in(box):
                if uid in self.left.uids:
                    box.remove(uid)
        state.mirrors[self.client.number] = None

    def tell(self, state):
        pass


class State:
    """The truth and all mirrors, to be copied for a try."""

    def __init__(self, truth, mirrors):
        self.truth = truth
        self.mirrors = mirrors

    def clone(self):
        return State(self.truth.clone(), {
            n: m.clone() if m else None for n, m in self.mirrors.items()
        })


class Storm:
    def __init__(self, server):
        self.server = server
        self.state = State(Truth(), {})
        self.n_marks = 0
        self.counts = collections.Counter()
        self.history = collections.deque(maxlen=60)
        self.clients = []
        for i in range(N_CLIENTS):
            self.clients.append(Client(i, self))
            self.state.mirrors[i] = None
        self.make_mailboxes()

    def new_mark(self):
        self.n_marks += 1
        return f"m{self.n_marks}"

    def make_mailboxes(self):
        imap = self.clients[0].imap
        imap.ok("CREATE Both")
        for client in self.clients:
            imap.ok(f"CREATE {client.own()}")
        for name in SHARED + tuple(c.own() for c in self.clients):
            answer = imap.ok(f"STATUS {name} (UIDVALIDITY UIDNEXT MESSAGES)")
            data = imap_client.fields(answer.named("STATUS")[0][1])
            assert data["MESSAGES"] == 0
            self.state.truth.mailboxes[name] = Mailbox(
                data["UIDVALIDITY"], data["UIDNEXT"])

    # --- choosing ---

    def target(self, client):
        return random.choice(SHARED + (client.own(),))

    def next_command(self, client):
        mirror = client.mirror
        if mirror is None:
            return Select(client, random.choice(SHARED * 2 + (client.own(),)))
        box = self.state.truth.mailboxes[mirror.mailbox]
        name = self.target(client)
        size = len(self.state.truth.mailboxes[name].messages)
        choices = [(Noop, ()), (FetchAll, ()), (Status, (name,)),
                   (Search, ())]
        if size < MAX_MESSAGES:
            choices += [(Append, (name, random.choice((1, 1, 1, 3))))] * 3
        if random.random() < 0.15:
            choices += [(Leave, ())] * 3
        if any(u is not None for u in mirror.uids):
            choices += [(Fetch, ())] * 3
            if size < MAX_MESSAGES:
                choices += [(Copy, (name,))]
            if not mirror.is_read_only:
                choices += [(Store, ())] * 4
                if name != mirror.mailbox and size < MAX_MESSAGES:
                    choices += [(Move, (name,))]
                if mirror.versions:
                    choices += [(StoreUnchanged, ())] * 2
        if not mirror.is_read_only:
            choices += [(Expunge, ())] * (4 if len(box.messages) > 20 else 1)
        kind, args = random.choice(choices)
        return kind(client, *args)

    # --- doing ---

    def run(self, commands):
        """Send these at once, read the answers, find an order that fits."""
        for command in commands:
            self.history.append(command)
            command.send()
        for command in commands:
            command.wait()
            self.counts[type(command).__name__] += 1
        self.explain(commands)
        for client in self.clients:
            client.mirror = self.state.mirrors[client.number]
        for command in commands:
            if isinstance(command, (Select, Leave)):
                self.remember(command)

    def explain(self, commands):
        best, reason = -1, None
        moments = [(c, part) for c in commands for part in ("act", "tell")]
        for order in itertools.permutations(moments):
            at = {moment: i for i, moment in enumerate(order)}
            if any(at[c, "act"] > at[c, "tell"] for c in commands):
                continue
            state, done = self.state.clone(), 0
            try:
                for command in commands:
                    command.take_in(state)
                for command, part in order:
                    getattr(command, part)(state)
                    done += 1
            except Mismatch as e:
                if done > best:
                    best, reason = done, e
                continue
            self.state = state
            return
        raise Mismatch(f"{commands}: in the order that fits best: {reason}")

    def remember(self, command):
        """What a QRESYNC client keeps when it leaves a mailbox."""
        client = command.client
        if client.kind != "qresync":
            return
        if isinstance(command, Leave):
            client.cached[command.left.mailbox] = command.left
        else:
            client.cached.pop(command.name, None)

    def step(self):
        n = random.choices((1, 2, 3), (7, 2, 1))[0]
        commands = []
        for client in random.sample(self.clients, n):
            command = self.next_command(client)
            if isinstance(command, Leave):
                command = self.leave(client)
            commands.append(command)
        self.run(commands)

    def leave(self, client):
        """Before leaving, a client learns where it stands."""
        self.run([Noop(client)])
        if client.kind == "qresync":
            self.run([FetchAll(client)])
            self.run([Noop(client)])
            # With the client up to date this is the modseq of all it knows.
            answer = client.imap.ok(
                f"STATUS {client.mirror.mailbox} (HIGHESTMODSEQ)")
            data = imap_client.fields(answer.named("STATUS")[0][1])
            client.mirror.highest = data["HIGHESTMODSEQ"]
            client.mirror.uidvalidity = (
                self.state.truth.mailboxes[client.mirror.mailbox].uidvalidity)
        command = Leave(client)
        command.left = client.mirror.clone()
        return command

    def idle(self):
        """One client idles; what another does is pushed to it."""
        watcher, actor = random.sample(
            [c for c in self.clients if c.mirror is not None], 2)
        self.run([Noop(watcher)])
        name = watcher.mirror.mailbox
        if len(self.state.truth.mailboxes[name].messages) >= MAX_MESSAGES:
            return
        tag = watcher.imap.idle()
        before = self.state.mirrors[watcher.number]
        self.run([Append(actor, name, 1)])
        pushed = [watcher.imap.pushed()]
        answer = watcher.imap.done(tag)
        mirror = before.clone()
        mirror.apply(pushed + answer.untagged, True)
        mirror.compare(self.state.truth)
        self.state.mirrors[watcher.number] = watcher.mirror = mirror
        self.counts["Idle"] += 1

    def kill(self):
        """What was answered is there after a power cut."""
        for client in self.clients:
            client.imap.close()
        self.server.kill()
        self.server.again()
        for client in self.clients:
            self.state.mirrors[client.number] = None
            if client.kind == "qresync" and random.random() < 0.5:
                client.cached.clear()
            client.connect()
        self.counts["Kill"] += 1
        self.look()

    def look(self):
        """A fresh session finds the truth."""
        imap = imap_client.Imap(self.server.port("IMAP"))
        imap.login(self.server.user, self.server.password)
        for name, box in self.state.truth.mailboxes.items():
            imap.ok(f"EXAMINE {name}")
            found = {}
            if box.messages:
                for words in imap.ok(
                        "FETCH 1:* (UID FLAGS BODY.PEEK[])").named("FETCH"):
                    data = imap_client.fields(words[1])
                    found[data["UID"]] = (
                        frozenset(str(f) for f in data["FLAGS"]
                                  if str(f) != r"\Recent"),
                        data["BODY[]"])
            want = {u: (m.flags, text_of(m.mark))
                    for u, m in box.messages.items()}
            demand(found == want, name, "holds", found, "and not", want)
        imap.ok("LOGOUT")
        imap.close()


def main():
    random.seed(SEED)
    with lib.server() as server:
        storm = Storm(server)
        end = time.monotonic() + SECONDS
        last_kill = time.monotonic()
        try:
            while time.monotonic() < end:
                storm.step()
                if random.random() < 0.02 and sum(
                        c.mirror is not None for c in storm.clients) > 1:
                    storm.idle()
                if time.monotonic() - last_kill > max(5, SECONDS / 20):
                    storm.kill()
                    last_kill = time.monotonic()
            storm.look()
        except Exception:
            print(f"seed {SEED}; the last commands:")
            for command in list(storm.history)[-25:]:
                print(" ", command, "->", command.answer)
            raise
        done = sum(storm.counts.values())
        print(f"seed {SEED}: {done} commands, {dict(storm.counts)}")
        missing = {"Append", "Store", "Fetch", "Expunge", "Copy", "Search",
                   "Select", "Kill"} - set(storm.counts)
        demand(not missing, "never tried:", missing)
    return 0


if __name__ == "__main__":
    sys.exit(main())
