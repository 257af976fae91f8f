"""A job whose shards, checkpoints and results all lie in S3, through the real service."""
import glob
import hashlib
import json
import os
import signal

import pytest
from safetensors.torch import load

from cluster import Cluster, until
from documents import tiny
from s3 import S3


@pytest.fixture
def bucket(tmp_path):
    made = S3(tmp_path / "s3")
    os.makedirs(made.folder)
    yield made
    made.stop()


@pytest.fixture
def cluster(tmp_path, bucket, monkeypatch):
    """As of conftest.py, with a store in the bucket."""
    bucket.start()
    for name, value in bucket.env.items():
        monkeypatch.setenv(name, value)
    made = Cluster(tmp_path)
    made.store = bucket.uri("runs")
    yield made.start()
    made.stop()


def test_a_run_on_s3_alone(cluster, bucket, images, tmp_path):
    for path in sorted(glob.glob(images)):
        bucket.put_file("shards/" + os.path.basename(path), path)
    train = bucket.uri("shards/*.tar")
    cache = {"folder": str(tmp_path / "shard-cache"), "max_bytes": 1 << 30}
    document = tiny(train, name="on-s3", seed=8, data={"cache": cache},
                    schedule={"total_steps": 160}, checkpoint={"every_steps": 20},
                    eval={"knn": {"train_samples": 64, "val_samples": 32}})
    job = cluster.submit(document)
    until(lambda: cluster.job(job).get("last_commit"), lambda: cluster.tell(job))
    os.kill(cluster.ranks()[1], signal.SIGKILL)
    ended = cluster.wait_for_state(job, "SUCCEEDED", "FAILED", "HELD", deadline_s=240)
    assert ended["state"] == "JOB_STATE_SUCCEEDED", cluster.tell(job)
    assert int(ended["generation"]) >= 2, "no rank was killed in time"

    # The commit's address goes on behind its key, so that it can be opened as it is.
    uri = ended["last_commit"]["uri"]
    assert uri.startswith("s3://") and uri.endswith("&region=us-east-1"), uri
    results = f"runs/default/{job}/artifacts/"
    kept = bucket.keys(results)
    for name in ("encoder.safetensors", "model_card.md", "history.jsonl", "evaluation.json"):
        assert results + name in kept, kept
    encoder = bucket.get(results + "encoder.safetensors")
    card = bucket.get(results + "model_card.md").decode()
    assert hashlib.sha256(encoder).hexdigest() in card
    assert load(encoder)
    for part in ("# on-s3", "160 steps", "`s3://", "| 160 |", "After step 160,", "## Software",
                 "## Recipe", '"mask_ratio": 0.75'):
        assert part in card, card
    assert "secret" not in card
    assert not [name for name in os.listdir(cache["folder"]) if "partial" in name]
    assert [name for name in os.listdir(cache["folder"]) if name.endswith(".tar")]

    # On demand, from S3 to S3 and to a file: the same weights.
    cluster.cli("checkpoint", "export", job, "--out", bucket.uri("given/enc.safetensors"))
    assert bucket.get("given/enc.safetensors") == encoder
    given = bucket.get("given/enc.md").decode()
    assert hashlib.sha256(encoder).hexdigest() in given and "| 160 |" in given
    cluster.cli("checkpoint", "export", job, "--out", tmp_path / "enc.safetensors")
    assert (tmp_path / "enc.safetensors").read_bytes() == encoder
    found = json.loads(cluster.cli("eval", job, "-o", "json", "--train-samples", 64,
                                   "--val-samples", 32).stdout)
    assert found["step"] == 160
    of_place = json.loads(cluster.cli("eval", uri, "-o", "json", "--train-samples", 64,
                                      "--val-samples", 32).stdout)
    assert of_place["trained"] == found["trained"]
    assert cluster.cli("checkpoint", "verify", job).returncode == 0


def test_data_that_is_not_there_fails_at_once(cluster, bucket):
    job = cluster.submit(tiny(bucket.uri("shards/t-{00..03}.tar"), name="no-data"))
    ended = cluster.wait_for_state(job, "FAILED", "HELD", "SUCCEEDED")
    assert ended["state"] == "JOB_STATE_FAILED"
    assert "no such data: s3://ocellus-system/shards/t-0" in json.dumps(ended["last_failure"])
