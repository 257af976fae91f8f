"""Mistakes in a job document: each is refused at once, with place, key and what to do."""
import json

import pytest
import yaml

from programs import program
from documents import tiny
import subprocess


def validate(tmp_path, text):
    path = tmp_path / "job.yaml"
    path.write_text(text)
    done = subprocess.run([program("ocellus"), "validate", str(path)], capture_output=True,
                          text=True, timeout=60, check=False)
    said = done.stdout + done.stderr
    for trace in ("terminate called", "what():", "Segmentation", "Traceback", "[json.exception"):
        assert trace not in said
    return done.returncode, said


def line_of(text, part):
    return 1 + [part in line for line in text.splitlines()].index(True)


@pytest.mark.parametrize("changes, key, parts", [
    ({"objective": {"mae": {"mask_ration": 0.5}}}, "mask_ration", ["unknown key", "mask_ratio"]),
    ({"optimiser": {}}, "optimiser", ["unknown key", "optimizer"]),
    ({"priorty": 3}, "priorty", ["unknown key", "priority"]),
    ({"objective": {"mae": {"mask_ratio": "most"}}}, "mask_ratio", ["number", "objective.mae"]),
    ({"ranks": "two"}, "ranks", ["integer"]),
    ({"data": {"threads": 1.5}}, "threads", ["integer"]),
    ({"objective": {"mae": {"mask_ratio": 1.5}}}, "mask_ratio", ["objective.mae.mask_ratio", "1"]),
    ({"batch": {"global": 0}}, "global", ["batch.global", "1"]),
    ({"ranks": 0}, "ranks", ["ranks", "1"]),
    ({"precision": "fp16"}, "precision", ["bf16", "fp32"]),
    ({"name": "Not A Name"}, "name", ["lower-case"]),
    ({"model": {"vit": {"heads": 5}}}, "heads", ["heads"]),
    ({"model": {"vit": {"patch_size": 7}}}, "patch_size", ["patch_size"]),
])
def test_one_mistake(tmp_path, changes, key, parts):
    text = yaml.safe_dump(tiny("/data", **changes))
    code, said = validate(tmp_path, text)
    assert code == 2, said
    assert f"job.yaml:{line_of(text, key)}" in said, said
    for part in parts:
        assert part in said, said


def test_two_objectives(tmp_path):
    text = yaml.safe_dump(tiny("/data", objective={"clip": {}}))
    code, said = validate(tmp_path, text)
    assert code == 2
    assert "objective" in said and "one" in said


@pytest.mark.parametrize("section", ["objective", "model", "data", "batch", "optimizer", "name"])
def test_missing_section(tmp_path, section):
    code, said = validate(tmp_path, yaml.safe_dump(tiny("/data", **{section: None})))
    assert code == 2
    assert section in said


def test_three_mistakes_are_told_at_once(tmp_path):
    text = yaml.safe_dump(tiny("/data", ranks=0, precison="fp32",
                               objective={"mae": {"mask_ratio": 2}}))
    code, said = validate(tmp_path, text)
    assert code == 2
    for part in ("ranks", "precison", "precision", "objective.mae.mask_ratio"):
        assert part in said, said
    assert said.count("job.yaml:") == 3 and "3 problems" in said, said


@pytest.mark.parametrize("text, part", [
    ("name: [unclosed\n", "job.yaml:"),
    ("name: a\nname: b\n", "name"),
    ("- a\n- b\n", "job.yaml"),
    ("", "job.yaml"),
    ("name: \x01\n", "job.yaml"),
])
def test_not_a_document(tmp_path, text, part):
    code, said = validate(tmp_path, text)
    assert code == 2
    assert part in said, said


def test_file_that_is_not_there(tmp_path):
    done = subprocess.run([program("ocellus"), "validate", str(tmp_path / "none.yaml")],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "none.yaml" in done.stderr


def test_five_megabytes(tmp_path, cluster):
    """Refused by the client, in a moment, with the limit named."""
    cluster.start_coordinator()
    path = cluster.path("big.json")
    with open(path, "w", encoding="utf-8") as f:
        json.dump(tiny("/data", labels={"pad": "x" * 5_000_000}), f)
    done = cluster.cli("submit", path, code=2)
    assert "MiB" in done.stderr or "bytes" in done.stderr
    assert "big.json" in done.stderr
    assert cluster.cli("job", "list", "-o", "json").stdout.count("tiny") == 0


def test_explain_answers_from_the_schema():
    def explain(*keys):
        return subprocess.run([program("ocellus"), "explain", *keys], capture_output=True,
                              text=True, timeout=60, check=False)
    done = explain("objective.mae.mask_ratio")
    assert done.returncode == 0
    assert "0.75" in done.stdout and "arXiv" in done.stdout
    wrong = explain("objective.mae.mask_ration")
    assert wrong.returncode in (2, 3)
    assert "mask_ratio" in wrong.stderr
