"""What lies in a checkpoint's folder."""
import os
import sys

from programs import ROOT

sys.path.insert(0, os.path.join(ROOT, "tools"))
import read_checkpoint  # noqa: E402


def state_in(folder):
    """{file name: {tensor name: array}}, slices put together."""
    return read_checkpoint.read(folder)[1]


def file_names(folder):
    """Of the files of its manifest, and of that."""
    return ["manifest.json"] + [e["name"] for e in read_checkpoint.read(folder)[0]["files"]]


def path_of(folder, file):
    """Of a file such as model.safetensors, or of its first slice."""
    stem = file.split(".")[0]
    found = sorted(n for n in os.listdir(folder) if n == file or n.startswith(stem + "-0"))
    return os.path.join(folder, found[0])
