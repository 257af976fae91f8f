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


@pytest.mark.parametrize("path", RECIPES, ids=os.path.basename)
def test_recipe_resolves(path):
    assert resolve(path)


@pytest.mark.parametrize("size, dim, depth, heads, patch", [
    ("base_patch16", 768, 12, 12, 16), ("large_patch16", 1024, 24, 16, 16),
    ("huge_patch14", 1280, 32, 16, 14)])
def test_official_mae_recipe(size, dim, depth, heads, patch):
    path = os.path.join(ROOT, "deploy", "recipes", f"mae_vit_{size}.yaml")
    training = find(resolve(path), "objective")
    assert training["model"]["vit"] == {"image_size": 224, "patch_size": patch, "dim": dim,
                                        "depth": depth, "heads": heads, "mlp_ratio": 4}
    mae = training["objective"]["mae"]
    assert (mae["mask_ratio"], mae["norm_pix_loss"]) == (0.75, True)
    assert mae["decoder"] == {"dim": 512, "depth": 8, "heads": 16}
    adamw = training["optimizer"]["adamw"]
    assert (adamw["base_lr"], adamw["weight_decay"]) == (1.5e-4, 0.05)
    assert adamw["betas"] == [0.9, 0.95]
    assert training["batch"]["global"] == 4096
    schedule = training["schedule"]
    assert (schedule["epochs"], schedule["warmup_epochs"], schedule["min_lr"]) == (800, 40, 0)


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


def test_recipes_name_their_source():
    assert len(RECIPES) >= 4
    for path in RECIPES:
        with open(path, encoding="utf-8") as f:
            head = f.read(600)
        assert "facebookresearch/mae" in head, path
