"""What a finished job's encoder knows, by `ocellus eval`; the collapse alarm, up to the event."""
import json
import os

from cluster import metric, scrape, until
from documents import tiny

KNN = {"knn": {"train_samples": 160, "val_samples": 64, "k": 5}, "pictures": 0}


def test_eval_of_a_finished_job(cluster, images, tmp_path):
    job = cluster.start().submit(tiny(images, schedule={"total_steps": 40}, eval=KNN))
    cluster.wait_for_state(job, "SUCCEEDED", "FAILED", "HELD")
    out = tmp_path / "eval.json"
    found = json.loads(cluster.cli("eval", job, "-o", "json", "--out", out).stdout)
    assert found == json.loads(out.read_text())
    assert found["step"] == 40 and found["job"] == job
    with open(cluster.job(job)["artifacts"]["evaluation"].removeprefix("file://"),
              encoding="utf-8") as f:
        left = json.load(f)
    for key in ("trained", "random", "pixels"):
        assert 0 <= found[key]["knn"] <= 1 and 0 <= found[key]["probe"] <= 1
        # The job had two ranks, whose order of samples differs from one rank's.
        assert found[key].keys() == left[key].keys()
    assert 0 < found["trained"]["features"]["std_relative"] < 1.2
    assert found["trained"]["features"]["effective_rank"] > 1

    table = cluster.cli("eval", "tiny", "--step", 25).stdout
    assert "step 25" in table and "linear probe top-1" in table and "pixels" in table
    folder = json.loads(cluster.cli("checkpoint", "list", job, "-o", "json").stdout)
    folder = folder["checkpoints"][0]["uri"].removeprefix("file://")
    assert os.path.isdir(folder)
    assert "kNN top-1" in cluster.cli("eval", folder).stdout

    assert "not-there" in cluster.cli("eval", "not-there", code=3).stderr
    assert "/nowhere" in cluster.cli("eval", job, "--data", "/nowhere", code=2).stderr
    assert "json" in cluster.cli("eval", job, "-o", "yaml", code=2).stderr
    page = scrape(cluster.worker_metrics)
    for encoder in ("trained", "initial", "pixels"):
        assert metric(page, "ocellus_train_probe_accuracy", job=job, encoder=encoder) is not None
    assert metric(page, "ocellus_train_collapsed", job=job) == 0


def collapse(**more):
    return {"collapse": {"every_steps": 10, "samples": 32, "after_steps": 10, **more}}


def test_a_collapse_is_told_everywhere(cluster, images):
    """A threshold that no features meet, in place of an encoder that collapsed."""
    long = {"total_steps": 100000}
    job = cluster.start().submit(tiny(images, schedule=long, eval=collapse(min_rank=1000)))
    until(lambda: "features use few directions" in cluster.cli("job", "events", job).stdout,
          lambda: "an event: " + cluster.tell(job))
    until(lambda: "look at the learning rate" in cluster.cli("job", "logs", job).stdout,
          lambda: "a log line: " + cluster.tell(job))
    assert metric(scrape(cluster.worker_metrics), "ocellus_train_collapsed", job=job) == 1
    events = cluster.cli("job", "events", job).stdout
    # The first check that counts is that of step 10.
    assert events.count("collapse after step 20: features use few directions") == 1
    cluster.cli("job", "cancel", job)
    cluster.wait_for_state(job, "CANCELLED")


def test_a_good_run_rings_no_alarm(cluster, images):
    job = cluster.start().submit(tiny(images, eval=collapse()))
    cluster.wait_for_state(job, "SUCCEEDED", "FAILED", "HELD")
    assert "collapse" not in cluster.cli("job", "events", job).stdout
    page = scrape(cluster.worker_metrics)
    assert metric(page, "ocellus_train_collapsed", job=job) == 0
    assert metric(page, "ocellus_train_feature_std_ratio", job=job) > 0.02
