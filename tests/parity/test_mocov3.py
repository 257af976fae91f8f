"""MoCo v3: `ocellus-trainer replay` against stored numbers and the float64 reference."""
import json
import os
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import mocov3_cases  # noqa: E402
import mocov3_reference  # noqa: E402

STORED = os.path.join("mocov3", "vit_frozen_patch")


@pytest.fixture(scope="session")
def cases(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mocov3")
    for name in mocov3_cases.CASES:
        mocov3_cases.write_case(str(folder), name)
    return folder


def check(trainer, folder, name, ranks):
    command = [sys.executable, os.path.join(HERE, "check.py"), "--trainer", trainer, "--cases",
               str(folder), "--filter", name, "--ranks", str(ranks), "--timeout", "120"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"PASS {name}" in done.stdout


# Micro-batches of several ranks are other groups of images, with other statistics and negatives.
@pytest.mark.parametrize("name,ranks", [
    (name, ranks) for name in sorted(mocov3_cases.CASES) for ranks in (1, 2, 3)
    if name != "accumulate" or ranks == 1])
def test_generated_case(trainer, cases, name, ranks):
    check(trainer, cases, name, ranks)


@pytest.mark.parametrize("ranks", [1, 2])
def test_stored_case(trainer, ranks):
    check(trainer, os.path.join(HERE, "cases"), STORED, ranks)


def test_reference_agrees_with_the_stored_case():
    case = os.path.join(HERE, "cases", STORED)
    weights, batch, expected = (load_file(os.path.join(case, f + ".safetensors"))
                                for f in ("weights", "batch", "expected"))
    with open(os.path.join(case, "spec.json"), encoding="utf-8") as f:
        spec = json.load(f)
    got = mocov3_reference.replay(weights, batch, spec, 3)
    assert set(got) == set(expected)
    for name, value in expected.items():
        allowed = 1e-7 + 1e-6 * value.double().abs().max()
        assert (got[name].double() - value.double()).abs().max() <= allowed, name
        assert torch.isfinite(value.double()).all()


# Changes to a good spec, and what the one line on stderr must name.
BAD = {
    "temperature": (dict(objective=dict(temperature=0)), "temperature"),
    "momentum": (dict(objective=dict(momentum=1.5)), "momentum"),
    "depth": (dict(model={"resnet": {"depth": 19}}), "depth"),
    "two_shapes": (dict(model={"resnet": {"depth": 18, "block": "basic"}}), "model.resnet"),
    "nesterov": (dict(optimizer={"sgd": {"lr": 0.1, "nesterov": True}}), "nesterov"),
    "form": (dict(optimizer={"lars": {"lr": 0.1, "form": "other"}}), "form"),
}


def run_spec(trainer, folder, spec, batch):
    with open(folder / "spec.json", "w", encoding="utf-8") as f:
        json.dump(spec, f)
    done = subprocess.run(
        [trainer, "replay", "--spec", folder / "spec.json", "--batch", batch, "--weights",
         os.path.join(os.path.dirname(batch), "weights.safetensors"), "--out", folder / "out"],
        capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2, done.stdout + done.stderr
    return done.stderr


@pytest.mark.parametrize("name", sorted(BAD))
def test_a_bad_spec_is_named(trainer, cases, tmp_path, name):
    case = os.path.join(cases, "resnet_basic_lars")
    with open(os.path.join(case, "spec.json"), encoding="utf-8") as f:
        spec = json.load(f)
    changes, word = dict(BAD[name][0]), BAD[name][1]
    spec["objective"]["mocov3"].update(changes.pop("objective", {}))
    spec.update(changes)
    told = run_spec(trainer, tmp_path, spec, os.path.join(case, "batch.safetensors"))
    assert word in told and len(told.strip().splitlines()) == 1, told


def test_one_value_a_channel_is_named(trainer, cases, tmp_path):
    from safetensors.torch import save_file

    case = os.path.join(cases, "resnet_basic_lars")
    with open(os.path.join(case, "spec.json"), encoding="utf-8") as f:
        spec = json.load(f)
    batch = load_file(os.path.join(case, "batch.safetensors"))
    save_file({k: v[:1].contiguous() for k, v in batch.items()}, tmp_path / "batch.safetensors")
    for name in ("weights",):
        os.symlink(os.path.join(case, name + ".safetensors"), tmp_path / (name + ".safetensors"))
    told = run_spec(trainer, tmp_path, spec, str(tmp_path / "batch.safetensors"))
    assert "one value" in told
