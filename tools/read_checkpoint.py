#!/usr/bin/env python3
"""Reads a checkpoint of Ocellus with nothing but safetensors (worker/checkpoint/FORMAT.md).

tools/read_checkpoint.py FOLDER   lists what it holds; as a module: read(FOLDER).
"""
import hashlib
import json
import os
import re
import sys

from safetensors.numpy import load


def read(folder):
    """(manifest, {file: {tensor: array}}), slices joined; ValueError for what is not as written."""
    with open(os.path.join(folder, "manifest.json"), encoding="utf-8") as f:
        manifest = json.load(f)
    if manifest["version"] not in (1, 2):
        raise ValueError(f"{folder}: version {manifest['version']} is not read here")
    files = {}
    for entry in manifest["files"]:
        path = os.path.join(folder, entry["name"])
        with open(path, "rb") as f:
            data = f.read()
        if len(data) != entry["bytes"]:
            raise ValueError(f"{path} has {len(data)} bytes, its manifest says {entry['bytes']}")
        if hashlib.sha256(data).hexdigest() != entry["sha256"]:
            raise ValueError(f"{path} has changed since it was written")
        whole = re.sub(r"-\d{5}-of-\d{5}(?=\.safetensors$)", "", entry["name"])
        files.setdefault(whole, {}).update(load(data))
    return manifest, files


if __name__ == "__main__":
    about, contents = read(sys.argv[1])
    print(f"job {about['job']}, generation {about['generation']}, step {about['step']}")
    for name, tensors in contents.items():
        for tensor, value in sorted(tensors.items()):
            print(f"{name}  {tensor}  {value.dtype}  {list(value.shape)}")
