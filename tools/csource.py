"""csource.py - what the lints share: the C files of src/, and their text
without comments or without strings. Lines keep their numbers."""

import os
import re
import sys

TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', re.M)

n_faults = 0


def files(root):
    """Every .c and .h file of the rooms, and main.c, in order: root-relative."""
    found = []
    for folder, folders, names in os.walk(os.path.join(root, "src")):
        folders.sort()
        found += [os.path.relpath(os.path.join(folder, n), root)
                  for n in sorted(names) if n.endswith((".c", ".h"))]
    return found


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


def blank(text):
    """The same number of lines and columns, with nothing on them."""
    return re.sub(r"[^\n]", " ", text)


def without_comments(text):
    return TOKEN.sub(
        lambda m: blank(m[0]) if m[0].startswith("/") else m[0], text)


def code_only(text):
    """Neither comments nor the contents of strings; includes stay."""
    def cut(match):
        line = text.rfind("\n", 0, match.start()) + 1
        if text[line:match.start()].lstrip().startswith("#include"):
            return match[0]
        return blank(match[0])
    return TOKEN.sub(cut, text)


def includes(text):
    """Yield (line, '<' or '"', name) of each #include."""
    for match in INCLUDE.finditer(without_comments(text)):
        yield line_of(text, match.start(1)), match[1], match[2]


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def room_of(path):
    """'store' for src/store/journal.c, 'main.c' for src/main.c."""
    return path.split("/")[1]


def fault(path, line, what, mend):
    global n_faults
    n_faults += 1
    print(f"{path}:{line}: {what}: {mend}")


def root_argument():
    """The tree to look at: the argument, or the one that holds this tool."""
    if len(sys.argv) > 1:
        return sys.argv[1]
    return os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def finish():
    sys.exit(1 if n_faults else 0)
