"""Weights of others go in, ours go out, and timm computes the same features on both sides."""
import json
import os
import subprocess

import pytest
import timm
import torch
from safetensors.torch import load_file, save_file

from programs import program

OPTIMIZER = {"optimizer": {"sgd": {"lr": 0.1}}, "schedule": {"total_steps": 10}}
VIT = {"vit": {"image_size": 32, "patch_size": 8, "dim": 48, "depth": 2, "heads": 3}}
R18 = {"resnet": {"depth": 18, "image_size": 64}}
R50 = {"resnet": {"depth": 50, "image_size": 64}}
SMALL = {"mlp_dim": 32, "proj_dim": 16}
SPECS = {
    "mae_vit": ({"mae": {"decoder": {"dim": 32, "depth": 1, "heads": 2}}}, VIT),
    "rotnet_vit": ({"rotnet": {}}, VIT),
    "rotnet_resnet18": ({"rotnet": {}}, R18),
    "mocov3_vit": ({"mocov3": SMALL}, VIT),
    "mocov3_resnet50": ({"mocov3": SMALL}, R50),
    "relicv2_resnet50": ({"relicv2": SMALL}, R50),
}
CLIP = ({"clip": {"embed_dim": 16, "text": {"width": 16, "heads": 2, "layers": 1}}}, VIT)


def trainer(*args, code=0):
    done = subprocess.run([program("ocellus-trainer"), *map(str, args)], capture_output=True,
                          text=True, timeout=120, check=False,
                          env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert done.returncode == code, done.stdout + done.stderr
    return done


def spec_file(folder, objective, model):
    path = folder / "spec.json"
    path.write_text(json.dumps({"objective": objective, "model": model, **OPTIMIZER}))
    return path


def timm_model(model, classes):
    """As timm or torchvision would publish it, with running values that are not the first ones."""
    torch.manual_seed(5)
    if "vit" in model:
        v = model["vit"]
        made = timm.models.VisionTransformer(
            img_size=v["image_size"], patch_size=v["patch_size"], embed_dim=v["dim"],
            depth=v["depth"], num_heads=v["heads"], num_classes=classes)
    else:
        made = timm.create_model(f"resnet{model['resnet']['depth']}", pretrained=False,
                                 num_classes=classes)
    for name, value in made.state_dict().items():
        if name.endswith(("running_mean", "running_var", "bias")):
            value.add_(torch.rand(value.shape) * 0.2)
        elif name.endswith("bn2.weight") or name.endswith("bn3.weight"):
            value.add_(0.5)
    return made.eval()


def images_file(folder, model):
    size = next(iter(model.values()))["image_size"]
    images = torch.randn(3, 3, size, size, generator=torch.Generator().manual_seed(2))
    save_file({"images": images}, folder / "images.safetensors")
    return images


def features(folder, spec, weights):
    trainer("features", "--spec", spec, "--weights", weights, "--images",
            folder / "images.safetensors", "--out", folder / "features.safetensors")
    return load_file(folder / "features.safetensors")["features"]


@pytest.mark.parametrize("name", sorted(SPECS))
def test_timm_weights_come_in(tmp_path, name):
    """A published classifier's encoder fills ours; the features are timm's; and back again."""
    objective, model = SPECS[name]
    spec, published = spec_file(tmp_path, objective, model), timm_model(model, classes=7)
    save_file(published.state_dict(), tmp_path / "timm.safetensors")
    refused = trainer("import", "--weights", tmp_path / "timm.safetensors", "--spec", spec,
                      "--out", tmp_path / "full.safetensors", code=2)
    assert "unexpected: " in refused.stderr and "missing: " in refused.stderr
    said = trainer("import", "--encoder-only", "--weights", tmp_path / "timm.safetensors",
                   "--spec", spec, "--out", tmp_path / "full.safetensors").stdout
    classifier = "head" if "vit" in model else "fc"
    assert f"left out of the file 2: {classifier}.bias {classifier}.weight" in said
    assert "filled " in said and "kept at the initial value " in said

    images = images_file(tmp_path, model)
    with torch.no_grad():
        expected = published.forward_head(published.forward_features(images), pre_logits=True)
    got = features(tmp_path, spec, tmp_path / "full.safetensors")
    assert (got - expected).abs().max() < 1e-4 * max(1, expected.abs().max())


def wrapped(folder, rename):
    weights = load_file(folder / "full.safetensors")
    save_file({rename(k): v for k, v in weights.items()}, folder / "wrapped.safetensors")
    return weights


@pytest.mark.parametrize("name", ["mocov3_resnet50", "mocov3_vit", "mae_vit"])
def test_official_files_come_in_whole(tmp_path, name):
    """Checkpoints of DistributedDataParallel have `module.` in front of every name."""
    objective, model = SPECS[name]
    spec = spec_file(tmp_path, objective, model)
    save_file(timm_model(model, 0).state_dict(), tmp_path / "timm.safetensors")
    trainer("import", "--encoder-only", "--weights", tmp_path / "timm.safetensors", "--spec", spec,
            "--out", tmp_path / "full.safetensors")
    weights = wrapped(tmp_path, lambda k: "module." + k)
    if name == "mocov3_resnet50":
        assert {"base_encoder.conv1.weight", "base_encoder.fc.0.weight", "predictor.0.weight",
                "momentum_encoder.layer4.2.bn3.running_var"} <= set(weights)
    trainer("import", "--weights", tmp_path / "wrapped.safetensors", "--spec", spec, "--out",
            tmp_path / "again.safetensors")
    again = load_file(tmp_path / "again.safetensors")
    assert again.keys() == weights.keys()
    assert all(torch.equal(again[k], v) for k, v in weights.items())


def test_open_clips_two_layouts_come_in(tmp_path):
    """CLIP, and CustomTextCLIP with its text tower below `text.`."""
    open_clip = pytest.importorskip("open_clip")
    objective, model = CLIP
    spec = spec_file(tmp_path, objective, model)
    text = {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1}
    vision = {"image_size": 32, "patch_size": 8, "width": 48, "layers": 2, "head_width": 16}
    torch.manual_seed(3)
    for custom in (False, True):
        made = (open_clip.CustomTextCLIP if custom else open_clip.CLIP)(16, vision, text)
        state = {k: v.clone() for k, v in made.state_dict().items()}
        save_file(state, tmp_path / "clip.safetensors")
        trainer("import", "--weights", tmp_path / "clip.safetensors", "--spec", spec, "--out",
                tmp_path / "full.safetensors")
        got = load_file(tmp_path / "full.safetensors")
        assert len(got) == len(state)
        for name, value in got.items():
            source = name if name in state else "text." + name
            assert torch.equal(value, state[source].reshape(value.shape)), name


# Of each method's official names: one to leave out, one to rename, one to give another shape.
MISMATCHES = {
    "mae_vit": ("mask_token", "decoder_pred.bias", "blocks.0.attn.qkv.weight"),
    "mocov3_vit": ("predictor.1.running_var", "momentum_encoder.head.0.weight",
                   "base_encoder.patch_embed.proj.weight"),
    "relicv2_resnet50": ("online.predictor.3.weight", "target.encoder.bn1.running_mean",
                         "online.encoder.layer3.5.conv2.weight"),
    "rotnet_resnet18": ("head.bias", "encoder.layer1.0.bn1.weight", "encoder.conv1.weight"),
}


@pytest.mark.parametrize("name", sorted(MISMATCHES))
def test_every_mismatch_is_in_the_report(tmp_path, name):
    objective, model = SPECS[name]
    spec = spec_file(tmp_path, objective, model)
    save_file(timm_model(model, 0).state_dict(), tmp_path / "timm.safetensors")
    trainer("import", "--encoder-only", "--weights", tmp_path / "timm.safetensors", "--spec", spec,
            "--out", tmp_path / "full.safetensors")
    weights = load_file(tmp_path / "full.safetensors")
    gone, renamed, reshaped = MISMATCHES[name]
    del weights[gone]
    weights["another.name"] = weights.pop(renamed)
    shape = list(weights[reshaped].shape)
    weights[reshaped] = torch.zeros([2, 3])
    save_file(weights, tmp_path / "wrong.safetensors")
    for command in (["import", "--out", tmp_path / "again.safetensors"], ["features", "--images",
                    tmp_path / "none", "--out", tmp_path / "out.safetensors"]):
        said = trainer(*command, "--weights", tmp_path / "wrong.safetensors", "--spec", spec,
                       code=2).stderr
        for part in (f"missing: {gone}", renamed, "unexpected: another.name", reshaped, "[2, 3]",
                     str(shape), "wrong.safetensors"):
            assert part in said, said
    assert not (tmp_path / "again.safetensors").exists()
