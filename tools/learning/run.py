#!/usr/bin/env python3
"""Does a method learn? Trains each for a few minutes on a CPU and looks at its frozen features.

For every method, set of images and seed: kNN and a linear probe of the trained encoder, of the same
encoder at its random initialisation, and of raw pixels; with --peer also of the same method in
plain PyTorch, trained on the same document. One JSON line a run goes to the output file.

    run.py --bin build/release/bin --name digits --train "D/train*.tar" --val "D/val*.tar" \
        --methods mae mocov3 --out learning.jsonl
"""
import argparse
import json
import os
import subprocess
import sys
import time

import numpy as np
import torch
import yaml
from safetensors.numpy import load_file, save_file
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

import peer
import peer_data

HERE = os.path.dirname(os.path.abspath(__file__))
RECIPES = os.path.join(HERE, "..", "..", "deploy", "recipes")


def knn(bank, bank_labels, queries, labels, k=20, temperature=0.07):
    bank, queries = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (bank, queries))
    near = queries @ bank.T
    top = np.argsort(-near, 1)[:, :k]
    votes = np.zeros((len(queries), bank_labels.max() + 1))
    for i, row in enumerate(top):
        np.add.at(votes[i], bank_labels[row], np.exp(near[i, row] / temperature))
    return float((votes.argmax(1) == labels).mean())


def probe(bank, bank_labels, queries, labels):
    scale = StandardScaler().fit(bank)
    head = LogisticRegression(max_iter=2000, C=0.01).fit(scale.transform(bank), bank_labels)
    return float(head.score(scale.transform(queries), labels))


def judge(features, sets):
    """kNN and probe of a function from images to features."""
    bank, queries = (features(s["whole"]) for s in sets)
    labels = [s["labels"] for s in sets]
    return {"knn": knn(bank, labels[0], queries, labels[1]),
            "probe": probe(bank, labels[0], queries, labels[1])}


class Ours:
    """A run of ocellus-trainer, and the features of its weights."""

    def __init__(self, programs, folder, document):
        self.trainer, self.folder = os.path.join(programs, "ocellus-trainer"), folder
        os.makedirs(folder, exist_ok=True)
        self.spec = os.path.join(folder, "job.yaml")
        with open(self.spec, "w", encoding="utf-8") as f:
            yaml.safe_dump(document, f)

    def call(self, *arguments):
        done = subprocess.run([self.trainer, *arguments], capture_output=True, text=True,
                              env={**os.environ, "OMP_NUM_THREADS": "1"}, check=False)
        if done.returncode != 0:
            sys.exit(f"{' '.join(arguments)}:\n{done.stderr[-2000:]}")

    def train(self):
        out = os.path.join(self.folder, "run")
        self.call("run", "--spec", self.spec, "--out", out)
        self.weights = os.path.join(self.folder, "weights.safetensors")
        self.call("export", "--checkpoint", out, "--out", self.weights, "--full")
        for root, _, names in os.walk(out):
            if "manifest.json" in names:
                with open(os.path.join(root, "manifest.json"), encoding="utf-8") as f:
                    return json.load(f)["document"]
        sys.exit(f"{out}: no checkpoint")

    def features(self, images):
        given = os.path.join(self.folder, "images.safetensors")
        taken = os.path.join(self.folder, "features.safetensors")
        save_file({"images": images.numpy()}, given)
        self.call("features", "--spec", self.spec, "--weights", self.weights, "--images", given,
                  "--out", taken)
        return load_file(taken)["features"]


def document_of(method, train, seed, overrides):
    with open(os.path.join(RECIPES, f"demo_{method}.yaml"), encoding="utf-8") as f:
        document = yaml.safe_load(f)
    document.update(seed=seed, ranks=1, precision="fp32")
    document["data"]["train"] = train
    document["eval"] = {"knn": {"train_samples": 0}, "pictures": 0}
    for override in overrides:
        path, value = override.split("=", 1)
        *parents, last = path.split(".")
        place = document
        for key in parents:
            place = place.setdefault(key, {})
        place[last] = yaml.safe_load(value)
    return document


def size_of(document):
    return next(iter(document["model"].values()))["image_size"]


def one(args, method, seed, sets):
    folder = os.path.join(args.work, f"{args.name}-{method}-{seed}")
    document = document_of(method, args.train, seed, args.set)
    ours = Ours(args.bin, folder, document)
    began = time.time()
    resolved = ours.train()
    result = {"images": args.name, "method": method, "seed": seed,
              "steps": resolved["schedule"]["total_steps"], "seconds": round(time.time() - began)}
    for s in sets:
        s["whole"] = peer_data.whole(s["images"], size_of(resolved), resolved["data"]["augment"])
    result["trained"] = judge(ours.features, sets)
    still = document_of(method, args.train, seed,
                        [*args.set, "schedule.total_steps=1", "schedule.warmup_steps=1",
                         "schedule.warmup_offset=0"])
    random_one = Ours(args.bin, folder + "-random", still)
    random_one.train()
    result["random"] = judge(random_one.features, sets)
    result["pixels"] = judge(lambda images: images.flatten(1).numpy(), sets)
    if args.peer:
        result["peer"] = peer_result(resolved, sets, seed)
    return result


def peer_result(document, sets, seed):
    began = time.time()
    model, losses = peer.train(document, sets[0]["images"], sets[0]["captions"], seed)

    @torch.no_grad()
    def features(images):
        return torch.cat([model.features(part) for part in images.split(64)]).numpy()

    return {**judge(features, sets), "seconds": round(time.time() - began), "loss": losses[-1]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", required=True)
    parser.add_argument("--name", required=True, help="what the set of images is called")
    parser.add_argument("--train", required=True, help="glob of tars with labels")
    parser.add_argument("--val", required=True)
    parser.add_argument("--methods", nargs="+", required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--set", nargs="*", default=[], help="key.path=VALUE")
    parser.add_argument("--peer", action="store_true")
    parser.add_argument("--work", default="build/learning")
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.train = os.path.abspath(args.train)
    sets = [dict(zip(("images", "labels", "captions"), peer_data.load(p)))
            for p in (args.train, args.val)]
    for method in args.methods:
        for seed in args.seeds:
            result = one(args, method, seed, sets)
            print(json.dumps(result), flush=True)
            with open(args.out, "a", encoding="utf-8") as f:
                f.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
