#!/usr/bin/env python3
"""Counts test cases in JUnit reports, for tools/test.

count_cases.py CTEST.xml prints "passed N" for each program and "failed NAME" for each case that
failed; a program that failed without a failed case of its own (a crash, a time-out) is one failure.
count_cases.py --pytest REPORT.xml CODE prints "PASSED FAILED"; a report that is missing or holds
no failure though pytest ended with CODE != 0 counts as one failure.
"""
import re
import sys
import xml.etree.ElementTree as xml


def ctest(report):
    for case in xml.parse(report).getroot().iter("testcase"):
        output = case.findtext("system-out") or ""
        good = len(re.findall(r"(?m)^\[       OK \] \S", output))
        bad = sorted(set(re.findall(r"(?m)^\[  FAILED  \] ([\w/]+\.[\w/]+)", output)))
        if case.get("status") != "run" and not bad:
            bad = [case.get("name")]
        if case.get("status") == "run" and not good and not bad:
            good = 1  # a program of another kind that ended well
        print(f"passed {good}")
        for name in bad:
            print(f"failed {name}")


def pytest(report, code):
    try:
        cases = list(xml.parse(report).getroot().iter("testcase"))
    except (OSError, xml.ParseError):
        cases = []
    bad = sum(1 for c in cases if c.find("failure") is not None or c.find("error") is not None)
    skipped = sum(1 for c in cases if c.find("skipped") is not None)
    print(len(cases) - bad - skipped, max(bad, 1) if code else bad)


if __name__ == "__main__":
    if sys.argv[1] == "--pytest":
        pytest(sys.argv[2], int(sys.argv[3]))
    else:
        ctest(sys.argv[1])
