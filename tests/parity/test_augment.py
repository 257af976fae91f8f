"""The reference augmentation against Pillow and torchvision, byte for byte, on photographs."""
import json
import os
import random
import subprocess

import numpy as np
import pytest
import skimage.data
from PIL import Image, ImageFilter, ImageOps
from torchvision.transforms import functional as F

from programs import program

PHOTOGRAPHS = ("astronaut", "coffee", "chelsea", "rocket")  # come with scikit-image
DRAWS = 1000
SIDE = 64
OPS = {
    "brightness": (lambda r: r.uniform(0, 2.2), F.adjust_brightness),
    "contrast": (lambda r: r.uniform(0, 2.2), F.adjust_contrast),
    "saturation": (lambda r: r.uniform(0, 2.2), F.adjust_saturation),
    "hue": (lambda r: r.uniform(-0.5, 0.5), F.adjust_hue),
    "grayscale": (lambda r: 0.0, lambda im, _: F.rgb_to_grayscale(im, 3)),
    "blur": (lambda r: r.choice([r.uniform(0.1, 2), r.uniform(2, 12)]),
             lambda im, x: im.filter(ImageFilter.GaussianBlur(radius=x))),
    "solarize": (lambda r: r.choice([128, r.randint(0, 256)]),
                 lambda im, x: ImageOps.solarize(im, x)),
}
MOCO = {"crop_scale": [0.08, 1.0], "color_jitter": 0.8, "brightness": 0.4, "contrast": 0.4,
        "saturation": 0.2, "hue": 0.1, "grayscale": 0.2, "blur": 0.5, "solarize": 0.2}


def photographs():
    return [Image.fromarray(getattr(skimage.data, name)()[..., :3]).convert("RGB")
            for name in PHOTOGRAPHS]


def patches(seed, count):
    """Pieces of the photographs, of odd sizes too."""
    chance = random.Random(seed)
    whole = photographs()
    for _ in range(count):
        image = chance.choice(whole)
        width, height = chance.randint(3, SIDE), chance.randint(3, SIDE)
        x = chance.randint(0, image.width - width)
        y = chance.randint(0, image.height - height)
        yield image.crop((x, y, x + width, y + height))


def run(folder, image, commands):
    """(line, bytes as an array) of each command."""
    path = os.path.join(folder, "request")
    with open(path, "wb") as f:
        head = {"width": image.width, "height": image.height, "commands": commands}
        f.write(json.dumps(head).encode() + b"\n" + image.tobytes())
    done = subprocess.run([program("augment_program"), path], capture_output=True, check=False,
                          timeout=120)
    assert done.returncode == 0, done.stderr
    rest = done.stdout
    for command in commands:
        line, rest = rest.split(b"\n", 1)
        width = command.get("size", image.width)
        height = command.get("size", image.height)
        size = 3 * width * height
        yield json.loads(line), np.frombuffer(rest[:size], np.uint8).reshape(height, width, 3)
        rest = rest[size:]


@pytest.mark.parametrize("op", sorted(OPS))
def test_one_change_is_theirs_to_the_byte(tmp_path, op):
    draw, theirs = OPS[op]
    chance = random.Random(op)
    for image in patches(op, 40):
        amounts = [float(np.float32(draw(chance))) for _ in range(DRAWS // 40)]
        commands = [{"op": op, "amount": amount} for amount in amounts]
        for amount, (_, ours) in zip(amounts, run(tmp_path, image, commands)):
            assert np.array_equal(ours, np.asarray(theirs(image, amount))), (op, amount, image.size)


def all_colours():
    """Every 8-bit colour once, as an image."""
    levels = np.arange(256, dtype=np.uint8)
    red, green, blue = np.meshgrid(levels, levels, levels, indexing="ij")
    return Image.fromarray(np.stack([red, green, blue], -1).reshape(4096, 4096, 3))


@pytest.mark.parametrize("op, amount", [("hue", 0.0), ("hue", 0.23), ("hue", -0.41),
                                        ("saturation", 1.37), ("grayscale", 0.0)])
def test_every_colour_is_theirs(tmp_path, op, amount):
    image = all_colours()
    (_, ours), = run(tmp_path, image, [{"op": op, "amount": amount}])
    assert np.array_equal(ours, np.asarray(OPS[op][1](image, amount)))


def by_pillow(image, plan, size, interpolation):
    x, y, width, height = plan["crop"]
    how = {"bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC}[interpolation]
    view = image.crop((x, y, x + width, y + height)).resize((size, size), how)
    for op, amount in plan["steps"]:
        view = OPS[op][1](view, amount)
    if plan["grayscale"]:
        view = F.rgb_to_grayscale(view, 3)
    if plan["sigma"] > 0:
        view = view.filter(ImageFilter.GaussianBlur(radius=plan["sigma"]))
    if plan["solarize"]:
        view = ImageOps.solarize(view)
    return F.hflip(view) if plan["flip"] else view


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_whole_views_are_theirs_to_the_byte(tmp_path, interpolation):
    for seed, image in enumerate(photographs()):
        commands = [{"op": "view", "seed": seed, "n": n, "size": 65, "interpolation": interpolation,
                     **MOCO} for n in range(DRAWS // 4)]
        for plan, ours in run(tmp_path, image, commands):
            theirs = by_pillow(image, plan, 65, interpolation)
            assert np.array_equal(ours, np.asarray(theirs)), plan


def test_fast_is_near_the_reference(tmp_path):
    differences = []
    for seed, image in enumerate(photographs()):
        views = {}
        for backend in ("reference", "fast"):
            commands = [{"op": "view", "seed": seed, "n": n, "size": 96, "backend": backend, **MOCO}
                        for n in range(60)]
            views[backend] = list(run(tmp_path, image, commands))
        for (plan, reference), (same, fast) in zip(views["reference"], views["fast"]):
            plan.pop("ns"), same.pop("ns")
            assert plan == same
            if not plan["solarize"]:  # which turns a step at its threshold into a leap
                differences.append(fast.astype(int) - reference)
    differences = np.concatenate([d.ravel() for d in differences])
    assert abs(differences.mean()) < 0.5 and differences.std() < 2.0, \
        (differences.mean(), differences.std())
