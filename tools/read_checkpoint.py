#!/usr/bin/env python3
"""Reads a checkpoint of Ocellus with nothing but safetensors (worker/checkpoint/FORMAT.md).

tools/read_checkpoint.py FOLDER   lists what it holds; as a module: read(FOLDER).
"""
import hashlib
import json
import os
import sys

from safetensors.numpy import load


def checked(folder, entry):
    """The bytes of a file of the manifest, held against size and SHA-256."""
    path = os.path.join(folder, entry["name"])
    with open(path, "rb") as f:
        data = f.read()
    if len(data) != entry["bytes"]:
        raise ValueError(f"{path} has {len(data)} bytes, its manifest says {entry['bytes']}")
    if hashlib.sha256(data).hexdigest() != entry["sha256"]:
        raise ValueError(f"{path} has changed since it was written")
    return data


def read(folder):
    """(manifest, {file name: {tensor name: array}}); ValueError when anything is not as written."""
    with open(os.path.join(folder, "manifest.json"), encoding="utf-8") as f:
        manifest = json.load(f)
    if manifest["version"] != 1:
        raise ValueError(f"{folder}: version {manifest['version']} is not read here")
    return manifest, {e["name"]: load(checked(folder, e)) for e in manifest["files"]}


if __name__ == "__main__":
    about, files = read(sys.argv[1])
    print(f"job {about['job']}, generation {about['generation']}, step {about['step']}")
    for name, tensors in files.items():
        for tensor, value in sorted(tensors.items()):
            print(f"{name}  {tensor}  {value.dtype}  {list(value.shape)}")
