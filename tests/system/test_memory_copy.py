"""checkpoint.memory_copy: a rank that died comes back from memory, with no step lost."""
import json
import os
import signal
import time

import pytest

from cluster import until
from documents import tiny
from test_kill import STEPS, assert_same_bits, final_state, undisturbed  # noqa: F401

SAVES = {"every_steps": 100, "memory_copy": True, "memory_every_steps": 1}


def restores(cluster, job):
    events = json.loads(cluster.cli("job", "events", job, "-o", "json").stdout)["events"]
    return [e["message"] for e in events if e["type"] == "JOB_EVENT_TYPE_RESTORED"]


def seconds_to_new_step(cluster, job, victim):
    """Kills a rank; until a step beyond those before it is heard of."""
    before = cluster.step(job)
    killed = time.monotonic()
    os.kill(cluster.ranks()[victim], signal.SIGKILL)
    until(lambda: int(cluster.job(job)["generation"]) > 1 and cluster.step(job) > before,
          lambda: cluster.tell(job))
    return time.monotonic() - killed


@pytest.mark.parametrize("victim", [0, 1])
def test_comes_back_where_it_was(cluster, images, undisturbed, victim):  # noqa: F811
    job = cluster.start().submit(tiny(images, checkpoint=SAVES))
    cluster.wait_for_step(job, 40)
    took = seconds_to_new_step(cluster, job, victim)
    print(f"kill to first new step: {took:.2f} s")
    done = cluster.wait_for_state(job, "SUCCEEDED", "FAILED", "HELD")
    assert done["state"] == "JOB_STATE_SUCCEEDED", cluster.tell(job)
    # Before the first checkpoint there was nothing but memory to come back from.
    [message] = restores(cluster, job)
    assert message.endswith(", out of memory"), message
    assert int(message.split()[2].rstrip(",")) >= 40
    assert_same_bits(final_state(cluster, job), undisturbed)
    with open(done["artifacts"]["history"].removeprefix("file://"), encoding="utf-8") as f:
        assert [json.loads(line)["step"] for line in f] == list(range(1, STEPS + 1))


def test_does_not_survive_its_agent(cluster, images, undisturbed):  # noqa: F811
    saves = {**SAVES, "every_steps": 20}
    job = cluster.start().submit(tiny(images, checkpoint=saves))
    cluster.wait_for_step(job, 50)
    cluster.worker.kill()
    cluster.start_worker()
    cluster.wait_for_state(job, "SUCCEEDED", "FAILED", "HELD")
    assert not any("memory" in message for message in restores(cluster, job))
    assert_same_bits(final_state(cluster, job), undisturbed)


def test_a_writer_that_dies_leaves_the_state_before(cluster, images, undisturbed):  # noqa: F811
    marker = cluster.path("reached")
    cluster.env = {"OCELLUS_FAILPOINT": f"trainer.memory_written:kill:30@{marker}"}
    job = cluster.start().submit(tiny(images, checkpoint=SAVES))
    cluster.wait_for_state(job, "SUCCEEDED", "FAILED", "HELD")
    [message] = restores(cluster, job)
    assert message == "from step 30, out of memory"
    assert_same_bits(final_state(cluster, job), undisturbed)
