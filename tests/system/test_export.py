"""Weights leave and return unchanged, and timm computes what the trainer computes."""
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import load_file, save_file

from programs import ROOT, program
from documents import tiny

sys.path.insert(0, os.path.join(ROOT, "tests", "parity"))
import mae_reference  # noqa: E402


def trainer(*args, code=0):
    done = subprocess.run([program("ocellus-trainer"), *map(str, args)], capture_output=True,
                          text=True, timeout=120, check=False,
                          env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert done.returncode == code, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def run(tmp_path_factory, images):
    """(folder, document) of a short run, with its full and its encoder export."""
    folder = tmp_path_factory.mktemp("run")
    document = tiny(images, ranks=1, schedule={"total_steps": 12, "warmup_steps": 2})
    (folder / "job.json").write_text(json.dumps(document))
    trainer("run", "--spec", folder / "job.json", "--out", folder / "out")
    trainer("export", "--checkpoint", folder / "out", "--out", folder / "encoder.safetensors")
    trainer("export", "--full", "--checkpoint", folder / "out", "--out",
            folder / "full.safetensors")
    return folder, document


def timm_model(path, vit):
    model = timm.models.VisionTransformer(
        img_size=vit["image_size"], patch_size=vit["patch_size"], embed_dim=vit["dim"],
        depth=vit["depth"], num_heads=vit["heads"], mlp_ratio=vit["mlp_ratio"], num_classes=0)
    model.load_state_dict(load_file(path), strict=True)
    return model.eval()


def kept_order(noise, kept):
    return noise.argsort(dim=1)[:, :kept]


def test_timm_gives_the_same_numbers(run, tmp_path):
    """The trainer's own forward pass against timm's blocks with the exported encoder: encoder by
    timm, then the decoder by the reference, against what `replay` writes."""
    folder, document = run
    vit, mae = document["model"]["vit"], document["objective"]["mae"]
    full = load_file(folder / "full.safetensors")
    generator = torch.Generator().manual_seed(1)
    length = (vit["image_size"] // vit["patch_size"]) ** 2
    batch = {"images": torch.randn(4, 3, vit["image_size"], vit["image_size"], generator=generator),
             "noise": torch.stack([torch.randperm(length, generator=generator) for _ in range(4)])
             .float() / length}
    save_file(batch, tmp_path / "batch.safetensors")
    save_file(full, tmp_path / "weights.safetensors")
    sections = ("objective", "model", "optimizer", "schedule", "precision")
    training = {k: document[k] for k in sections}
    (tmp_path / "spec.json").write_text(json.dumps(training))
    trainer("replay", "--spec", tmp_path / "spec.json", "--weights",
            tmp_path / "weights.safetensors", "--batch", tmp_path / "batch.safetensors", "--out",
            tmp_path / "out.safetensors")
    got = load_file(tmp_path / "out.safetensors")["pred"]

    model = timm_model(folder / "encoder.safetensors", vit)
    order = kept_order(batch["noise"], int(length * (1 - mae["mask_ratio"])))
    with torch.no_grad():
        tokens = model._pos_embed(model.patch_embed(batch["images"]))
        picked = torch.stack([t[1:][o] for t, o in zip(tokens, order)])
        latent = model.norm(model.blocks(torch.cat([tokens[:, :1], picked], 1)))
        expected = mae_reference.decode(full, latent, order, length, mae["decoder"])
    assert (got - expected).abs().max() < 1e-5


def test_the_trainers_features_equal_timms(run, tmp_path):
    folder, document = run
    vit = document["model"]["vit"]
    images = torch.randn(5, 3, vit["image_size"], vit["image_size"],
                         generator=torch.Generator().manual_seed(2))
    save_file({"images": images}, tmp_path / "images.safetensors")
    trainer("features", "--spec", folder / "job.json", "--weights", folder / "full.safetensors",
            "--images", tmp_path / "images.safetensors", "--out", tmp_path / "features.safetensors")
    got = load_file(tmp_path / "features.safetensors")["features"]
    with torch.no_grad():
        expected = timm_model(folder / "encoder.safetensors", vit)(images)
    assert got.shape == expected.shape
    assert (got - expected).abs().max() < 1e-5


def test_export_and_import_change_nothing(run, tmp_path):
    folder, _ = run
    trainer("import", "--weights", folder / "full.safetensors", "--spec", folder / "job.json",
            "--out", tmp_path / "again.safetensors")
    first, again = load_file(folder / "full.safetensors"), load_file(tmp_path / "again.safetensors")
    assert first.keys() == again.keys()
    for name, value in first.items():
        assert value.dtype == again[name].dtype
        same = np.array_equal(value.numpy().view(np.uint8), again[name].numpy().view(np.uint8))
        assert same, name


def test_an_export_starts_a_run(run, tmp_path):
    """init.weights takes the export: the first loss is that of the trained weights."""
    folder, document = run
    lr0 = {"adamw": {"lr": 0.0, "betas": [0.9, 0.95], "weight_decay": 0.0}}
    losses = {}
    for name, weights in (("trained", str(folder / "full.safetensors")), ("random", "")):
        changed = dict(document, optimizer=lr0, init={"weights": weights},
                       schedule={"kind": "constant", "total_steps": 2})
        (tmp_path / "job.json").write_text(json.dumps(changed))
        trainer("run", "--spec", tmp_path / "job.json", "--out", tmp_path / name)
        history = [os.path.join(f, "history.jsonl") for f, _, names in os.walk(tmp_path / name)
                   if "history.jsonl" in names]
        with open(history[0], encoding="utf-8") as f:
            losses[name] = json.loads(f.readline())["loss"]
    assert losses["trained"] < losses["random"] - 0.05


def test_metadata_says_how_to_use_it(run):
    from safetensors import safe_open
    folder, _ = run
    with safe_open(folder / "encoder.safetensors", framework="pt") as f:
        said = json.dumps(f.metadata())
    for part in ("0.485", "1e-6", "gelu", "timm_kwargs"):
        assert part in said.lower(), said
