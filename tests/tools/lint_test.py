#!/usr/bin/env python3
"""Plant one fault at a time in a small good tree: the lint that is there for it
must name the file and the line, and be silent about the good tree."""

import os
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))

LAYERS = """base:
net:   base
store: base
smtp:  base net store
<lmdb.h>:     store
<bearssl*.h>: net
"""
INDEX = """# number, how much, title
5321 partly Simple Mail Transfer Protocol
9051 no IMAP4rev2
"""


def header(room, name, body):
    guard = f"TINPOST_{room}_{name}_H".upper()
    return f"#ifndef {guard}\n#define {guard}\n{body}\n#endif\n"


GOOD = {
    "src/LAYERS": LAYERS,
    "src/RFC": INDEX,
    "src/base/buf.h": header("base", "buf", "int buf_len(void);"),
    "src/base/buf.c": '#include "base/buf.h"\n#include <stdlib.h>\n'
                      "char *p(void) { return malloc(1); }\n",
    "src/store/store.h": header("store", "store", '#include "store/box.h"'),
    "src/store/box.h": header("store", "box", '#include "base/buf.h"'),
    "src/store/leaf.h": header("store", "leaf", "#include <lmdb.h>"),
    "src/store/box.c": '#include "store/box.h"\n#include "store/leaf.h"\n'
                       "typedef int (*box_cb)(void *owner);\n"
                       "/* RFC 5321 4.5.2: float on, malloc(3). */\n"
                       'const char *s = "sprintf( 1.5 RFC822.SIZE";\n',
    "src/smtp/smtp.h": header("smtp", "smtp", ""),
    "src/smtp/smtp.c": '#include "smtp/smtp.h"\n#include "store/box.h"\n'
                       '#include "store/store.h"\n',
    "src/main.c": '#include "smtp/smtp.h"\n#include "store/store.h"\n',
}

# lint, file, text added at its end (or the whole of a new file), what is said
PLANTED = [
    ("layers", "src/store/box.c", '#include "net/net.h"', "must not know net"),
    ("layers", "src/base/buf.h", '#include "store/store.h"', "must not know"),
    ("layers", "src/smtp/smtp.c", '#include "store/leaf.h"', "is private"),
    ("layers", "src/main.c", '#include "store/leaf.h"', None),
    ("layers", "src/smtp/smtp.c", '#include "smtp.h"', "names no room"),
    ("layers", "src/smtp/smtp.c", "#include <lmdb.h>", "does not belong"),
    ("layers", "src/smtp/smtp.c", "#include <bearssl_ssl.h>",
     "does not belong"),
    ("layers", "src/store/box.h", "#include <lmdb.h>", "in a public header"),
    ("layers", "src/extra/extra.c", "int extra;", "no room"),
    ("layers", "src/smtp/smtp.c", '// #include "net/x.h"', None),
    ("banned", "src/smtp/smtp.c", "int f(void) { strcpy(a, b); }", "strcpy()"),
    ("banned", "src/smtp/smtp.c", "int f(void) { strcat(a, b); }", "strcat()"),
    ("banned", "src/smtp/smtp.c", "x = sprintf (a, b);", "sprintf()"),
    ("banned", "src/smtp/smtp.c", "x = snprintf(a, 1, b);", None),
    ("banned", "src/smtp/smtp.c", "x = strtok(a, b);", "strtok()"),
    ("banned", "src/smtp/smtp.c", "x = atoi(a);", "atoi()"),
    ("banned", "src/base/buf.c", "x = strtol(a, b, 10);", "strtol()"),
    ("banned", "src/base/buf.c", "x = alloca(9);", "alloca()"),
    ("banned", "src/base/buf.c", "x = malloc(9);", None),
    ("banned", "src/smtp/smtp.c", "x = malloc(9);", "malloc()"),
    ("banned", "src/smtp/smtp.c", "x = calloc(9, 9);", "calloc()"),
    ("banned", "src/smtp/smtp.c", "x = realloc(x, 9);", "realloc()"),
    ("banned", "src/smtp/smtp.c", "free(x);", "free()"),
    ("banned", "src/smtp/smtp.c", "cert_free(x);", None),
    ("banned", "src/smtp/smtp.c", "x = strdup(x);", "strdup()"),
    ("banned", "src/smtp/smtp.c", "getaddrinfo(a, b, c, d);",
     "getaddrinfo()"),
    ("banned", "src/smtp/smtp.c", "system(x);", "system()"),
    ("banned", "src/smtp/smtp.c", "popen(x, y);", "popen()"),
    ("banned", "src/smtp/smtp.c", "#include <ctype.h>", "<ctype.h>"),
    ("banned", "src/smtp/smtp.c", "float f;", "floating point"),
    ("banned", "src/smtp/smtp.c", "static double d;", "floating point"),
    ("banned", "src/smtp/smtp.c", "int i = 2 * 1.5;", "floating point"),
    ("banned", "src/smtp/smtp.c", "int i = 0x1e5 + v1.e1.x;", None),
    ("banned", "src/smtp/smtp.c", "typedef struct a b;", "typedef"),
    ("banned", "src/smtp/smtp.c", "typedef int (*cb)(void *);", None),
    ("rfc", "src/smtp/smtp.c", "/* RFC 4954 4 */", "no row"),
    ("rfc", "src/RFC", "9422 yes The LIMITS Extension", "cited nowhere"),
    ("rfc", "src/RFC", "9422 no The LIMITS Extension", None),
    ("rfc", "src/RFC", "1939 no Post Office Protocol", "stands after"),
    ("rfc", "src/RFC", "9051 no IMAP4rev2", "stands after"),
    ("rfc", "src/RFC", "9422 perhaps LIMITS", "is no row"),
    ("rfc", "src/smtp/smtp.c", "/* RFC5321 4.5 */", "write it as"),
    ("rfc", "src/smtp/smtp.c", "/* rfc 5321 */", "write it as"),
    ("rfc", "src/smtp/smtp.c", "/* RFC 5321, section 4.5 */", "write it as"),
    ("rfc", "src/smtp/smtp.c", "/* RFC 5321 section 4.5 */", "write it as"),
    ("rfc", "src/smtp/smtp.c", "/* message/rfc822 by RFC 5321 */", None),
    ("names", "src/zone/box.c", "int box;", "is also"),
    ("names", "src/smtp/Box.c", "int box;", "use a-z"),
    ("names", "src/smtp/reply.h", "int reply;", "include guard"),
]


def write(root, path, text):
    path = os.path.join(root, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "a") as file:
        file.write(text)


def said(lint, changed=None, text=""):
    with tempfile.TemporaryDirectory() as root:
        for path, good in GOOD.items():
            write(root, path, good)
        if changed:
            write(root, changed, text + "\n")
        run = subprocess.run([os.path.join(TOP, "tools", lint), root],
                             capture_output=True, text=True)
    assert run.stderr == "", run.stderr
    assert (run.returncode != 0) == bool(run.stdout), run
    return run.stdout


def is_right(answer, path, text, want):
    if want is None:
        return answer == ""
    line = GOOD.get(path, "").count("\n") + 1
    return any(one.startswith(f"{path}:") and want in one and
               (path not in GOOD or one.startswith(f"{path}:{line}:"))
               for one in answer.splitlines())


def main():
    n_bad = 0
    for lint in ("layers", "banned", "rfc", "names"):
        answer = said(lint)
        if answer:
            n_bad += 1
            print(f"tools/{lint} on the good tree: {answer}")
    for lint, path, text, want in PLANTED:
        answer = said(lint, path, text)
        if not is_right(answer, path, text, want):
            n_bad += 1
            print(f"tools/{lint} with '{text}' in {path}:\n"
                  f"  wanted: {want}\n  said:   {answer.strip() or 'nothing'}")
    print(f"{len(PLANTED)} faults planted, {n_bad} wrong answers")
    sys.exit(1 if n_bad else 0)


main()
