#!/usr/bin/env python3
"""Tables and curves of what study.py measured.

    report.py build/learning/results.jsonl docs/LEARNING.md

Replaces what is between the marks `<!-- NAME -->` and `<!-- end -->` of the page, and writes the
curves to pictures/learning-SET.svg beside it.
"""
import argparse
import json
import os
import re
import statistics

import curves

STUDENT = {2: 4.303, 3: 3.182, 4: 2.776}  # 95 % both ways, by degrees of freedom


MEASURES = {"knn": "kNN", "knn_few": "of 400 labels", "knn_whitened": "whitened kNN",
            "knn_whitened_few": "of 400 labels", "probe": "probe"}


class Results:
    def __init__(self, path):
        with open(path, encoding="utf-8") as f:
            self.lines = [json.loads(line) for line in f]
        self.methods = list(dict.fromkeys(x["method"] for x in self.lines if x["method"] != "none"))

    def of(self, **wanted):
        return [x for x in self.lines if all(x[k] == v for k, v in wanted.items())]

    def values(self, key, **wanted):
        return [x[key] for x in self.of(**wanted) if key in x]


def spread(values):
    return statistics.stdev(values) if len(values) > 1 else 0.0


def cell(values):
    """Mean and standard deviation over seeds, in percent."""
    if not values:
        return "-"
    mean = f"{100 * statistics.mean(values):.1f}"
    return mean if len(values) == 1 else f"{mean} ± {100 * spread(values):.1f}"


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def against_baselines(results, name):
    """A row a method; a measure that not every line of the set has is left out."""
    keys = [key for key in MEASURES if all(key in line for line in results.of(set=name))]
    rows = []
    for method in results.methods:
        steps = results.values("steps", set=name, method=method, kind="ocellus")
        cells = [cell(results.values(key, set=name, method=method, kind=kind))
                 for key in keys for kind in ("ocellus", "random")]
        if steps:
            rows.append([method, *cells, str(steps[0]), str(len(steps))])
    raw = [x for key in keys for x in (cell(results.values(key, set=name, kind="pixels")), "")]
    head = [x for key in keys for x in (MEASURES[key], "random")]
    return table(["method", *head, "steps", "seeds"], [*rows, ["*raw pixels*", *raw, "", ""]])


def verdict(ours, peer):
    """The difference of two means, half of its 95 % interval, and whether it is within."""
    gap = statistics.mean(ours) - statistics.mean(peer)
    if min(len(ours), len(peer)) < 2:
        return [f"{100 * gap:+.1f}", "-", "too few seeds"]
    student = STUDENT[len(ours) + len(peer) - 2]
    room = student * (spread(ours) ** 2 / len(ours) + spread(peer) ** 2 / len(peer)) ** 0.5
    return [f"{100 * gap:+.1f}", f"{100 * room:.1f}", "yes" if abs(gap) <= room else "**no**"]


def against_peer(results, name):
    rows = []
    for method in results.methods:
        for key in (*MEASURES, "zero_shot"):
            ours, peer = (results.values(key, set=name, method=method, kind=kind)
                          for kind in ("ocellus", "peer"))
            if not ours or not peer:
                continue
            rows.append([method, key.replace("_", "-"), cell(ours), cell(peer),
                         *verdict(ours, peer)])
    return table(["method", "measure", "Ocellus", "PyTorch", "difference", "noise", "within"], rows)


def zero_shot(results, names):
    rows = [[name, cell(results.values("zero_shot", set=name, kind="ocellus")),
             cell(results.values("zero_shot", set=name, kind="peer")), "10.0"] for name in names]
    return table(["images", "Ocellus", "PyTorch", "chance"], rows)


def health(results, names):
    rows = []
    for name in names:
        for method in results.methods:
            runs = [x for x in results.of(set=name, method=method, kind="ocellus") if x["health"]]
            if not runs:
                continue
            stds = [run["health"]["std_relative"] for run in runs]
            ranks = [run["health"]["effective_rank"] for run in runs]
            rows.append([name, method, f"{min(stds):.2f} to {max(stds):.2f}",
                         f"{min(ranks):.1f} to {max(ranks):.1f} of {runs[0]['health']['dim']}",
                         str(sum(len(run["alarms"]) for run in runs))])
    return table(["images", "method", "feature std (1 is healthy)", "effective rank", "alarms"],
                 rows)


def panels(results, name, method):
    lines = [(kind, run["loss"]) for kind in ("peer", "ocellus")
             for run in results.of(set=name, method=method, kind=kind)]
    ours = results.of(set=name, method=method, kind="ocellus")
    chance = ours[0]["chance_loss"]
    marks = [(chance, "chance")] if chance else []
    pixels = results.of(set=name, kind="pixels")[0]["knn"]
    return [curves.Panel(f"{method}: loss", lines, marks),
            curves.Panel(f"{method}: kNN", [("ocellus", run["looks"]) for run in ours],
                         [(pixels, "pixels")], share=True)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results")
    parser.add_argument("page")
    args = parser.parse_args()
    results = Results(args.results)
    names = list(dict.fromkeys(x["set"] for x in results.lines))
    made = {"zero-shot": zero_shot(results, names), "health": health(results, names)}
    folder = os.path.join(os.path.dirname(args.page), "pictures")
    os.makedirs(folder, exist_ok=True)
    for name in names:
        made[f"{name} baselines"] = against_baselines(results, name)
        made[f"{name} peer"] = against_peer(results, name)
        rows = [panels(results, name, method) for method in results.methods
                if results.of(set=name, method=method, kind="ocellus")]
        with open(os.path.join(folder, f"learning-{name}.svg"), "w", encoding="utf-8") as f:
            f.write(curves.picture(rows))
    with open(args.page, encoding="utf-8") as f:
        page = f.read()
    for mark, text in made.items():
        page = re.sub(f"(<!-- {mark} -->\n).*?(<!-- end -->)", lambda m, t=text: m[1] + t + "\n" +
                      m[2], page, flags=re.S)
    with open(args.page, "w", encoding="utf-8") as f:
        f.write(page)


if __name__ == "__main__":
    main()
