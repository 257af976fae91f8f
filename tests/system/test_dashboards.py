"""Dashboards, alerts and the table of metrics against a real run, as a real Prometheus saw it.

The run, over TLS: a job whose rank is killed and which goes on from a checkpoint, one with captions
that is held and resumed, one that waits, somebody who may not cancel it, and two GPUs played by a
library that reports an error.
"""
import math
import os
import re
import signal
import sys

import pytest

import grafana
from cluster import scrape, until
from documents import merged, tiny, waiting
from programs import ROOT, program
from prometheus_server import Prometheus
from secure import SecureCluster

sys.path.insert(0, os.path.join(ROOT, "tools"))
import metrics  # noqa: E402

LONG = {"total_steps": 1000000}
CLASSES = ["boat", "house", "tree", "balloon", "mountain", "fish", "flower", "car", "planet", "cup"]
EVAL = {"knn": {"train_samples": 96, "val_samples": 32, "k": 3}, "pictures": 0,
        "collapse": {"every_steps": 10, "samples": 32}}
GPUS = "".join(f"{i}, GPU-fake-{i}, NVIDIA H200, 143771\\n" for i in range(2))
# Metrics of the table that this run cannot have, and why.
ABSENT = {"ocellus_kubernetes_watch_restarts_total": "there is no Kubernetes"}


def clip(images):
    return merged(tiny(images, name="captions", ranks=1, schedule=LONG, eval={
        **EVAL, "every_steps": 10, "zero_shot": {"classes": CLASSES}}, checkpoint={
            "every_steps": 10, "interval": "auto"}), {"objective": {"mae": None, "clip": {
                "loss": "infonce", "embed_dim": 32,
                "text": {"width": 32, "heads": 2, "layers": 1, "context_length": 16}}}})


def start(cluster):
    nvml = program("libfake_nvml.so")
    said = cluster.path("nvml")
    with open(said, "w", encoding="utf-8") as f:
        f.write("xid 1 79\n")
    lists = cluster.path("nvidia-smi")
    with open(lists, "w", encoding="utf-8") as f:
        f.write(f"#!/bin/sh\nprintf '{GPUS}'\n")
    os.chmod(lists, 0o755)
    cluster.env = {"OCELLUS_NVML": nvml, "OCELLUS_FAKE_NVML": said,
                   "PATH": f"{cluster.folder}:{os.environ['PATH']}"}
    cluster.start_coordinator("--backoff-base-ms", "100")
    cluster.start_worker()


def record(cluster, prometheus, images):
    """Makes the run; the ids of the MAE and of the CLIP job."""
    prometheus.wait_for("sum(up) == 2")  # rates need a look from before
    mae = cluster.submit(tiny(images, schedule=LONG, eval=EVAL))
    waits = cluster.submit(waiting("waits"))
    viewer = cluster.secret_file("viewer", cluster.token("eve", "viewer", project="default"))
    cluster.cli("--token-file", viewer, "job", "cancel", waits, code=4)
    cluster.wait_for_step(mae, 60)
    os.kill(cluster.ranks()[0], signal.SIGKILL)
    captions = cluster.submit(clip(images))
    until(lambda: cluster.job(mae).get("generation") == "2",
          lambda: "a second gang: " + cluster.tell(mae))
    cluster.wait_for_step(captions, 15)
    cluster.cli("job", "hold", captions)
    cluster.wait_for_state(captions, "HELD")
    cluster.cli("job", "resume", captions)
    cluster.wait_for_state(captions, "RUNNING")
    cluster.wait_for_step(mae, 150)
    prometheus.wait_for(f'ocellus_checkpoint_duration_seconds_count{{job="{captions}"}} > 0')
    prometheus.wait_for('ocellus_job_failures_total{class="infra_process"} == 1')
    prometheus.wait_for("rate(ocellus_job_queue_wait_seconds_count[1h]) > 0")
    prometheus.wait_for(f'rate(ocellus_train_samples_total{{job="{captions}"}}[10s]) > 0')
    prometheus.wait_for('ALERTS{alertstate="firing",alertname="OcellusGpuHardwareError"}')
    prometheus.wait_for("count_over_time(ocellus:job_goodput:ratio_rate1h[5m]) > 3")
    return mae, captions


class Recorded:
    """What the tests look at."""

    def __init__(self, cluster, prometheus, jobs):
        self.prometheus, self.jobs = prometheus, jobs
        self.instance = cluster.worker_metrics
        self.pages = [scrape(cluster.metrics), scrape(cluster.worker_metrics)]

    def values(self, job):
        return {"project": "default", "job": job, "node": "node-1", "instance": self.instance}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory, images, stubs):
    folder = tmp_path_factory.mktemp("recorded")
    cluster = SecureCluster(folder, slots=3)
    try:
        start(cluster)
        with Prometheus(folder, [cluster.metrics, cluster.worker_metrics]) as prometheus:
            yield Recorded(cluster, prometheus, record(cluster, prometheus, images))
    finally:
        cluster.stop()


def test_every_expression_of_every_dashboard_has_data(recorded):
    """With one of the two jobs, since only one has captions and an automatic interval."""
    empty = None
    for job in recorded.jobs:
        bad = set()
        for uid, title, text in grafana.expressions(recorded.values(job),
                                                    {"project": ".*", "job": ".*"}):
            answer = recorded.prometheus.query(text)
            if not any(math.isfinite(value) for _, value in answer):
                bad.add((uid, title, text.replace(job, "$job")))
        empty = bad if empty is None else empty & bad
    assert not empty, "\n".join(map(str, sorted(empty)))


def test_an_expression_without_data_would_be_noticed(recorded):
    assert recorded.prometheus.query("ocellus_train_los") == []
    assert recorded.prometheus.query('ocellus_train_loss{job="nobody"}') == []


def test_every_rule_is_evaluated(recorded):
    groups = recorded.prometheus.get("rules")["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len(rules) > 30
    assert [r["name"] for r in rules if r["health"] != "ok"] == []


def test_alerts_fire_for_what_happened_and_for_nothing_else(recorded):
    firing = {labels["alertname"] for labels, _ in recorded.prometheus.query(
        'ALERTS{alertstate="firing",severity!="info"}')}
    assert firing == {"OcellusGpuHardwareError"}


def series_of(page):
    """{name: (kind, help, {label names of a sample})} of a /metrics page."""
    found = {}
    for line in page.splitlines():
        words = line.split(" ", 3)
        if words[:2] == ["#", "HELP"]:
            found[words[2]] = [None, words[3], set()]
        elif words[:2] == ["#", "TYPE"]:
            found[words[2]][0] = words[3]
        elif line and not line.startswith("#"):
            name, labels = re.match(r"(\w+)(?:\{(.*)\})? ", line).groups()
            own = name if name in found else re.sub(r"_(bucket|sum|count)$", "", name)
            names = set(re.findall(r'(\w+)="', labels or "")) - {"le"}
            found[own][2].add(frozenset(names))
    return found


def test_what_is_exported_is_what_the_table_says(recorded):
    table = {name: (kind, text, frozenset(labels))
             for _, name, kind, labels, text in metrics.read_table()}
    seen = set()
    for page in recorded.pages:
        for name, (kind, text, labels) in series_of(page).items():
            if name.startswith(("exposer_", "process_")):
                continue  # the library's own, about scrapes
            assert name in table, f"{name} is not in coordinator/base/metric_names.h"
            assert (kind, text) == table[name][:2], name
            assert labels <= {table[name][2]}, (name, labels, table[name][2])
            seen.add(name)
    assert sorted(set(table) - seen) == sorted(ABSENT)
