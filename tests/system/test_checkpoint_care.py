"""What people do with single checkpoints, and reading one without Ocellus."""
import json
import os

import numpy as np
import pytest
from safetensors.numpy import load_file

from checkpoint_folder import read_checkpoint
from documents import tiny

STEPS = 200


@pytest.fixture
def job(cluster, images):
    document = tiny(images, ranks=1, batch={"global": 8}, schedule={"total_steps": STEPS},
                    checkpoint={"every_steps": 20, "keep": 20, "keep_best": 1})
    job = cluster.start().submit(document)
    cluster.wait_for_state(job, "SUCCEEDED", "FAILED", "HELD")
    return job


def listed(cluster, job):
    found = json.loads(cluster.cli("checkpoint", "list", job, "-o", "json").stdout)["checkpoints"]
    return {int(c["step"]): c for c in found}


def events(cluster, job):
    return [e["type"].removeprefix("JOB_EVENT_TYPE_CHECKPOINT_") + ": " + e["message"]
            for e in json.loads(cluster.cli("job", "events", job, "-o", "json").stdout)["events"]]


def test_pin_remove_and_copy(cluster, job):
    # A quick run leaves checkpoints out while one is under way.
    newest, second, third = list(listed(cluster, job))[:3]
    assert newest == STEPS
    cluster.cli("checkpoint", "pin", job, "--step", second)
    assert listed(cluster, job)[second]["pinned"]
    assert "pinned" in cluster.cli("checkpoint", "show", job, "--step", second).stdout

    refused = cluster.cli("checkpoint", "rm", job, "--step", second, code=None)
    assert refused.returncode != 0 and "pinned" in refused.stderr
    refused = cluster.cli("checkpoint", "rm", job, "--step", newest, code=None)
    assert refused.returncode != 0 and "newest" in refused.stderr
    folder = listed(cluster, job)[third]["uri"].removeprefix("file://")
    cluster.cli("checkpoint", "rm", job, "--step", third)
    assert not os.path.exists(folder)
    cluster.cli("checkpoint", "unpin", job, "--step", second)
    cluster.cli("checkpoint", "rm", job, "--step", second)
    assert not {second, third} & listed(cluster, job).keys()

    kept = cluster.path("kept")
    cluster.cli("checkpoint", "cp", job, kept)
    again = cluster.cli("checkpoint", "cp", job, kept, code=None)
    assert again.returncode == 2 and "holds a checkpoint already" in again.stderr
    manifest, _ = read_checkpoint.read(kept)
    assert manifest["step"] == newest
    assert manifest["copied_from"] == listed(cluster, job)[newest]["uri"]

    told = events(cluster, job)
    for event in (f"PINNED: step {second}", f"UNPINNED: step {second}", f"DELETED: step {second}",
                  f"DELETED: step {third}", f"COPIED: step {newest} to {kept}"):
        assert event in told, told


def test_metrics_stand_in_the_manifest(cluster, job):
    for step, one in listed(cluster, job).items():
        manifest, _ = read_checkpoint.read(one["uri"].removeprefix("file://"))
        if step < STEPS:  # the last one is written before the last evaluation
            assert manifest["metrics"]["loss"] == one["metric"]


def test_python_reads_what_was_written_and_nothing_else(cluster, job):
    folder = listed(cluster, job)[STEPS]["uri"].removeprefix("file://")
    manifest, files = read_checkpoint.read(folder)
    assert manifest["job"] == job and manifest["samples"] == 8 * STEPS
    for name, tensors in files.items():
        expected = load_file(os.path.join(folder, name))
        assert tensors.keys() == expected.keys()
        assert all(np.array_equal(tensors[key], expected[key]) for key in expected)
    path = os.path.join(folder, "model.safetensors")
    with open(path, "r+b") as f:
        f.seek(-1, os.SEEK_END)
        last = f.read(1)[0]
        f.seek(-1, os.SEEK_END)
        f.write(bytes([last ^ 1]))
    with pytest.raises(ValueError, match="has changed"):
        read_checkpoint.read(folder)
