"""timm, torchvision and open_clip load what a run exports by its metadata alone, and compute the
trainer's features from photographs that they prepare by it."""
import json
import os
import subprocess

import open_clip
import pytest
import skimage
import timm
import torch
import torchvision
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from documents import merged, tiny
from programs import program

VIT = {"vit": {"image_size": 32, "patch_size": 8, "dim": 48, "depth": 2, "heads": 3}}
R18 = {"resnet": {"depth": 18, "image_size": 64}}
BOTTLENECK = {"resnet": {"block": "bottleneck", "layers": [1, 2, 1, 1], "image_size": 64}}
WIDE = {"resnet": {"block": "basic", "layers": [1, 1, 2, 1], "width": 24, "image_size": 64}}
HEADS = {"mlp_dim": 32, "proj_dim": 16}
TEXT = {"width": 16, "heads": 2, "layers": 1, "context_length": 16}
MEAN, STD = [0.5, 0.4, 0.3], [0.25, 0.21, 0.2]
CLIP_AUGMENT = {"mean": [0.48145466, 0.4578275, 0.40821073],
                "std": [0.26862954, 0.26130258, 0.27577711]}
RUNS = {
    "mae": ({"mae": {"decoder": {"dim": 32, "depth": 1, "heads": 2}}}, VIT, {}),
    "mocov3_vit": ({"mocov3": HEADS}, VIT, {"mean": MEAN, "std": STD}),
    "mocov3_resnet": ({"mocov3": HEADS}, R18, {}),
    "relicv2": ({"relicv2": dict(HEADS, large_views=2, small_views=1, small_size=32)}, BOTTLENECK,
                {"interpolation": "bilinear"}),
    "relicv2_narrow": ({"relicv2": dict(HEADS, large_views=2, small_views=0)}, WIDE, {}),
    "rotnet": ({"rotnet": {}}, VIT, {}),
    "clip": ({"clip": {"embed_dim": 24, "text": TEXT}}, VIT, CLIP_AUGMENT),
    "clip_quick_gelu": ({"clip": {"embed_dim": 24, "text": TEXT, "quick_gelu": True}}, VIT,
                        CLIP_AUGMENT),
    "siglip": ({"clip": {"embed_dim": 24, "text": TEXT, "loss": "siglip"}}, VIT,
               {"mean": [0.5] * 3, "std": [0.5] * 3}),
}


def trainer(*args):
    done = subprocess.run([program("ocellus-trainer"), *map(str, args)], capture_output=True,
                          text=True, timeout=240, check=False,
                          env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stdout + done.stderr


def exported(folder, images, name):
    """(weights, metadata, folder) of a run of two steps."""
    objective, model, augment = RUNS[name]
    document = tiny(images, ranks=1, batch={"global": 8}, data={"augment": augment},
                    schedule={"total_steps": 2, "warmup_steps": 0})
    document = merged(document, {"objective": {"mae": None}, "model": {"vit": None}})
    document["objective"], document["model"] = objective, model
    (folder / "job.json").write_text(json.dumps(document))
    trainer("run", "--spec", folder / "job.json", "--out", folder / "out")
    trainer("export", "--checkpoint", folder / "out", "--out", folder / "encoder.safetensors")
    trainer("export", "--full", "--checkpoint", folder / "out", "--out",
            folder / "full.safetensors")
    with safe_open(folder / "encoder.safetensors", framework="pt") as f:
        return load_file(folder / "encoder.safetensors"), f.metadata()


def photographs():
    folder = os.path.join(os.path.dirname(skimage.__file__), "data")
    return [Image.open(os.path.join(folder, n)).convert("RGB")
            for n in ("astronaut.png", "coffee.png", "rocket.jpg", "chelsea.png")]


def features(folder, images):
    save_file({"images": images.contiguous()}, folder / "images.safetensors")
    trainer("features", "--spec", folder / "job.json", "--weights", folder / "full.safetensors",
            "--images", folder / "images.safetensors", "--out", folder / "features.safetensors")
    return load_file(folder / "features.safetensors")["features"]


def assert_equal(got, expected, what):
    assert got.shape == expected.shape, what
    error = ((got - expected).norm() / expected.norm()).item()
    assert error < 1e-5, (what, error)


def prepared(metadata):
    config = json.loads(metadata["timm_pretrained_cfg"])
    transform = timm.data.create_transform(**timm.data.resolve_data_config(pretrained_cfg=config))
    return torch.stack([transform(image) for image in photographs()])


@pytest.mark.parametrize("name", ["mae", "mocov3_vit", "rotnet"])
def test_timm(tmp_path, images, name):
    weights, metadata = exported(tmp_path, images, name)
    model = timm.models.VisionTransformer(**json.loads(metadata["timm_kwargs"])).eval()
    model.load_state_dict(weights, strict=True)
    assert model.norm.eps == model.blocks[0].norm1.eps == float(metadata["layer_norm_eps"])
    assert metadata["activation"] == "gelu" == type(model.blocks[0].mlp.act).__name__.lower()
    pictures = prepared(metadata)
    with torch.no_grad():
        assert_equal(features(tmp_path, pictures), model(pictures), name)


class AnyWidth(torchvision.models.ResNet):
    """torchvision's network with another number of channels in its stem (docs/USAGE.md)."""

    def __init__(self, block, layers, width):
        super().__init__(block, layers)
        self.inplanes = width
        self.conv1 = torch.nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(width)
        for i, count in enumerate(layers):
            stage = self._make_layer(block, width << i, count, stride=1 if i == 0 else 2)
            setattr(self, f"layer{i + 1}", stage)


@pytest.mark.parametrize("name", ["mocov3_resnet", "relicv2", "relicv2_narrow"])
def test_torchvision_and_timm_resnets(tmp_path, images, name):
    weights, metadata = exported(tmp_path, images, name)
    shape = json.loads(metadata["resnet"])
    block = getattr(torchvision.models.resnet, shape["block"])
    model = (torchvision.models.ResNet(block, shape["layers"]) if shape["width"] == 64
             else AnyWidth(block, shape["layers"], shape["width"]))
    model.fc = torch.nn.Identity()
    model.load_state_dict(weights, strict=True)
    assert model.bn1.eps == float(metadata["batch_norm_eps"]) and metadata["activation"] == "relu"
    pictures = prepared(metadata)
    with torch.no_grad():
        ours, theirs = features(tmp_path, pictures), model.eval()(pictures)
    assert_equal(ours, theirs, name)
    if shape["width"] == 64:
        other = timm.models.ResNet(getattr(timm.models.resnet, shape["block"]), shape["layers"],
                                   num_classes=0)
        other.load_state_dict(weights, strict=True)
        with torch.no_grad():
            assert_equal(ours, other.eval()(pictures), name)


def embeddings(folder, pictures, tokens):
    """The trainer's own embeddings, by a replay of the exported encoder: it is the whole model."""
    job = json.loads((folder / "job.json").read_text())
    spec = {k: job[k] for k in ("objective", "model", "optimizer", "schedule", "precision")}
    (folder / "spec.json").write_text(json.dumps(spec))
    save_file({"images": pictures, "tokens": tokens}, folder / "batch.safetensors")
    trainer("replay", "--spec", folder / "spec.json", "--weights", folder / "encoder.safetensors",
            "--batch", folder / "batch.safetensors", "--out", folder / "out.safetensors")
    return load_file(folder / "out.safetensors")


@pytest.mark.parametrize("name", ["clip", "clip_quick_gelu", "siglip"])
def test_open_clip(tmp_path, images, name):
    """open_clip's own factory takes the metadata as a model's configuration."""
    _, metadata = exported(tmp_path, images, name)
    (tmp_path / f"ocellus-{name}.json").write_text(metadata["open_clip_kwargs"])
    open_clip.add_model_config(tmp_path / f"ocellus-{name}.json")
    numbers = {k: tuple(map(float, metadata[k].split(","))) for k in ("mean", "std")}
    model, _, prepare = open_clip.create_model_and_transforms(
        f"ocellus-{name}", pretrained=str(tmp_path / "encoder.safetensors"),
        image_mean=numbers["mean"], image_std=numbers["std"],
        image_interpolation=metadata["interpolation"])
    model = model.eval()
    assert model.visual.ln_post.eps == model.ln_final.eps == float(metadata["layer_norm_eps"])
    quick = type(model.visual.transformer.resblocks[0].mlp.gelu).__name__ == "QuickGELU"
    assert quick == (metadata["activation"] == "quick_gelu") == (name == "clip_quick_gelu")

    pictures = torch.stack([prepare(image) for image in photographs()])
    assert metadata["tokenizer"] == "clip"
    tokens = open_clip.SimpleTokenizer(context_length=TEXT["context_length"])(
        ["an astronaut", "a cup of coffee", "a rocket", "Chelsea, the cat"])
    got = embeddings(tmp_path, pictures, tokens)
    with torch.no_grad():
        assert_equal(got["image_features"], model.encode_image(pictures, normalize=True), "images")
        assert_equal(got["text_features"], model.encode_text(tokens, normalize=True), "texts")
        assert_equal(got["logit_scale"], model.logit_scale.exp(), "scale")
        model.visual.proj = None
        assert_equal(features(tmp_path, pictures), model.encode_image(pictures), "features")
    assert (model.logit_bias is not None) == (metadata["loss"] == "siglip")
