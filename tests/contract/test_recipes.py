"""Every recipe that is shipped resolves, and says what the papers say."""
import glob
import json
import os
import subprocess

import pytest

from programs import ROOT, program

RECIPES = sorted(glob.glob(os.path.join(ROOT, "deploy", "recipes", "*.yaml")))


def resolve(path):
    done = subprocess.run([program("ocellus"), "validate", path, "-o", "json"],
                          capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def find(value, key):
    """The object that holds a key, wherever the training document lies in the answer."""
    if isinstance(value, dict):
        if key in value:
            return value
        for inner in value.values():
            hit = find(inner, key)
            if hit:
                return hit
    return None


@pytest.fixture(scope="module")
def resolved():
    """{name without .yaml: resolved training document}."""
    return {os.path.basename(path)[:-5]: find(resolve(path), "objective") for path in RECIPES}


@pytest.mark.parametrize("path", RECIPES, ids=os.path.basename)
def test_recipe_resolves(path):
    assert resolve(path)


# What follows are the tables of the official code and papers, by recipe: a dotted key of the
# resolved document and its value.
IMAGENET = {"data.augment.mean": [0.485, 0.456, 0.406], "data.augment.std": [0.229, 0.224, 0.225]}


def vit(patch, dim, depth, heads):
    return {"model.vit": {"image_size": 224, "patch_size": patch, "dim": dim, "depth": depth,
                          "heads": heads, "mlp_ratio": 4, "stem": "patch", "recompute": False}}


def adamw(beta2, eps, decay, decay_all=False, beta1=0.9, **rate):
    return {"optimizer.adamw": {"betas": [beta1, beta2], "eps": eps, "weight_decay": decay,
                                "decay_all": decay_all, "shard": False, **rate}}


def schedule(epochs, kind="epochs", **warm):
    return {f"schedule.{k}": v for k, v in
            {"kind": "cosine", kind: epochs, "min_lr": 0, **warm}.items()}


MAE = IMAGENET | {
    "objective.mae": {"mask_ratio": 0.75, "norm_pix_loss": True, "features": "token",
                      "decoder": {"dim": 512, "depth": 8, "heads": 16}},
    "batch.global": 4096, "data.augment.crop_scale": [0.2, 1.0], "data.augment.flip": 0.5,
    "data.augment.interpolation": "bicubic", "data.augment.color_jitter": 0,
    **adamw(0.95, 1e-8, 0.05, base_lr=1.5e-4), **schedule(800, warmup_epochs=40, warmup_offset=0)}

# moco-v3 main_moco.py: both augmentations, and a bilinear crop.
MOCO = IMAGENET | {
    "batch.global": 4096, "objective.mocov3.proj_dim": 256, "objective.mocov3.mlp_dim": 4096,
    "objective.mocov3.momentum_schedule": "cosine", "data.augment.interpolation": "bilinear",
    "data.augment.style": "torchvision", "data.augment.flip": 0.5,
    "data.augment.color_jitter": 0.8, "data.augment.brightness": 0.4,
    "data.augment.contrast": 0.4, "data.augment.saturation": 0.2, "data.augment.hue": 0.1,
    "data.augment.grayscale": 0.2, "data.augment.blur": 1.0, "data.augment.solarize": 0,
    "data.augment.blur_sigma": [0.1, 2.0], "data.augment.views.second.blur": 0.1,
    "data.augment.views.second.solarize": 0.2}
MOCO_VIT = MOCO | {
    "objective.mocov3.temperature": 0.2, "objective.mocov3.momentum": 0.99,
    "objective.mocov3.freeze_patch_embed": True, "data.augment.crop_scale": [0.08, 1.0],
    **adamw(0.999, 1e-8, 0.1, decay_all=True, base_lr=1.5e-4),
    **schedule(300, warmup_epochs=40, warmup_offset=0)}


def moco_resnet(epochs, base_lr, decay, momentum):
    return MOCO | {
        "objective.mocov3.temperature": 1.0, "objective.mocov3.momentum": momentum,
        "data.augment.crop_scale": [0.2, 1.0], "model.resnet.depth": 50, "model.resnet.width": 64,
        "optimizer.lars": {"base_lr": base_lr, "momentum": 0.9, "weight_decay": decay,
                           "trust_coefficient": 0.001, "form": "moco", "shard": False},
        **schedule(epochs, warmup_epochs=10)}


def clip(batch, embed_dim, width, heads):
    return {
        "objective.clip.loss": "infonce", "objective.clip.embed_dim": embed_dim,
        "objective.clip.quick_gelu": False, "objective.clip.logit_scale_max": 100,
        "objective.clip.text": {"width": width, "heads": heads, "layers": 12, "vocab_size": 49408,
                                "context_length": 77},
        "batch.global": batch, "data.augment.crop_scale": [0.9, 1.0], "data.augment.flip": 0,
        "data.augment.interpolation": "bicubic",
        "data.augment.mean": [0.48145466, 0.4578275, 0.40821073],
        "data.augment.std": [0.26862954, 0.26130258, 0.27577711],
        **adamw(0.98, 1e-6, 0.2, lr=5e-4),
        **schedule(32, warmup_steps=2000, warmup_offset=1)}


# BYOL's float transforms; the numbers marked [M] in the recipe are held to themselves.
RELIC = IMAGENET | {
    "objective.relicv2.large_views": 4, "objective.relicv2.small_views": 2,
    "objective.relicv2.small_size": 96, "model.resnet.image_size": 224,
    "objective.relicv2.mlp_dim": 4096, "objective.relicv2.momentum": 0.996,
    "objective.relicv2.momentum_schedule": "cosine", "objective.relicv2.num_negatives": 10,
    "objective.relicv2.temperature": 0.3, "objective.relicv2.proj_dim": 512,
    "objective.relicv2.include_self_pairs": True, "objective.relicv2.predictor": True,
    "model.resnet.depth": 50, "batch.global": 4096, "data.augment.style": "byol",
    "data.augment.crop_scale": [0.08, 1.0], "data.augment.interpolation": "bicubic",
    "data.augment.color_jitter": 0.8, "data.augment.brightness": 0.4,
    "data.augment.contrast": 0.4, "data.augment.saturation": 0.2, "data.augment.hue": 0.1,
    "data.augment.grayscale": 0.2, "data.augment.blur": 1.0,
    "data.augment.remove_background": 0.1, "data.augment.views.second.blur": 0.1,
    "data.augment.views.second.solarize": 0.2,
    "optimizer.lars": {"base_lr": 0.3, "momentum": 0.9, "weight_decay": 1.5e-6,
                       "trust_coefficient": 0.001, "form": "byol", "shard": False},
    **schedule(1000, warmup_epochs=10)}

PUBLISHED = {
    "mae_vit_base_patch16": MAE | vit(16, 768, 12, 12),
    "mae_vit_large_patch16": MAE | vit(16, 1024, 24, 16),
    "mae_vit_huge_patch14": MAE | vit(14, 1280, 32, 16),
    # moco-v3 vits.py: ViT-Small has 12 heads.
    "mocov3_vit_small_patch16": MOCO_VIT | vit(16, 384, 12, 12),
    "mocov3_vit_base_patch16": MOCO_VIT | vit(16, 768, 12, 12),
    "mocov3_vit_large_patch16": MOCO_VIT | vit(16, 1024, 24, 16),
    "mocov3_vit_small_8gpu": MOCO_VIT | vit(16, 384, 12, 12) | {"batch.global": 1024},
    "mocov3_resnet50_100ep": moco_resnet(100, 0.6, 1e-6, 0.99),
    "mocov3_resnet50_300ep": moco_resnet(300, 0.3, 1e-6, 0.99),
    "mocov3_resnet50_1000ep": moco_resnet(1000, 0.3, 1.5e-6, 0.996),
    "clip_vit_base_patch32": clip(32768, 512, 512, 8) | vit(32, 768, 12, 12),
    "clip_vit_base_patch16": clip(33792, 512, 512, 8) | vit(16, 768, 12, 12),
    "clip_vit_large_patch14": clip(38400, 768, 768, 12) | vit(14, 1024, 24, 16),
    "siglip_vit_base_patch16": vit(16, 768, 12, 12) | {
        "objective.clip.loss": "siglip", "objective.clip.logit_scale_init": 10,
        "objective.clip.logit_bias_init": -10, "data.augment.mean": [0.5, 0.5, 0.5],
        "data.augment.std": [0.5, 0.5, 0.5], "objective.clip.text.context_length": 64},
    "relicv2_resnet50": RELIC,
}


def at(document, path):
    for key in path.split("."):
        document = document[key]
    return document


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_published_recipe(resolved, name):
    document = resolved[name]
    wrong = {path: (at(document, path), value) for path, value in PUBLISHED[name].items()
             if at(document, path) != value}
    assert not wrong


@pytest.mark.parametrize("name, gpus", [
    ("mae_vit_base_patch16", 64), ("mocov3_vit_small_patch16", 32),
    ("mocov3_vit_base_patch16", 64), ("clip_vit_base_patch32", 128),
    ("clip_vit_base_patch16", 176), ("clip_vit_large_patch14", 400),
    ("mocov3_vit_small_8gpu", 8), ("clip_vit_base_patch32_8gpu", 8),
    ("relicv2_resnet50_8gpu", 8)])
def test_recipes_say_their_gpus(name, gpus):
    path = os.path.join(ROOT, "deploy", "recipes", name + ".yaml")
    assert find(resolve(path), "ranks")["ranks"] == gpus


def test_demos_are_for_two_cpu_ranks(resolved):
    demos = [name for name in resolved if name.startswith("demo_")]
    methods = {next(iter(resolved[name]["objective"])) for name in demos}
    assert methods == {"mae", "mocov3", "clip", "relicv2", "rotnet"}
    for name in demos:
        path = os.path.join(ROOT, "deploy", "recipes", name + ".yaml")
        scheduling = find(resolve(path), "ranks")
        assert (scheduling["ranks"], scheduling["device"]) == (2, "cpu")


SOURCES = {"mae": "facebookresearch/mae", "mocov3": "facebookresearch/moco-v3",
           "clip": "mlfoundations/open_clip", "relicv2": "google-deepmind/relicv2",
           "rotnet": "arXiv:1803.07728"}


def test_recipes_name_their_source(resolved):
    for path in RECIPES:
        name = os.path.basename(path)[:-5]
        method = next(iter(resolved[name]["objective"]))
        with open(path, encoding="utf-8") as f:
            head = f.read(1200)
        known = [SOURCES[method], "arXiv:2303.15343", "deepmind-research/byol"]
        assert any(source in head for source in known), path
