"""Whatever is killed, the run ends with the bits of a run that was left alone."""
import os
import random
import signal

import numpy as np
import pytest

from checkpoint_folder import state_in
from cluster import Cluster, metric, scrape, until
from documents import tiny

STEPS = 200


def final_state(cluster, job):
    """{file name: {tensor name: array}} of the last commit."""
    commit = cluster.job(job)["last_commit"]
    assert int(commit["step"]) == STEPS
    folder = commit["uri"].removeprefix("file://")
    state = state_in(folder)
    assert state.keys() == {"model.safetensors", "optimizer.safetensors"}
    return state


def assert_same_bits(got, expected):
    assert got.keys() == expected.keys()
    for file, tensors in expected.items():
        assert got[file].keys() == tensors.keys()
        for name, value in tensors.items():
            other = got[file][name]
            assert other.dtype == value.dtype and other.shape == value.shape, name
            assert other.tobytes() == value.tobytes(), (file, name)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, images):
    """The final state of a run that nothing happened to."""
    cluster = Cluster(tmp_path_factory.mktemp("undisturbed"))
    try:
        job = cluster.start().submit(tiny(images))
        assert cluster.wait_for_state(job, "SUCCEEDED", "FAILED")["state"] == "JOB_STATE_SUCCEEDED"
        return final_state(cluster, job)
    finally:
        cluster.stop()


def started_job(cluster, images, seed):
    """A running job, stopped at a step that is random but printed."""
    job = cluster.start().submit(tiny(images))
    step = random.Random(seed).randrange(30, 150)
    print(f"seed {seed}: waiting for step {step}")
    cluster.wait_for_step(job, step)
    return job


def finish(cluster, job, undisturbed, generation):
    done = cluster.wait_for_state(job, "SUCCEEDED", "FAILED", "HELD")
    assert done["state"] == "JOB_STATE_SUCCEEDED", cluster.tell(job)
    assert int(done["generation"]) == generation
    assert_same_bits(final_state(cluster, job), undisturbed)


@pytest.mark.parametrize("rank", [0, 1])
def test_killed_rank(cluster, images, undisturbed, rank):
    job = started_job(cluster, images, seed=random.randrange(10**6))
    pids = cluster.ranks()
    assert len(pids) == 2
    os.kill(pids[rank], signal.SIGKILL)
    finish(cluster, job, undisturbed, generation=2)
    failure = cluster.job(job)["last_failure"]
    assert failure["failure_class"] == "FAILURE_CLASS_INFRA_PROCESS"
    assert failure["signal"] == "SIGKILL"


def test_killed_worker(cluster, images, undisturbed):
    job = started_job(cluster, images, seed=random.randrange(10**6))
    pids = cluster.ranks()
    cluster.worker.kill()
    until(lambda: not any(os.path.exists(f"/proc/{pid}/cwd") for pid in pids),
          "the ranks of a killed worker end", 20)
    cluster.start_worker()
    finish(cluster, job, undisturbed, generation=2)


def test_killed_coordinator_disturbs_no_step(cluster, images, undisturbed):
    job = started_job(cluster, images, seed=random.randrange(10**6))
    pids = cluster.ranks()
    cluster.coordinator.kill()
    before = metric(scrape(cluster.worker_metrics), "ocellus_train_step", job=job)
    until(lambda: metric(scrape(cluster.worker_metrics), "ocellus_train_step", job=job)
          >= before + 10, "training goes on without a coordinator", 30)
    cluster.start_coordinator()
    # On a quick machine the run may end while the worker still looks for the coordinator.
    until(lambda: cluster.step(job) >= before + 10, lambda: "adopted: " + cluster.tell(job))
    assert set(cluster.ranks()) <= set(pids)
    finish(cluster, job, undisturbed, generation=1)
    events = cluster.cli("job", "events", job, "-o", "json").stdout
    assert "JOB_EVENT_TYPE_GANG_ADOPTED" in events
    assert not cluster.job(job).get("last_failure")


def test_killed_everything(cluster, images, undisturbed):
    """Power loss: coordinator, worker and ranks at once."""
    job = started_job(cluster, images, seed=random.randrange(10**6))
    cluster.coordinator.kill()
    cluster.worker.kill()
    cluster.start_coordinator()
    cluster.start_worker()
    finish(cluster, job, undisturbed, generation=2)


def test_history_has_every_step_once(cluster, images):
    """The curve that a user looks at has no gap and no double after a restart."""
    job = started_job(cluster, images, seed=random.randrange(10**6))
    os.kill(cluster.ranks()[0], signal.SIGKILL)
    done = cluster.wait_for_state(job, "SUCCEEDED", "FAILED", "HELD")
    import json
    with open(done["artifacts"]["history"].removeprefix("file://"), encoding="utf-8") as f:
        steps = [json.loads(line)["step"] for line in f]
    assert steps == list(range(1, STEPS + 1))


def test_two_ranks_equal_one(cluster, images, undisturbed):
    """Another number of ranks sees the same samples: the losses agree to rounding."""
    job = cluster.start().submit(tiny(images, ranks=1))
    cluster.wait_for_state(job, "SUCCEEDED", "FAILED", "HELD")
    got = final_state(cluster, job)["model.safetensors"]
    for name, value in undisturbed["model.safetensors"].items():
        assert np.allclose(got[name], value, rtol=2e-2, atol=2e-3), name
