"""An outage of the object storage pauses checkpoints, not training, and is told as such."""
import json
import os

from cluster import metric, scrape, until
from documents import tiny
from s3 import S3


def paused(cluster, job):
    return metric(scrape(cluster.worker_metrics), "ocellus_checkpoint_paused", job=job)


def test_an_outage_pauses_checkpoints_alone(cluster, images, tmp_path):
    os.makedirs(tmp_path / "s3")
    server = S3(tmp_path / "s3").start()
    try:
        cluster.store = server.uri("o") + "&timeout_s=3&attempts=2"
        cluster.env = dict(server.env)
        job = cluster.start().submit(tiny(images, schedule={"total_steps": 1000000},
                                          checkpoint={"every_steps": 20}))
        until(lambda: cluster.job(job).get("last_commit"), lambda: cluster.tell(job))
        assert paused(cluster, job) == 0

        server.stop()
        until(lambda: paused(cluster, job) == 1, lambda: cluster.tell(job))
        step = cluster.step(job)
        cluster.wait_for_step(job, step + 100)
        done = cluster.job(job)
        assert done["state"] == "JOB_STATE_RUNNING" and int(done["generation"]) == 1
        assert "no checkpoint can be stored" in cluster.cli("job", "why", job).stdout
        assert "training goes on" in cluster.cli("job", "events", job).stdout
        commit = int(done["last_commit"]["step"])

        server.start()
        until(lambda: paused(cluster, job) == 0, lambda: cluster.tell(job))
        until(lambda: int(cluster.job(job)["last_commit"]["step"]) > commit,
              lambda: cluster.tell(job))
        assert "no checkpoint can be stored" not in cluster.cli("job", "why", job).stdout
        events = json.loads(cluster.cli("job", "events", job, "-o", "json").stdout)["events"]
        assert any("checkpoints are stored again" in e.get("message", "") for e in events)
        assert int(cluster.job(job)["generation"]) == 1
    finally:
        server.stop()
