#!/usr/bin/env python3
"""Scikit-learn's digits (1,797 real handwritten ones, 8 x 8) as a set that raw pixels do badly on.

Every digit is drawn on a canvas of 64 x 64, white on black, at a random place, with a random size,
a little stretched one way, and turned. Writes WebDataset tars with `png`, `cls` and `txt` (a
caption) members; `val` has other digits than `train`, not other drawings of them. The same options
give the same bytes.

    digits.py OUT [--sizes 14 44] [--stretch 1.2] [--turn 15] [--drawings 1] [--seed 0]
        OUT/train-0000.tar, OUT/val-0000.tar
"""
import argparse
import io
import os
import tarfile

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

SIDE = 64
NAMES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
HELD_BACK = 5  # every fifth of a class is for validation


def draw(digit, rng, args):
    size, stretch = rng.uniform(*args.sizes), args.stretch ** rng.uniform(-1, 1)
    glyph = Image.fromarray((digit * (255 / 16)).astype(np.uint8)).resize(
        (round(size / stretch), round(size * stretch)), Image.Resampling.BICUBIC)
    glyph = glyph.rotate(rng.uniform(-args.turn, args.turn), Image.Resampling.BICUBIC, expand=True)
    canvas = Image.new("L", (SIDE, SIDE))
    canvas.paste(glyph, tuple(int(rng.integers(max(1, SIDE + 1 - side))) for side in glyph.size))
    return canvas.convert("RGB")


def add(tar, name, content):
    info = tarfile.TarInfo(name)
    info.size = len(content)
    tar.addfile(info, io.BytesIO(content))


def write(path, digits, labels, rng, args):
    with tarfile.open(path, "w") as tar:
        for i in rng.permutation(len(digits) * args.drawings):
            image = io.BytesIO()
            draw(digits[i // args.drawings], rng, args).save(image, "PNG")
            label = int(labels[i // args.drawings])
            add(tar, f"{i:06d}.png", image.getvalue())
            add(tar, f"{i:06d}.cls", str(label).encode())
            add(tar, f"{i:06d}.txt", f"a photo of the digit {NAMES[label]}".encode())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out")
    parser.add_argument("--sizes", type=float, nargs=2, default=(14, 44), help="pixels of a side")
    parser.add_argument("--stretch", type=float, default=1.2, help="at most, either way")
    parser.add_argument("--turn", type=float, default=15, help="degrees at most, either way")
    parser.add_argument("--drawings", type=int, default=1, help="of each digit")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    os.makedirs(args.out, exist_ok=True)
    digits = load_digits()
    held_back = np.zeros(len(digits.images), bool)
    for label in range(10):
        held_back[np.flatnonzero(digits.target == label)[::HELD_BACK]] = True
    for split, chosen in (("train", ~held_back), ("val", held_back)):
        rng = np.random.default_rng([args.seed, split == "val"])
        write(os.path.join(args.out, f"{split}-0000.tar"), digits.images[chosen],
              digits.target[chosen], rng, args)


if __name__ == "__main__":
    main()
