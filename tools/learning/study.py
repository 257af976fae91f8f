#!/usr/bin/env python3
"""Does every method learn? Trains each for a minute or so on a CPU and looks at frozen features.

study.yaml says on which images, with which changes to deploy/recipes/demo_METHOD.yaml, and which
seeds. For each there are four measurements, a JSON line each in the output file:

    ocellus   ocellus-trainer's encoder after training, with curves, health and alarms
    random    the same encoder before its first step
    peer      the same document trained in plain PyTorch (peer.py), where study.yaml asks for it
    pixels    no encoder: the images themselves, once a set

    study.py --bin build/release/bin            everything: some six hours
    study.py --bin ... --methods mae --seeds 0  a part of it

What the output file already has is not done again, so a study may be stopped, and parts of it may
run side by side. report.py makes docs/LEARNING.md's tables and curves of the file.
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

import measure
import peer
import peer_data
from trainer import Trainer

HERE = os.path.dirname(os.path.abspath(__file__))
RECIPES = os.path.join(HERE, "..", "..", "deploy", "recipes")
POINTS = 40  # of a loss curve
LOOKS = 2  # at kNN during a run
BANK = 1000  # samples of such a look


def merge(into, changes):
    """A model is replaced as a whole, an optimizer by one of another kind."""
    for key, value in changes.items():
        old = into.get(key)
        same = isinstance(value, dict) and isinstance(old, dict)
        if key == "model" or same and key == "optimizer" and not set(value) & set(old):
            same = False
        into[key] = merge(old, value) if same else value
    return into


def document_of(study, name, method, seed, work):
    with open(os.path.join(RECIPES, f"demo_{method}.yaml"), encoding="utf-8") as f:
        document = yaml.safe_load(f)
    images = study["sets"][name]
    changes = images.get("changes", {})
    for section in (study["changes"], changes.get("all", {}), changes.get(method, {})):
        merge(document, json.loads(json.dumps(section)))
    document.update(seed=seed)
    for part in ("train", "val"):
        document["data"][part] = os.path.join(work, images[part])
    document["checkpoint"] = {"every_steps": document["schedule"]["total_steps"] // LOOKS + 1,
                              "keep": LOOKS}
    if method == "clip":
        document["eval"]["zero_shot"] = {"classes": images["classes"],
                                         "templates": images["templates"]}
    return document


def thinned(losses):
    """[step, mean loss around it] at about POINTS steps."""
    parts = np.array_split(np.arange(len(losses)), min(POINTS, len(losses)))
    return [[int(part.mean()) + 1, round(float(np.mean([losses[i] for i in part])), 4)]
            for part in parts]


def looks(run, parts):
    """[step, kNN] of each checkpoint, among fewer samples than at the end."""
    few = [{k: part[k][:BANK] for k in ("whole", "labels")} for part in parts]
    return [[step, measure.knn(*(x for part in few
                                 for x in (run.features(part["whole"], path), part["labels"])))]
            for step, path in run.checkpoints()]


@torch.no_grad()
def in_parts(function, images):
    return torch.cat([function(part) for part in images.split(64)])


class Study:
    def __init__(self, args):
        self.args, self.work = args, os.path.abspath(args.work)
        with open(args.study, encoding="utf-8") as f:
            self.plan = yaml.safe_load(f)
        self.parts = {}

    def make_images(self):
        for name, images in self.plan["sets"].items():
            if os.path.exists(os.path.join(self.work, name)):
                continue
            for line in images["make"]:
                line = line.format(bin=self.args.bin, python=sys.executable, here=HERE,
                                   out=os.path.join(self.work, name))
                subprocess.run(line.split(), check=True, stdout=subprocess.DEVNULL)

    def images(self, name, document):
        """A set's train and val, as evaluation sees them."""
        if name not in self.parts:
            patterns = [os.path.join(self.work, self.plan["sets"][name][p])
                        for p in ("train", "val")]
            self.parts[name] = [dict(zip(("images", "labels", "captions"), peer_data.load(p)))
                                for p in patterns]
        size = next(iter(document["model"].values()))["image_size"]
        for part in self.parts[name]:
            part["whole"] = peer_data.whole(part["images"], size, document["data"]["augment"])
        return self.parts[name]

    def folder(self, *names):
        return os.path.join(self.work, "runs", "-".join(map(str, names)))

    def document(self, name, method, seed):
        """With every default."""
        if method == "none":
            method = self.plan["methods"][0]
        path = self.folder(name, method, seed) + ".yaml"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            yaml.safe_dump(document_of(self.plan, name, method, seed, self.work), f)
        done = subprocess.run([os.path.join(self.args.bin, "ocellus"), "validate", path, "-o",
                               "json"], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(done.stderr)
        return json.loads(done.stdout)

    def ocellus(self, name, method, seed):
        document = self.document(name, method, seed)
        run = Trainer(self.args.bin, self.folder(name, method, seed), document)
        began = time.time()
        run.train()
        seconds = round(time.time() - began)
        found, history = run.evaluation(), run.history()
        parts = self.images(name, document)
        result = {"steps": document["schedule"]["total_steps"], "seconds": seconds,
                  **measure.judge(run.features, parts),
                  "health": found["trained"]["features"], "alarms": run.alarms(),
                  "loss": thinned([r["loss"] for r in history]), "looks": looks(run, parts),
                  "chance_loss": history[-1].get("chance_loss")}
        if method == "clip":
            result["zero_shot"] = found["trained"]["zero_shot"]["top1"]
        return result

    def random(self, name, method, seed):
        """Of a run whose only step has a rate of 0: its encoder is as it was at the start."""
        document = self.document(name, method, seed)
        document["checkpoint"]["every_steps"] = 1
        document["schedule"].update(total_steps=1, warmup_steps=1, warmup_offset=0)
        document["eval"].update(every_steps=0, knn={"train_samples": 0}, collapse={"samples": 0})
        run = Trainer(self.args.bin, self.folder(name, method, seed, "random"), document)
        run.train()
        return measure.judge(run.features, self.images(name, document))

    def peer(self, name, method, seed):
        document = self.document(name, method, seed)
        parts, began = self.images(name, document), time.time()
        model, losses = peer.train(document, parts[0]["images"], parts[0]["captions"], seed)
        seconds = round(time.time() - began)

        result = {"seconds": seconds, "loss": thinned(losses),
                  **measure.judge(lambda images: in_parts(model.features, images).numpy(), parts)}
        if method == "clip":
            result["zero_shot"] = measure.zero_shot(model, parts[1],
                                                    self.plan["sets"][name]["classes"],
                                                    self.plan["sets"][name]["templates"])
        return result

    def pixels(self, name, method, seed):
        parts = self.images(name, self.document(name, method, seed))
        return measure.judge(lambda images: images.flatten(1).numpy(), parts)


def done_already(path):
    if not os.path.exists(path):
        return set()
    with open(path, encoding="utf-8") as f:
        return {key_of(json.loads(line)) for line in f}


def key_of(line):
    return tuple(line[k] for k in ("set", "method", "seed", "kind"))


def wanted(study, args):
    """(set, method, seed, kind) of everything to measure."""
    for name in args.sets or study.plan["sets"]:
        yield name, "none", 0, "pixels"
        for method in args.methods or study.plan["methods"]:
            for seed in args.seeds or study.plan["seeds"]:
                for kind in ("ocellus", "random", "peer"):
                    if kind != "peer" or method in study.plan["sets"][name].get("peer", []):
                        yield name, method, seed, kind


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", required=True, help="folder of Ocellus's programs")
    parser.add_argument("--study", default=os.path.join(HERE, "study.yaml"))
    parser.add_argument("--work", default="build/learning", help="images and runs go there")
    parser.add_argument("--out", default="build/learning/results.jsonl")
    parser.add_argument("--sets", nargs="+")
    parser.add_argument("--methods", nargs="+")
    parser.add_argument("--seeds", nargs="+", type=int)
    parser.add_argument("--kinds", nargs="+", default=["pixels", "ocellus", "random", "peer"])
    return parser.parse_args()


def main():
    args = arguments()
    torch.set_num_threads(1)
    study = Study(args)
    study.make_images()
    done = done_already(args.out)
    for name, method, seed, kind in wanted(study, args):
        if kind not in args.kinds or (name, method, seed, kind) in done:
            continue
        found = getattr(study, kind)(name, method, seed)
        line = {"set": name, "method": method, "seed": seed, "kind": kind, **found}
        print(json.dumps({k: v for k, v in line.items() if k not in ("loss", "looks")}), flush=True)
        with open(args.out, "a", encoding="utf-8") as f:
            f.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
