"""CLIP and SigLIP: `ocellus-trainer replay` against open_clip, and what a bad input is told."""
import json
import os
import shutil
import subprocess
import sys

import pytest
from safetensors.torch import load_file, save_file

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import clip_cases  # noqa: E402
import clip_reference  # noqa: E402

STORED = os.path.join("clip", "infonce")


@pytest.fixture(scope="session")
def cases(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clip")
    for name in clip_cases.CASES:
        clip_cases.write_case(str(folder), name)
    return folder


def check(trainer, folder, name, ranks):
    command = [sys.executable, os.path.join(HERE, "check.py"), "--trainer", trainer, "--cases",
               str(folder), "--filter", name, "--ranks", str(ranks), "--timeout", "120"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"PASS {name}" in done.stdout


@pytest.mark.parametrize("ranks", [1, 2, 3])
@pytest.mark.parametrize("name", sorted(clip_cases.CASES))
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
    got = clip_reference.replay(weights, batch, spec, 3)
    assert set(got) == set(expected)
    for name, value in expected.items():
        allowed = 1e-7 + 1e-6 * value.double().abs().max()
        assert (got[name].double() - value.double()).abs().max() <= allowed, name


def told_of(trainer, case, folder, change_spec=None, change_batch=None):
    """The one line on stderr for a case with something wrong in it."""
    for name in ("spec.json", "weights.safetensors", "batch.safetensors"):
        shutil.copy(os.path.join(case, name), folder / name)
    with open(folder / "spec.json", encoding="utf-8") as f:
        spec = json.load(f)
    if change_spec:
        change_spec(spec)
    (folder / "spec.json").write_text(json.dumps(spec))
    if change_batch:
        batch = load_file(folder / "batch.safetensors")
        change_batch(batch)
        save_file(batch, folder / "batch.safetensors")
    done = subprocess.run(
        [trainer, "replay", "--spec", folder / "spec.json", "--weights",
         folder / "weights.safetensors", "--batch", folder / "batch.safetensors", "--out",
         folder / "out.safetensors"], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2, done.stdout + done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    return done.stderr


def to_resnet(spec):
    spec["model"] = {"resnet": {"depth": 18}}


def set_clip(**keys):
    return lambda spec: spec["objective"]["clip"].update(keys)


@pytest.mark.parametrize("change,words", [
    (to_resnet, ["model"]),
    (set_clip(logit_scale_init=0), ["logit_scale_init"]),
    (set_clip(logit_scale_init=200), ["logit_scale_init"]),
    (set_clip(loss="triplet"), ["objective.clip.loss", "infonce"]),
    (set_clip(text=dict(width=33, heads=2)), ["text.width", "33"]),
])
def test_a_bad_spec_is_named(trainer, cases, tmp_path, change, words):
    told = told_of(trainer, cases / "quick_gelu", tmp_path, change_spec=change)
    assert all(word in told for word in words), told


def outside(batch):
    batch["tokens"][1, 2] = 120


def below(batch):
    batch["tokens"][0, 0] = -1


def floats(batch):
    batch["tokens"] = batch["tokens"].float()


def without(batch):
    del batch["tokens"]


@pytest.mark.parametrize("change,words", [
    (outside, ["tokens", "120"]), (below, ["tokens", "-1"]), (floats, ["tokens", "I64"]),
    (without, ["tokens", "missing"]),
])
def test_bad_tokens_are_named(trainer, cases, tmp_path, change, words):
    told = told_of(trainer, cases / "quick_gelu", tmp_path, change_batch=change)
    assert all(word in told for word in words), told
