"""Shards in memory, and the views that a document's data.augment asks for, by torchvision."""
import glob
import io
import random
import tarfile

import numpy as np
import torch
from PIL import Image
from torchvision import transforms as T
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as TF

MODES = {"bicubic": InterpolationMode.BICUBIC, "bilinear": InterpolationMode.BILINEAR}


def load(pattern):
    """Images, labels and captions of the shards that a glob names."""
    images, labels, captions = [], [], []
    for path in sorted(glob.glob(pattern)):
        samples = {}
        with tarfile.open(path) as tar:
            for member in tar:
                key, _, kind = member.name.partition(".")
                samples.setdefault(key, {})[kind] = tar.extractfile(member).read()
        for sample in samples.values():
            image = next(v for k, v in sample.items() if k in ("jpg", "jpeg", "png"))
            images.append(Image.open(io.BytesIO(image)).convert("RGB"))
            labels.append(int(sample.get("cls", b"-1")))
            captions.append(sample.get("txt", b"").decode())
    return images, np.array(labels), captions


def whole(images, size, augment):
    """As evaluation sees them: short side to size / 0.875, the middle of it, normalised."""
    eye = T.Compose([T.Resize(int(size / 0.875), MODES[augment["interpolation"]]),
                     T.CenterCrop(size), T.ToTensor(),
                     T.Normalize(augment["mean"], augment["std"])])
    return torch.stack([eye(image) for image in images])


class Blur:
    def __init__(self, sigma):
        self.sigma = sigma

    def __call__(self, image):
        from PIL import ImageFilter
        return image.filter(ImageFilter.GaussianBlur(random.uniform(*self.sigma)))


class FloatColours:
    """BYOL's colour operations on [3, H, W] in [0, 1], each clipped."""

    def __init__(self, augment):
        self.a = augment

    def __call__(self, x):
        a = self.a
        if random.random() < a["color_jitter"]:
            operations = [
                lambda x: x + random.uniform(-a["brightness"], a["brightness"]),
                lambda x: x.mean((1, 2), True) + (x - x.mean((1, 2), True)) *
                random.uniform(1 - a["contrast"], 1 + a["contrast"]),
                lambda x: TF.adjust_saturation(x, random.uniform(1 - a["saturation"],
                                                                 1 + a["saturation"])),
                lambda x: TF.adjust_hue(x, random.uniform(-a["hue"], a["hue"]))]
            for operation in random.sample(operations, 4):
                x = operation(x).clamp(0, 1)
        if random.random() < a["grayscale"]:
            x = TF.rgb_to_grayscale(x, 3)
        if random.random() < a["blur"]:
            kernel = 2 * int(x.shape[-1] / 20) + 1
            x = TF.gaussian_blur(x, kernel, random.uniform(*a["blur_sigma"])) if kernel > 1 else x
        if random.random() < a["solarize"]:
            x = TF.solarize(x, a["solarize_threshold"] / 256)
        return x.clamp(0, 1)


def view(augment, kind, size):
    a = {**augment, **augment.get("views", {}).get(kind, {})}
    crop = T.RandomResizedCrop(size, a["crop_scale"], a["crop_ratio"], MODES[a["interpolation"]])
    flip, normal = T.RandomHorizontalFlip(a["flip"]), T.Normalize(a["mean"], a["std"])
    if a.get("style") == "byol":
        return T.Compose([crop, flip, T.ToTensor(), FloatColours(a), normal])
    jitter = T.ColorJitter(a["brightness"], a["contrast"], a["saturation"], a["hue"])
    return T.Compose([crop, T.RandomApply([jitter], a["color_jitter"]),
                      T.RandomGrayscale(a["grayscale"]),
                      T.RandomApply([Blur(a["blur_sigma"])], a["blur"]),
                      T.RandomSolarize(a["solarize_threshold"], a["solarize"]),
                      flip, T.ToTensor(), normal])


def views_of(document):
    """Name of an input to the transform that makes it."""
    name, settings = next(iter(document["objective"].items()))
    model = next(iter(document["model"].values()))
    size, augment = model["image_size"], document["data"]["augment"]
    if name == "mocov3":
        return {"view1": view(augment, "", size), "view2": view(augment, "second", size)}
    if name == "relicv2":
        kinds = {f"large_{i}": view(augment, "second" if i % 2 else "", size)
                 for i in range(settings["large_views"])}
        return kinds | {f"small_{i}": view(augment, "small", settings["small_size"])
                        for i in range(settings["small_views"])}
    return {"images": view(augment, "", size)}


def batches(document, images, captions, seed):
    """Endless batches of a document's size; an epoch drops its last part."""
    generator, size = np.random.default_rng(seed), document["batch"]["global"]
    makers = views_of(document)
    tokens = None
    if "clip" in document["objective"]:
        import open_clip
        length = document["objective"]["clip"]["text"]["context_length"]
        tokens = open_clip.SimpleTokenizer(context_length=length)(captions)
    while True:
        order = generator.permutation(len(images))
        for first in range(0, len(order) - size + 1, size):
            chosen = order[first:first + size]
            batch = {name: torch.stack([make(images[i]) for i in chosen])
                     for name, make in makers.items()}
            if tokens is not None:
                batch["tokens"] = tokens[chosen]
            yield batch
