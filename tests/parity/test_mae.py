"""`ocellus-trainer replay` against stored numbers and against a float64 reference in PyTorch."""
import importlib.util
import os
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import make_cases  # noqa: E402


def load_check():
    spec = importlib.util.spec_from_file_location("check", os.path.join(HERE, "check.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def cases(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cases")
    for name in make_cases.CASES:
        make_cases.write_case(str(folder), name)
    return folder


def check(trainer, folder, name, ranks):
    command = [sys.executable, os.path.join(HERE, "check.py"), "--trainer", trainer, "--cases",
               str(folder), "--filter", name, "--ranks", str(ranks), "--timeout", "120"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"PASS {name}" in done.stdout


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("name", sorted(make_cases.CASES))
def test_generated_case(trainer, cases, name, ranks):
    check(trainer, cases, name, ranks)


@pytest.mark.parametrize("ranks", [1, 2])
def test_stored_case(trainer, ranks):
    check(trainer, os.path.join(HERE, "cases"), "mae/norm_pix", ranks)


def test_reference_agrees_with_the_stored_case():
    """The float64 reference above is itself held to numbers of the official code."""
    import json

    import torch
    from safetensors.torch import load_file

    case = os.path.join(HERE, "cases", "mae", "norm_pix")
    weights, batch, expected = (load_file(os.path.join(case, f + ".safetensors"))
                                for f in ("weights", "batch", "expected"))
    with open(os.path.join(case, "spec.json"), encoding="utf-8") as f:
        spec = json.load(f)
    got = make_cases.replay(weights, batch, spec, 3)
    assert set(got) == set(expected)
    for name, value in expected.items():
        allowed = 1e-7 + 1e-6 * value.abs().max()
        assert (got[name].float() - value).abs().max() <= allowed, name
        assert torch.isfinite(value).all()


def test_a_wrong_result_fails(tmp_path, cases):
    """The comparison can fail: expected numbers that are off are reported by name."""
    from safetensors.torch import load_file

    checker = load_check()
    path = os.path.join(cases, "one_head", "expected.safetensors")
    expected = {k: v.numpy() for k, v in load_file(path).items()}
    got = dict(expected)
    got["loss"] = expected["loss"] * 1.001
    shares, faults = checker.compare(expected, got, {"rtol": 1e-4, "atol": 1e-6}, 2, 1)
    assert not faults
    assert [name for share, name in shares if share > 1] == ["loss"]
    del got["pred"]
    assert any("pred" in fault for fault in checker.compare(
        expected, got, {"rtol": 1e-4, "atol": 1e-6}, 2, 1)[1])
