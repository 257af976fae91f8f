"""Each model.preset is the network that timm, torchvision or open_clip has by its name."""
import json
import os

import open_clip
import pytest
import timm
import torch
import torchvision

from programs import ROOT

with open(os.path.join(ROOT, "models", "schema", "model_presets.json"), encoding="utf-8") as f:
    PRESETS = json.load(f)
# moco-v3's, and the one that torchvision lacks.
OWN = {"mocov3_vit_small", "mocov3_vit_conv_small", "mocov3_vit_conv_base", "resnet200"}


def of_open_clip(name):
    vision = open_clip.get_model_config(name)["vision_cfg"]
    width, ratio = vision["width"], vision.get("mlp_ratio", 4)
    return dict(image_size=vision["image_size"], patch_size=vision["patch_size"], dim=width,
                depth=vision["layers"], heads=width // vision.get("head_width", 64),
                mlp_ratio=ratio)


def of_timm(name):
    with torch.device("meta"):
        made = timm.create_model(name, pretrained=False)
    block = made.blocks[0]
    return dict(image_size=made.patch_embed.img_size[0], patch_size=made.patch_embed.patch_size[0],
                dim=made.embed_dim, depth=len(made.blocks), heads=block.attn.num_heads,
                mlp_ratio=block.mlp.fc1.out_features / made.embed_dim)


@pytest.mark.parametrize("name", [n for n in PRESETS if "vit" in PRESETS[n] and n not in OWN])
def test_vit(name):
    theirs = of_open_clip(name) if name.startswith("ViT-") else of_timm(name)
    assert PRESETS[name]["vit"] == dict(theirs, stem="patch")


@pytest.mark.parametrize("name, dim, depth, stem", [
    ("small", 384, 12, "patch"), ("conv_small", 384, 11, "conv"), ("conv_base", 768, 11, "conv")])
def test_vits_of_moco_v3(name, dim, depth, stem):
    assert PRESETS[f"mocov3_vit_{name}"]["vit"] == dict(
        image_size=224, patch_size=16, dim=dim, depth=depth, heads=12, mlp_ratio=4, stem=stem)


@pytest.mark.parametrize("name", [n for n in PRESETS if "resnet" in PRESETS[n]])
def test_resnet(name):
    """Depths are torchvision's; a `w2` is the network of twice the width."""
    shape, plain = PRESETS[name]["resnet"], name.split("w")[0]
    assert shape["width"] == 64 * int((name + "w1").split("w")[1])
    assert plain == f"resnet{shape['depth']}" and shape["image_size"] == 224
    if plain not in OWN:
        assert hasattr(torchvision.models, plain)
