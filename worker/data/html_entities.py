"""Writes HTML's named characters, as Python's standard library has them, as C++ (at build time).

    python3 html_entities.py OUT.cc
"""
import html
import html.entities
import sys


def quoted(text: str) -> str:
    return '"' + "".join(f"\\{byte:03o}" for byte in text.encode()) + '"'


def table(name: str, entries: dict[str, str]) -> str:
    in_order = sorted(entries.items(), key=lambda item: item[0].encode())
    lines = [f'    {{"{key}", {quoted(value)}}},' for key, value in in_order]
    return f"const std::vector<NamedCharacter> {name}{{\n" + "\n".join(lines) + "\n};\n"


def capitals() -> dict[str, str]:
    """Names of lower case that stand for nothing else in capitals: what ftfy reads as well."""
    found = {}
    for name, text in html.entities.html5.items():
        upper = "&" + name.upper()
        if name.endswith(";") and name == name.lower() and html.unescape(upper) == upper:
            found[name.upper()] = text.upper()
    return found


def main() -> None:
    numbers = {str(number): text for number, text in html._invalid_charrefs.items()}
    numbers.update({str(number): "" for number in html._invalid_codepoints
                    if number not in html._invalid_charrefs})
    with open(sys.argv[1], "w") as out:
        out.write("// Written by worker/data/html_entities.py.\n")
        out.write('#include "worker/data/html_entities.h"\n\nnamespace ocellus::data {\n\n')
        out.write(table("kHtmlNames", html.entities.html5))
        out.write(table("kHtmlCapitals", capitals()))
        out.write(table("kHtmlNumbers", numbers))
        out.write("\n}  // namespace ocellus::data\n")


if __name__ == "__main__":
    main()
