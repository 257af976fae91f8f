"""A run of ocellus-trainer: its weights, curves, findings and alarms."""
import glob
import json
import os
import re
import shutil
import subprocess
import sys

import yaml
from safetensors.numpy import load_file, save_file

STEP = re.compile(r"step-(\d+)")
ALARM = re.compile(r"collapse after step .*")


class Trainer:
    def __init__(self, programs, folder, document):
        self.program, self.folder = os.path.join(programs, "ocellus-trainer"), folder
        self.out = os.path.join(folder, "run")
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        self.spec = self.path("job.yaml")
        with open(self.spec, "w", encoding="utf-8") as f:
            yaml.safe_dump(document, f)

    def path(self, name):
        return os.path.join(self.folder, name)

    def call(self, *arguments):
        done = subprocess.run([self.program, *arguments], capture_output=True, text=True,
                              env={**os.environ, "OMP_NUM_THREADS": "1"}, check=False)
        if done.returncode != 0:
            sys.exit(f"{' '.join(arguments)}:\n{done.stderr[-2000:]}")
        return done.stdout + done.stderr

    def train(self):
        self.log = self.call("run", "--spec", self.spec, "--out", self.out)

    def artifact(self, name):
        with open(os.path.join(self.out, "artifacts", name), encoding="utf-8") as f:
            return f.read()

    def evaluation(self):
        return json.loads(self.artifact("evaluation.json"))

    def history(self):
        return [json.loads(line) for line in self.artifact("history.jsonl").splitlines()]

    def checkpoints(self):
        """[step, file of its weights], oldest first."""
        found = glob.glob(os.path.join(self.out, "checkpoints", "step-*", "*", "model.safetensors"))
        return sorted([int(STEP.search(path)[1]), path] for path in found)

    def alarms(self):
        return ALARM.findall(self.log)

    def features(self, images, weights=None):
        """Of the encoder that a checkpoint's file holds, the newest unless told."""
        given, taken = self.path("images.safetensors"), self.path("features.safetensors")
        save_file({"images": images.numpy()}, given)
        self.call("features", "--spec", self.spec, "--weights",
                  weights or self.checkpoints()[-1][1], "--images", given, "--out", taken)
        return load_file(taken)["features"]
