"""Writes what ftfy knows of wrongly decoded text as C++ (at build time), from its package.

    python3 mojibake_tables.py SITE_PACKAGES OUT.cc

Without the package (a build without the toolchain) the tables are empty, and nothing is repaired.
"""
import re._constants as op
import re._parser as parser
import re
import sys

HEAD = '''// Written by worker/data/mojibake_tables.py.
#include "worker/data/mojibake_tables.h"

namespace ocellus::data {
'''
CATEGORIES = {op.CATEGORY_WORD: "kWord", op.CATEGORY_SPACE: "kSpace"}
ALL_BYTES = bytes(range(256))


def merged(ranges):
    """In order, those that meet or overlap as one."""
    found = []
    for first, last in sorted(ranges):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return found


def character_class(node):
    """A node of a parsed expression that stands for one character, as C++."""
    kind, value = node
    items = value if kind is op.IN else [node]
    negated, ranges, category = "false", [], "kNone"
    for item, what in items:
        if item is op.NEGATE:
            negated = "true"
        elif item is op.LITERAL:
            ranges.append((what, what))
        elif item is op.RANGE:
            ranges.append(what)
        elif item is op.CATEGORY:
            category = CATEGORIES[what]
        elif item is op.ANY:
            negated, ranges = "true", [(10, 10)]
        else:
            raise ValueError(f"not a character: {node}")
    text = ", ".join(f"{{{a:#x}, {b:#x}}}" for a, b in merged(ranges))
    return f"{{{{{text}}}, {negated}, CharacterClass::{category}}}"


def sequences(nodes):
    """(whether at the start of the text, nodes of one character each) of a sequence, spelled out
    with and without what is optional in it."""
    found = [(False, [])]
    for node in nodes:
        if node == (op.AT, op.AT_BEGINNING):
            found = [(True, list(s)) for _, s in found]
        elif node[0] is op.MAX_REPEAT:
            low, high, inner = node[1]
            assert (low, high) == (0, 1), node
            found += [(start, s + list(inner)) for start, s in found]
        else:
            found = [(start, s + [node]) for start, s in found]
    return found


def rules(expression):
    ((kind, (_, branches)),) = parser.parse(expression.pattern, expression.flags)
    assert kind is op.BRANCH
    for branch in branches:
        for start, nodes in sequences(branch):
            classes = ",\n     ".join(character_class(node) for node in nodes)
            yield f"    {{{'true' if start else 'false'},\n     {{{classes}}}}},\n"


def clue(chardata, name):
    ((node),) = parser.parse(f"[{chardata.UTF8_CLUES[name]}]", 0)
    constant = "kUtf8" + name.title().replace("_", "")[4:]
    return f"const CharacterClass {constant}{character_class(node)};\n"


def encoding(name):
    decoded = ", ".join(f"{ord(c):#x}" for c in ALL_BYTES.decode(name))
    sloppy = "true" if name.startswith("sloppy") else "false"
    spaces = "false" if name == "macroman" else "true"
    return f"    {{{{{decoded}}}, {sloppy}, {spaces}}},\n"


def written():
    try:
        import ftfy.bad_codecs  # noqa: F401 - registers its encodings
        from ftfy import badness, chardata
    except ImportError:
        print("ftfy is not installed: captions that were decoded wrongly stay as they are")
        yield "const std::vector<MojibakeRule> kMojibakeRules{};\n"
        yield "const std::vector<ByteEncoding> kByteEncodings{};\n"
        for name in ("FirstOf2", "FirstOf3", "FirstOf4", "Continuation", "ContinuationStrict"):
            yield f"const CharacterClass kUtf8{name}{{}};\n"
        return
    yield "const std::vector<MojibakeRule> kMojibakeRules{\n"
    yield from rules(badness.BADNESS_RE)
    yield "};\nconst std::vector<ByteEncoding> kByteEncodings{\n"
    yield from map(encoding, chardata.CHARMAP_ENCODINGS)
    yield "};\n"
    for name in ("utf8_first_of_2", "utf8_first_of_3", "utf8_first_of_4", "utf8_continuation",
                 "utf8_continuation_strict"):
        yield clue(chardata, name)


def main():
    sys.path.insert(0, sys.argv[1])
    with open(sys.argv[2], "w", encoding="ascii") as out:
        out.write(HEAD + "".join(written()) + "}  // namespace ocellus::data\n")


if __name__ == "__main__":
    main()
