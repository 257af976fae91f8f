"""ReLICv2: `ocellus-trainer replay` against stored numbers and the float64 reference."""
import json
import os
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file, save_file

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import relicv2_cases  # noqa: E402
import relicv2_reference  # noqa: E402


@pytest.fixture(scope="session")
def cases(tmp_path_factory):
    folder = tmp_path_factory.mktemp("relicv2")
    for name in relicv2_cases.CASES:
        relicv2_cases.write_case(str(folder), name)
    return folder


def check(trainer, folder, name, ranks):
    command = [sys.executable, os.path.join(HERE, "check.py"), "--trainer", trainer, "--cases",
               str(folder), "--filter", name, "--ranks", str(ranks), "--timeout", "120"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"PASS {name}" in done.stdout


@pytest.mark.parametrize("name, ranks", [(n, r) for n in sorted(relicv2_cases.CASES)
                                         for r in (1, 2)] + [("relic_given_negatives", 3)])
def test_generated_case(trainer, cases, name, ranks):
    check(trainer, cases, name, ranks)


@pytest.mark.parametrize("ranks", [1, 2, 3])
def test_stored_case(trainer, ranks):
    check(trainer, os.path.join(HERE, "cases"), "relicv2/large4_small2", ranks)


def test_reference_agrees_with_the_stored_case():
    case = os.path.join(HERE, "cases", "relicv2", "large4_small2")
    weights, batch, expected = (load_file(os.path.join(case, f + ".safetensors"))
                                for f in ("weights", "batch", "expected"))
    with open(os.path.join(case, "spec.json"), encoding="utf-8") as f:
        spec = json.load(f)
    got = relicv2_reference.replay(weights, batch, spec, 3)
    assert set(got) == set(expected)
    for name, value in expected.items():
        allowed = 2e-7 + 1e-6 * value.abs().max()
        difference = (got[name].float().reshape(value.shape) - value).abs().max()
        assert difference <= allowed, (name, difference)


def refused(trainer, folder, change, tmp_path):
    """The one line that a replay of a changed case ends with."""
    case = os.path.join(folder, "relic_given_negatives")
    batch = load_file(os.path.join(case, "batch.safetensors"))
    change(batch)
    save_file(batch, str(tmp_path / "batch.safetensors"))
    done = subprocess.run(
        [trainer, "replay", "--spec", os.path.join(case, "spec.json"), "--weights",
         os.path.join(case, "weights.safetensors"), "--batch", str(tmp_path / "batch.safetensors"),
         "--out", str(tmp_path / "out.safetensors")],
        capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1
    return done.stderr


def test_bad_negatives_are_named(trainer, cases, tmp_path):
    def own(batch):
        batch["negatives"][2, 0] = 2

    def far(batch):
        batch["negatives"][0, 1] = 6

    def twice(batch):
        batch["negatives"][1, 1] = batch["negatives"][1, 0]

    def width(batch):
        batch["negatives"] = torch.cat([batch["negatives"]] * 2, 1)

    assert "image itself" in refused(trainer, cases, own, tmp_path)
    assert "negatives holds 6, outside of [0, 6)" in refused(trainer, cases, far, tmp_path)
    assert "is there twice" in refused(trainer, cases, twice, tmp_path)
    assert "negatives" in refused(trainer, cases, width, tmp_path)
