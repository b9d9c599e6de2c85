#!/usr/bin/env python3
"""SEARCH over mail in the charsets that people meet, with the release binary:
its C library has tables of its own. Each text is looked for in its body, in an
encoded word of its subject, and with the search itself in that charset."""

import base64
import imaplib
import time

import lib

TEXTS = [
    ("us-ascii", "ascii", "plain text"),
    ("iso-8859-1", "latin-1", "Käse für Ödön"),
    ("iso-8859-2", "iso8859-2", "Příliš žluťoučký"),
    ("iso-8859-3", "iso8859-3", "ĉapelo ĝardeno"),
    ("iso-8859-4", "iso8859-4", "ķirsis šņākt"),
    ("iso-8859-5", "iso8859-5", "Привет всем"),
    ("iso-8859-6", "iso8859-6", "مرحبا"),
    ("iso-8859-7", "iso8859-7", "Καλημέρα"),
    ("iso-8859-8-i", "iso8859-8", "שלום"),
    ("iso-8859-9", "iso8859-9", "ığdır şeker"),
    ("iso-8859-10", "iso8859-10", "Ŋorđa"),
    ("iso-8859-13", "iso8859-13", "Žąsis"),
    ("iso-8859-14", "iso8859-14", "Ŵythnos"),
    ("iso-8859-15", "iso8859-15", "Œuvre €"),
    ("windows-1250", "cp1250", "Žluťoučký kůň"),
    ("windows-1251", "cp1251", "Здравствуйте"),
    ("windows-1252", "cp1252", "“zitiert” €"),
    ("windows-1253", "cp1253", "Ευχαριστώ"),
    ("windows-1254", "cp1254", "Teşekkür"),
    ("windows-1255", "cp1255", "תודה"),
    ("windows-1256", "cp1256", "شكرا"),
    ("windows-1257", "cp1257", "Ačiū"),
    ("windows-874", "cp874", "สวัสดี"),
    ("tis-620", "cp874", "ขอบคุณ"),
    ("koi8-r", "koi8-r", "Спасибо"),
    ("koi8-u", "koi8-u", "Їжак ґедзь"),
    ("ibm866", "cp866", "Пожалуйста"),
    ("cp850", "cp850", "Käse grün"),
    ("shift_jis", "cp932", "こんにちは世界"),
    ("x-sjis", "cp932", "表示ソフト"),
    ("euc-jp", "euc-jp", "ありがとう日本"),
    ("iso-2022-jp", "iso2022-jp", "日本語のメール"),
    ("gb2312", "gb2312", "你好世界"),
    ("gbk", "gbk", "謝謝臺灣"),
    ("gb18030", "gb18030", "再见㐀"),
    ("big5", "big5", "歡迎光臨"),
    ("euc-kr", "euc-kr", "안녕하세요"),
    ("ks_c_5601-1987", "cp949", "감사합니다 똠"),
    ("utf-16", "utf-16", "sechzehn ä 漢字"),
    ("utf-16le", "utf-16-le", "little ä 漢"),
    ("utf-16be", "utf-16-be", "big ä 漢"),
    ("utf-7", "utf-7", "sieben ☺ Bit"),
    ("utf-8", "utf-8", "acht 😀 Bit"),
]


def message(name, text, codec):
    data = base64.b64encode(text.encode(codec)).decode()
    return (
        "From: a@example.test\r\n"
        f"Subject: =?{name}?B?{data}?=\r\n"
        f"Content-Type: text/plain; charset={name}\r\n"
        "Content-Transfer-Encoding: base64\r\n"
        f"\r\n{data}\r\n"
    ).encode()


def search(m, key, text, charset, codec):
    m.literal = text.encode(codec)
    answer, data = m.search(charset, key)
    assert answer == "OK", (answer, data)
    return [int(n) for n in data[0].split()]


def check(s):
    m = imaplib.IMAP4(s.env["HOST"], s.port("IMAP"))
    m.login(s.user, s.password)
    now = imaplib.Time2Internaldate(time.time())
    for name, codec, text in TEXTS:
        m.append("INBOX", None, now, message(name, text, codec))
    m.select("INBOX")
    for n, (name, codec, text) in enumerate(TEXTS, 1):
        for key in "BODY", "SUBJECT", "TEXT":
            found = search(m, key, text.upper(), "UTF-8", "utf-8")
            assert n in found, (name, key, found)
            assert len(found) < 3, (name, key, found)
        if b"\0" in text.encode(codec):
            continue  # no literal may hold it
        found = search(m, "BODY", text, name, codec)
        assert n in found, (name, "in its own charset", found)
    assert search(m, "BODY", "\ufffd", "UTF-8", "utf-8") == []
    m.logout()
    print(f"{len(TEXTS)} charsets")


def main():
    with lib.server(env=lib.RELEASE) as s:
        check(s)


if __name__ == "__main__":
    main()
