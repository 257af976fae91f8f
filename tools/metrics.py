#!/usr/bin/env python3
"""Writes docs/METRICS.md from the table of metrics, coordinator/base/metric_names.h.

  tools/metrics.py            write it
  tools/metrics.py --check    exit code 1 when it is not as it would be written
"""
import ast
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TABLE = os.path.join(ROOT, "coordinator", "base", "metric_names.h")
PAGE = os.path.join(ROOT, "docs", "METRICS.md")

# What a label's values are, and how many there can be on 500 nodes of 8 GPUs with 100 jobs of 40
# ranks; "" for a label that only tells what another one of the same series does already.
LABELS = {
    "version": ("version of the program", 2),
    "commit": ("commit it was built from", ""),
    "project": ("the project of a job", 20),
    "state": ("a state: of jobs, nodes, GPUs or slots", 8),
    "reason": ("why: of pending jobs a JobReason, of checkpoints that were not committed `upload`, "
               "`commit` or `left_out`", 12),
    "job": ("id of a job; gone some minutes after its end", 100),
    "name": ("the job's name", ""),
    "objective": ("the job's method", ""),
    "cause": ("what made a gang necessary, or lost it its steps", 12),
    "class": ("a failure class", 9),
    "node": ("a node's name", 500),
    "host": ("its machine's host name", ""),
    "op": ("a write transaction of the store", 40),
    "kind": ("of credentials that were refused: token, certificate, join token", 4),
    "method": ("a call of the API", 60),
    "certificate": ("`server`, `authority`", 2),
    "rpc": ("a call of the worker API", 10),
    "grpc_service": ("service of the API", 6),
    "grpc_method": ("its method", 50),
    "grpc_code": ("how the call ended", 17),
    "phase": ("`total`, `data_wait`, `collective_wait`", 3),
    "stage": ("`snapshot`, `upload`, `commit`", 3),
    "rank": ("a rank of the gang on this node", 40),
    "encoder": ("`trained`; for comparison `initial` and `pixels`", 3),
    "k": ("how many tries count", 3),
    "direction": ("`image_to_text`, `text_to_image`", 2),
    "gpu": ("index of the GPU on its node, as nvidia-smi and DCGM count", 8),
    "uuid": ("the GPU's UUID, as DCGM's `UUID`", ""),
    "clock": ("`sm`, `memory`", 2),
    "xid": ("number of the driver's error, in NVIDIA's list", 20),
}

METRIC = re.compile(
    r'inline const Metric k\w+\{\s*"(?P<name>\w+)",\s*(?P<help>(?:"(?:[^"\\]|\\.)*"\s*)+)'
    r'(?:,\s*(?P<buckets>k\w+|\{[^}]*\}))?(?:,\s*\{(?P<labels>[^}]*)\})?\s*\};')

HEAD = """# Metrics

Written by `tools/metrics.py` from `coordinator/base/metric_names.h`; a test holds what coordinator
and agents really export to this table: name, kind, labels, help. Counters exist at 0 from the
start, times are timestamps and never ages, and ids are labels only where their number is bounded.
Series of a job go away five minutes after its end.

What watches them: `helm/ocellus/rules/` (alerts, explained in [OPERATIONS.md](OPERATIONS.md)) and
`helm/ocellus/dashboards/` (Grafana). A scrape needs `honor_labels: true`, because `job` is a label
of Ocellus's own; `instance` names the process.
"""


def kind(name, buckets):
    if buckets and buckets != "{}":
        return "histogram"
    return "counter" if name.endswith("_total") else "gauge"


def read_table():
    """[(part, name, kind, [label], help)] in the order of the header."""
    with open(TABLE, encoding="utf-8") as f:
        text = f.read()
    found = []
    for match in METRIC.finditer(text):
        part = re.findall(r"(?m)^// (\w[\w ]*)\.$", text[:match.start()])
        found.append((part[-1] if part else "Both", match["name"],
                      kind(match["name"], match["buckets"]),
                      re.findall(r'"(\w+)"', match["labels"] or ""),
                      "".join(ast.literal_eval(s) for s in
                              re.findall(r'"(?:[^"\\]|\\.)*"', match["help"]))))
    count = text.count("inline const Metric ")
    if len(found) != count:
        sys.exit(f"tools/metrics.py: read {len(found)} of {count} metrics of {TABLE}")
    return found


def page():
    lines, part_before = [HEAD], None
    table = read_table()
    for part, name, what, labels, text in table:
        if part != part_before:
            title = {"Both": "Every process", "Agent": "Agents (`ocellus-worker`)",
                     "Coordinator": "Coordinator"}.get(part, part)
            lines += [f"## {title}", "", "| metric | kind | labels | is |", "|---|---|---|---|"]
            part_before = part
        shown = ", ".join(f"`{label}`" for label in labels)
        lines.append(f"| `{name}` | {what} | {shown} | {text} |")
        following = table.index((part, name, what, labels, text)) + 1
        if following == len(table) or table[following][0] != part:
            lines.append("")
    used = {label for _, _, _, labels, _ in table for label in labels}
    lines += ["## Labels", "",
              "The last column is how many values there are at once in a cluster of 500 nodes",
              "with 8 GPUs each and 100 jobs of 40 ranks; an empty one: the label only names",
              "what another one tells already.", "",
              "| label | is | values |", "|---|---|---|"]
    for label, (text, count) in LABELS.items():
        if label in used:
            lines.append(f"| `{label}` | {text} | {count} |")
    missing = used - set(LABELS)
    if missing:
        sys.exit(f"tools/metrics.py: say what {', '.join(sorted(missing))} is, in LABELS")
    return "\n".join(lines) + "\n"


def main():
    text = page()
    if "--check" in sys.argv[1:]:
        with open(PAGE, encoding="utf-8") as f:
            if f.read() != text:
                sys.exit("docs/METRICS.md is stale: run tools/metrics.py")
        return
    with open(PAGE, "w", encoding="utf-8") as f:
        f.write(text)


if __name__ == "__main__":
    main()
