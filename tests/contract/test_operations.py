"""Pages that are made from tables, and commands that pages name."""
import os
import re
import subprocess
import sys

import pytest

from programs import ROOT, program

sys.path.insert(0, os.path.join(ROOT, "tools"))
import metrics  # noqa: E402

PAGES = ("OPERATIONS.md", "METRICS.md", "../helm/ocellus/README.md",
         "../helm/ocellus/templates/NOTES.txt")


def read(name):
    with open(os.path.join(ROOT, "docs", name), encoding="utf-8") as f:
        return f.read()


def test_the_page_of_metrics_is_what_the_table_says():
    assert read("METRICS.md") == metrics.page()


def test_the_table_is_read_whole():
    table = {name: (kind, labels) for _, name, kind, labels, _ in metrics.read_table()}
    assert len(table) > 55
    assert table["ocellus_jobs"] == ("gauge", ["project", "state"])
    assert table["ocellus_store_errors_total"] == ("counter", [])
    assert table["ocellus_checkpoint_duration_seconds"] == ("histogram", ["job", "stage"])


def commands():
    """Every `ocellus WORD [WORD]` of the pages."""
    found = set()
    for page in PAGES:
        for words in re.findall(r"(?m)(?:^ +|`|; )ocellus ([a-z][a-z -]*)", read(page)):
            found.add(" ".join(words.split()[:2]))
    return sorted(found)


def subcommands(*group):
    done = subprocess.run([program("ocellus"), *group, "--help"], capture_output=True, text=True,
                          timeout=30, check=True)
    return re.findall(r"(?m)^  ([a-z][a-z-]*)", done.stdout.partition("Subcommands:")[2])


def known(words):
    """Whether there is such a command; the second word may be an argument of the first."""
    group, *rest = words.split()
    if group not in subcommands():
        return False
    below = subcommands(group)
    return not below or bool(rest) and rest[0] in below


@pytest.mark.parametrize("words", commands())
def test_commands_that_pages_name_are_there(words):
    assert known(words)


def test_pages_name_commands():
    assert {"job why", "node list", "job hold"} <= set(commands())
    assert not known("jobs why") and not known("job whither")
