// ImapFlow against a running server: ENABLE, CONDSTORE, IDLE, and all that a
// mail program does. Settings come in the environment.
import assert from "node:assert/strict";
import fs from "node:fs";
import net from "node:net";
import { ImapFlow } from "imapflow";

const env = process.env;
const common = {
    host: "localhost",
    auth: { user: env.USER, pass: env.PASS },
    logger: env.DEBUG ? undefined : false,
    qresync: true,
    tls: { ca: fs.readFileSync(env.CAFILE) },
};

function once(emitter, event, seconds = 10) {
    return new Promise((resolve, reject) => {
        const timer = setTimeout(
            () => reject(new Error(`no ${event} within ${seconds} s`)),
            seconds * 1000);
        emitter.once(event, (data) => {
            clearTimeout(timer);
            resolve(data);
        });
    });
}

// A mail from outside, over SMTP.
async function deliver(subject) {
    const socket = net.connect(Number(env.SMTP_PORT), "127.0.0.1");
    const text = `From: x@client.test\r\nSubject: ${subject}\r\n\r\nhello\r\n`;
    const steps = ["EHLO client.test", "MAIL FROM:<x@client.test>",
        `RCPT TO:<${env.USER}>`, "DATA", `${text}.`, "QUIT"];
    socket.setEncoding("utf8");
    let got = "";
    for await (const piece of socket) {
        got += piece;
        while (/^\d{3} .*\r\n/m.test(got)) {
            const end = got.search(/^\d{3} .*\r\n/m);
            const line = got.slice(end).split("\r\n", 1)[0];
            assert.match(line, /^[23]/);
            got = got.slice(end + line.length + 2);
            if (steps.length > 0) socket.write(`${steps.shift()}\r\n`);
        }
    }
}

async function everyday(client) {
    await client.connect();
    assert.ok(client.capabilities.has("CONDSTORE"));
    assert.ok(client.capabilities.has("IDLE"));
    const folders = await client.list({ statusQuery: { messages: true } });
    const uses = new Set(folders.map((f) => f.specialUse).filter(Boolean));
    for (const use of ["\\Sent", "\\Drafts", "\\Junk", "\\Trash", "\\Archive"])
        assert.ok(uses.has(use), `no ${use}`);

    await client.mailboxCreate(["Pläne", "März"]);
    const message = "From: a@b.test\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=" +
        "\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x" +
        "\r\n\r\n--x\r\nContent-Type: text/plain; charset=utf-8\r\n" +
        "Content-Transfer-Encoding: base64\r\n\r\nw6TDtsO8\r\n--x\r\n" +
        "Content-Type: application/octet-stream; name=a.bin\r\n" +
        "Content-Disposition: attachment; filename=a.bin\r\n\r\nabc\r\n" +
        "--x--\r\n";
    const added = await client.append("Pläne/März", message,
        ["\\Seen", "$Label1"], new Date("2026-01-02T03:04:05Z"));
    assert.equal(added.uid, 1);
    const lock = await client.getMailboxLock("Pläne/März");
    try {
        assert.equal(client.mailbox.exists, 1);
        const one = await client.fetchOne("1", { uid: true, flags: true,
            envelope: true, bodyStructure: true, internalDate: true,
            source: true, threadId: true, size: true, labels: false });
        assert.equal(one.envelope.subject, "Grüße");
        assert.equal(one.source.toString(), message);
        assert.equal(one.size, message.length);
        assert.equal(one.bodyStructure.childNodes.length, 2);
        assert.equal(one.internalDate.toISOString(),
            "2026-01-02T03:04:05.000Z");
        assert.deepEqual([...one.flags].sort(),
                         ["$Label1", "\\Recent", "\\Seen"]);
        assert.ok(one.emailId);

        const { content } = await client.download("1", "1");
        let text = "";
        for await (const piece of content) text += piece;
        assert.equal(text.trim(), "äöü");

        assert.deepEqual(await client.search({ subject: "grüße" }), [1]);
        assert.deepEqual(await client.search({ body: "ÄÖÜ" }), [1]);
        assert.deepEqual(await client.search({ unseen: true }), []);

        await client.messageFlagsAdd("1", ["\\Flagged"]);
        const copied = await client.messageCopy("1", "Archive");
        assert.equal(copied.uidMap.get(1), 1);
        const moved = await client.messageMove("1", "Trash");
        assert.equal(moved.uidMap.get(1), 1);
    } finally {
        lock.release();
    }
    await client.mailboxRename(["Pläne", "März"], ["Pläne", "April"]);
    await client.mailboxDelete("Pläne/April");
    await client.mailboxDelete("Pläne");
    const status = await client.status("Trash", { messages: true,
        unseen: true, uidNext: true, highestModseq: true });
    assert.equal(status.messages, 1);
    assert.equal(status.uidNext, 2);
    const quota = await client.getQuota("INBOX");
    assert.ok(quota === false || typeof quota === "object");
}

// What others do while this client idles.
async function idling(client, other) {
    await client.mailboxOpen("INBOX");
    await other.mailboxOpen("INBOX");
    const before = client.mailbox.exists;
    let idle = client.idle();
    const told = once(client, "exists");
    await deliver("idle");
    assert.equal((await told).count, before + 1);
    const changed = once(client, "flags");
    await other.noop();
    await other.messageFlagsAdd("*", ["\\Answered"]);
    const flags = await changed;
    assert.ok(flags.flags.has("\\Answered"));
    assert.ok(flags.modseq > 0n);
    const gone = once(client, "expunge");
    await other.messageDelete("*");
    assert.ok((await gone).vanished || (await gone).seq);
    await client.noop();
    await idle;
    // It counts EXISTS and EXPUNGE, but not what VANISHED (RFC 7162) says.
    await client.mailboxOpen("Trash");
    await client.mailboxOpen("INBOX");
    assert.equal(client.mailbox.exists, before);
}

// Only what changed since (RFC 7162).
async function condstore(client, other) {
    for (const subject of ["one", "two", "three"]) await deliver(subject);
    await client.mailboxOpen("INBOX");
    const since = client.mailbox.highestModseq;
    await other.mailboxOpen("INBOX");
    await other.messageFlagsAdd("2", ["\\Flagged"]);
    await client.noop();
    const seen = [];
    for await (const m of client.fetch("1:*", { flags: true },
        { changedSince: since })) seen.push(m.seq);
    assert.deepEqual(seen, [2]);
}

const tls = new ImapFlow({ ...common, port: Number(env.IMAPS_PORT),
    secure: true });
const starttls = new ImapFlow({ ...common, port: Number(env.IMAP_PORT),
    secure: false });
try {
    await everyday(tls);
    await starttls.connect();
    await idling(tls, starttls);
    await condstore(tls, starttls);
} finally {
    await tls.logout();
    await starttls.logout();
}
