"""Every objective, killed at some step and resumed, ends with the bits of a run left alone: slow
copies, batch statistics, logit scales, optimizer state and the place in the data."""
import json
import os
import signal
import subprocess

import pytest

from checkpoint_folder import state_in
from cluster import until
from documents import tiny
from programs import program
from test_kill import assert_same_bits

STEPS = 16
VIT = {"vit": {"image_size": 32, "patch_size": 8, "dim": 32, "depth": 1, "heads": 2}}
RESNET = {"vit": None, "resnet": {"block": "basic", "layers": [1, 1, 1, 1], "width": 4,
                                  "image_size": 32}}
OBJECTIVES = {
    "mocov3": (VIT, {"mlp_dim": 32, "proj_dim": 16, "momentum": 0.9,
                     "momentum_schedule": "cosine"}),
    "mocov3_resnet": (RESNET, {"mlp_dim": 32, "proj_dim": 16, "momentum": 0.9}),
    "clip": (VIT, {"embed_dim": 16, "text": {"width": 16, "heads": 2, "layers": 1,
                                             "context_length": 16}}),
    "relicv2": (RESNET, {"mlp_dim": 32, "proj_dim": 16, "momentum": 0.9, "num_negatives": 3,
                         "large_views": 2, "small_views": 1, "small_size": 24,
                         "momentum_schedule": "cosine"}),
    "rotnet": (RESNET, {}),
}


def start(folder, *extra):
    command = [program("ocellus-trainer"), "run", "--spec", str(folder / "job.json"), "--out",
               str(folder / "out"), *extra]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            start_new_session=True, env={**os.environ, "OMP_NUM_THREADS": "1"})


def finish(process):
    told, _ = process.communicate(timeout=120)
    assert process.returncode == 0, told


def commits(folder):
    """{step: folder} of the checkpoints that are whole."""
    found = {}
    for where, _, files in os.walk(folder / "out"):
        if "manifest.json" in files:
            with open(os.path.join(where, "manifest.json"), encoding="utf-8") as f:
                found[json.load(f)["step"]] = where
    return found


def final_state(folder):
    return state_in(commits(folder)[STEPS])


def document_of(images, name, **changes):
    model, settings = OBJECTIVES[name]
    return tiny(images, model=model, objective={"mae": None, name.split("_")[0]: settings},
                batch={"global": 8}, checkpoint={"every_steps": 4, "keep": 9},
                schedule={"warmup_steps": 4, "total_steps": STEPS}, **changes)


def folder_with(tmp_path, name, document):
    folder = tmp_path / name
    folder.mkdir()
    (folder / "job.json").write_text(json.dumps(document))
    return folder


def kill_and_resume(folder):
    """Two ranks, killed once there is a checkpoint, and started again."""
    victim = start(folder, "--ranks", "2")
    until(lambda: commits(folder) or victim.poll() is not None, "a first checkpoint", 60)
    os.killpg(victim.pid, signal.SIGKILL)
    victim.communicate()
    assert victim.returncode == -signal.SIGKILL, "it ended before it was killed"
    assert STEPS not in commits(folder)
    finish(start(folder, "--ranks", "2", "--resume"))


@pytest.mark.parametrize("name", sorted(OBJECTIVES))
def test_killed_and_resumed_is_the_same(tmp_path, images, name):
    document = document_of(images, name)
    left = folder_with(tmp_path, "left", document)
    killed = folder_with(tmp_path, "killed", document)
    finish(start(left, "--ranks", "2"))
    kill_and_resume(killed)
    expected = final_state(left)
    assert_same_bits(final_state(killed), expected)
    if name == "relicv2":
        tensors = expected["model.safetensors"]
        assert int(tensors["target.encoder.bn1.num_batches_tracked"]) == 2 * STEPS
        assert int(tensors["online.encoder.bn1.num_batches_tracked"]) == 3 * STEPS


@pytest.mark.parametrize("name", ["clip", "relicv2"])
def test_sharded_optimizer_is_the_same(tmp_path, images, name):
    """Also killed and resumed, and with averages that move in the optimizer's pass (ReLICv2)."""
    whole = folder_with(tmp_path, "whole", document_of(images, name))
    sharded = folder_with(tmp_path, "sharded",
                          document_of(images, name, optimizer={"adamw": {"shard": True}}))
    finish(start(whole, "--ranks", "2"))
    kill_and_resume(sharded)
    assert_same_bits(final_state(sharded), final_state(whole))
