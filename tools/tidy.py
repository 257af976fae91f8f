#!/usr/bin/env python3
"""Holds the sources to the project's taste: sizes, names, dead files, headers that explain.

Faults (exit code 1): lines over 100 columns, tabs, trailing blanks; files over 400 lines; functions
over 70; sources and tests that no CMake file names, headers that nothing includes; a header without
a leading comment or #pragma once; marks of unfinished work; folders or files called utils, common,
helpers or misc; Python tests that pytest would not collect. Advice, no fault: files over 250 lines,
functions over 30.

--headers BUILD also compiles every header alone, with the flags of BUILD/compile_commands.json.
"""
import argparse
import ast
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile

FILE_ADVISED, FILE_LIMIT = 250, 400
FUNCTION_ADVISED, FUNCTION_LIMIT = 30, 70
COLUMNS = 100
CODE_FOLDERS = ("kernels", "models", "worker", "coordinator", "proto", "tools", "tests", "cmake")
CPP = (".h", ".cc", ".cu", ".cuh")
BASH = ("tools/setup", "tools/relock.sh", "tools/demo", "tools/test", ".ci/run")
MARKS = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK")) + r")\b")
SHUNNED = re.compile(r"(^|[/_])(utils?|commons?|helpers?|misc)([_./]|$)")
NOT_A_FUNCTION = re.compile(
    r"^\s*(namespace|class|struct|union|enum|extern|if|for|while|switch|do|else)\b")
LITERALS = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\((.*?)\)\1"|"(?:\\.|[^"\\\n])*"|'
                      r"(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'", re.S)


def files(root):
    """Paths of the code, relative to the root."""
    for top in CODE_FOLDERS:
        for folder, folders, names in os.walk(os.path.join(root, top)):
            folders[:] = sorted(f for f in folders if f not in ("__pycache__", "fixtures"))
            for name in sorted(names):
                path = os.path.relpath(os.path.join(folder, name), root)
                if name.endswith(CPP + (".py", ".proto", ".cmake", "CMakeLists.txt", ".sh")):
                    yield path
    for path in BASH:
        if os.path.exists(os.path.join(root, path)) and not path.endswith(".sh"):
            yield path


def strip_literals(text):
    """C++ text with comments and strings blanked, line numbers kept."""
    return LITERALS.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def cpp_functions(text):
    """(name, first line, number of lines) of every outermost function body."""
    text = strip_literals(text)
    text = re.sub(r"(?m)^[ \t]*#.*(?:\\\n.*)*", "", text)
    stack, head = [], 0
    for at, char in enumerate(text):
        if char == "{":
            before = text[head:at]
            inside = any(kind == "function" for kind, _, _ in stack)
            kind = "function" if not inside and is_function(before) else "block"
            stack.append((kind, at, before))
            head = at + 1
        elif char == "}":
            if stack:
                kind, start, before = stack.pop()
                if kind == "function":
                    first = text.count("\n", 0, start) + 1
                    yield function_name(before), first, text.count("\n", start, at) + 1
            head = at + 1
        elif char == ";":
            head = at + 1


def is_function(before):
    before = re.sub(r"^\s*(public|private|protected)\s*:", "", before.strip())
    before = re.sub(r"^template\s*<[^{]*?>\s*(?=\w)", "", before)
    return ")" in before and not NOT_A_FUNCTION.match(before) and not before.rstrip().endswith("=")


def function_name(before):
    names = re.findall(r"([\w:~]+)\s*\(", before)
    return names[0] if names else "?"


def python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, node.lineno, node.end_lineno - node.lineno + 1


def bash_functions(text):
    for match in re.finditer(r"(?m)^(\w+)\(\) \{\n(?:.*\n)*?\}", text):
        yield match.group(1), text.count("\n", 0, match.start()) + 1, match.group().count("\n") + 1


def functions_of(path, text):
    if path.endswith(CPP):
        return cpp_functions(text)
    if path.endswith(".py"):
        return python_functions(text)
    return bash_functions(text) if path in BASH else ()


def check_text(path, text, advice):
    lines = text.split("\n")
    if not text.endswith("\n"):
        yield f"{path}: no newline at its end"
    for number, line in enumerate(lines, 1):
        if len(line) > COLUMNS:
            yield f"{path}:{number}: {len(line)} columns, at most {COLUMNS}"
        if line != line.rstrip() or "\t" in line:
            yield f"{path}:{number}: a tab or blanks at the end"
        if MARKS.search(line):
            yield f"{path}:{number}: {MARKS.search(line).group()}: do it, or document it"
    if SHUNNED.search(path):
        yield f"{path}: name it after what it does"
    length = len(lines) - 1
    if length > FILE_LIMIT:
        yield f"{path}: {length} lines, at most {FILE_LIMIT}; split it"
    elif length > FILE_ADVISED:
        advice.append(f"{path}: {length} lines")
    for name, first, size in functions_of(path, text):
        if size > FUNCTION_LIMIT:
            yield f"{path}:{first}: {name} has {size} lines, at most {FUNCTION_LIMIT}"
        elif size > FUNCTION_ADVISED:
            advice.append(f"{path}:{first}: {name} has {size} lines")


def check_header(path, text):
    if not text.startswith("//"):
        yield f"{path}: starts with no comment; a header is the manual of its part"
    if "\n#pragma once\n" not in text:
        yield f"{path}: no #pragma once"
    if re.search(r"(?m)^using namespace", text):
        yield f"{path}: using namespace in a header"


def cmake_text(texts, path):
    """The CMake files of a path's folder and of those above, joined."""
    folder, found = os.path.dirname(path), []
    while True:
        found.append(texts.get(os.path.join(folder, "CMakeLists.txt"), ""))
        if not folder:
            return "\n".join(found)
        folder = os.path.dirname(folder)


def check_dead(texts):
    includes = set()
    for path, text in texts.items():
        if path.endswith(CPP):
            includes.update(re.findall(r'#\s*include\s*"([^"]+)"', text))
    for path, text in texts.items():
        if path.endswith((".cc", ".cu")):
            name = re.escape(os.path.basename(path))
            if not re.search(rf"(^|[\s/(]){name}\b", cmake_text(texts, path)):
                yield f"{path}: no CMakeLists.txt names it"
        elif path.endswith((".h", ".cuh")) and path not in includes:
            yield f"{path}: nothing includes it"
        elif path.startswith("tests/") and re.search(r"(?m)^def test_", text):
            if not os.path.basename(path).startswith("test_"):
                yield f"{path}: has tests, but pytest only looks at test_*.py"
        elif path.startswith("tests/") and os.path.basename(path).startswith("test_"):
            if path.endswith(".py") and not re.search(r"(?m)^\s*(async )?def test_", text):
                yield f"{path}: has no test"


def check(root):
    """(faults, advice, number of files) of a tree."""
    texts = {}
    for path in files(root):
        with open(os.path.join(root, path), encoding="utf-8") as f:
            texts[path] = f.read()
    faults, advice = [], []
    for path, text in texts.items():
        faults += check_text(path, text, advice)
        if path.endswith((".h", ".cuh")):
            faults += check_header(path, text)
    return faults + list(check_dead(texts)), advice, len(texts)


def header_flags(commands, path):
    """Compile flags of the source nearest to a header, without input, output and launcher."""
    best = max(commands, key=lambda c: len(os.path.commonprefix([c["file"], path])))
    flags, words = [], iter(shlex.split(best["command"]))
    for word in words:
        if word in ("-o", "-c"):
            next(words)
        elif word.startswith("-") and word not in ("-MD",) and not word.startswith("-M"):
            flags.append(word)
            if word in ("-I", "-isystem", "-include", "-D"):
                flags.append(next(words))
    return flags


def check_alone(root, build):
    """Compiles each header as its own translation unit; yields a line for each that fails."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as f:
        commands = json.load(f)
    for path in files(root):
        if not path.endswith(".h") or path.startswith("tests/"):
            continue
        with tempfile.NamedTemporaryFile("w", suffix=".cc") as unit:
            unit.write(f'#include "{path}"\n')
            unit.flush()
            flags = header_flags(commands, os.path.join(root, path))
            done = subprocess.run(["c++", *flags, "-fsyntax-only", unit.name], capture_output=True,
                                  text=True, check=False, cwd=build)
        if done.returncode:
            yield f"{path}: does not compile on its own: {done.stderr.strip().splitlines()[0]}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--root", default=os.path.join(os.path.dirname(__file__), ".."))
    parser.add_argument("--advice", action="store_true", help="print the advice too")
    parser.add_argument("--headers", metavar="BUILD", help="also compile every header on its own")
    args = parser.parse_args()
    root = os.path.abspath(args.root)
    faults, advice, count = check(root)
    if args.headers:
        faults += check_alone(root, os.path.abspath(args.headers))
    for line in faults + (["advice: " + a for a in advice] if args.advice else []):
        print(line)
    print(f"tidy: {count} files, {len(faults)} faults, {len(advice)} pieces of advice")
    return 1 if faults or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
