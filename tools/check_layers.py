#!/usr/bin/env python3
"""Holds every #include to the order of folders in docs/ARCHITECTURE.md.

A file may include its own folder and folders of a lower rank. A folder without a rank, an include
of a file that is not there, a cycle between headers, and a library on the wrong side (gRPC in the
trainer, LibTorch in the service) are faults too. Prints one line a fault; exit code 1 when there is
any.
"""
import argparse
import os
import re
import sys

# Longest prefix wins. A path that ends in a dot stands for the files of that stem.
RANKS = {
    "kernels": 0, "models/collectives.": 0, "models/schema": 0, "worker/wire": 0,
    "ocellus/v1": 0, "proto": 0,
    "models/ops": 1, "worker/store": 1, "coordinator/base": 1,
    "models/nn": 2, "models/optim": 2, "worker/data": 2, "worker/checkpoint": 2,
    "coordinator/client": 2, "coordinator/job": 2,
    "models/objective.": 3, "models/registry.": 3, "worker/agent": 3,
    "coordinator/state": 3, "coordinator/scheduler": 3, "coordinator/launch": 3,
    "models/objectives": 4, "models/weights": 4, "worker/dist": 4, "coordinator/fleet": 4,
    "coordinator/auth": 4,
    "worker/trainer": 5, "coordinator/control": 5, "coordinator/api": 5, "coordinator/page": 5,
    "coordinator/main.": 6,
    "tools": 7,
}
# What an objective is: headers that count as one folder.
OBJECTIVE = {"models/objective.", "models/registry."}
# Folders of the trainer's process, of the service's, and of both.
TRAINER = ("kernels", "models", "worker/data", "worker/checkpoint", "worker/dist", "worker/trainer",
           "tools/pack")
SERVICE = ("coordinator", "worker/agent", "tools/cli", "proto")
BOTH = ("models/schema", "worker/wire", "worker/store")
TORCH = re.compile(r"(torch|ATen|c10|caffe2)/|(cuda|nccl)[\w.]*\.h")
GRPC = re.compile(r"(grpc|grpcpp|absl|google|ocellus/v1|prometheus)/")
NOT_IN_KERNELS = re.compile(r"(nlohmann|torch|ATen|c10)/")
SOURCE = (".h", ".cc", ".cu", ".cuh", ".inc")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def under(path, folder):
    return path == folder or path.startswith(folder + "/")


def place(path):
    """The ranked folder (or stem) that a path belongs to, or None."""
    hits = [k for k in RANKS if (path.startswith(k) if k.endswith(".") else under(path, k))]
    return max(hits, key=len) if hits else None


def sources(root):
    for top in ("kernels", "models", "worker", "coordinator", "proto", "tools"):
        for folder, _, files in os.walk(os.path.join(root, top)):
            for name in sorted(files):
                if name.endswith(SOURCE):
                    yield os.path.relpath(os.path.join(folder, name), root)


def read_includes(path):
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            match = INCLUDE.match(line)
            if match:
                yield number, match.group(1) == '"', match.group(2)


def wrong_side(path, target):
    """Why a file of this folder may not include this external header, or None."""
    shared = any(under(path, f) for f in BOTH)
    trainer = not shared and any(under(path, f) for f in TRAINER)
    service = not shared and any(under(path, f) for f in SERVICE)
    if (trainer or shared) and GRPC.match(target):
        return "the trainer's side never links gRPC, Protobuf or Abseil"
    if (service or shared) and TORCH.match(target):
        return "the service's side never links LibTorch"
    if under(path, "kernels") and NOT_IN_KERNELS.match(target):
        return "kernels are standard C++ and the CUDA runtime only"
    return None


def check_file(root, path, graph):
    here = place(path)
    if here is None:
        yield f"{path}: its folder has no rank; give it one in tools/check_layers.py"
        return
    for number, quoted, target in read_includes(os.path.join(root, path)):
        where = f"{path}:{number}"
        why = wrong_side(path, target)
        if why:
            yield f"{where}: includes {target}: {why}"
        there = place(target)
        if there is None:
            if quoted and "/" not in target:
                yield f'{where}: includes "{target}": name files from the root of the repository'
            continue
        exists = os.path.exists(os.path.join(root, target))
        if not exists and not under(target, "ocellus/v1"):
            yield f"{where}: includes {target}, which does not exist"
        if exists:
            graph.setdefault(path, set()).add(target)
        same = there == here or {there, here} <= OBJECTIVE
        if not same and RANKS[there] >= RANKS[here]:
            yield (f"{where}: {here.rstrip('.')} (rank {RANKS[here]}) includes {target} "
                   f"(rank {RANKS[there]}); only lower ranks are allowed")


def cycles(graph):
    """One line a cycle of includes, found depth first."""
    state, stack, found = {}, [], []

    def visit(node):
        state[node] = 1
        stack.append(node)
        for target in sorted(graph.get(node, ())):
            if state.get(target) == 1:
                found.append(" -> ".join(stack[stack.index(target):] + [target]))
            elif target not in state:
                visit(target)
        stack.pop()
        state[node] = 2

    for node in sorted(graph):
        if node not in state:
            visit(node)
    return [f"{c.split(' ')[0]}: includes itself: {c}" for c in found]


def check(root):
    """All faults of a tree, and how many files were read."""
    graph, faults, count = {}, [], 0
    for path in sources(root):
        count += 1
        faults += check_file(root, path, graph)
    return faults + cycles(graph), count


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--root", default=os.path.join(os.path.dirname(__file__), ".."))
    faults, count = check(os.path.abspath(parser.parse_args().root))
    for fault in faults:
        print(fault)
    print(f"check_layers: {count} files, {len(faults)} faults")
    return 1 if faults or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
