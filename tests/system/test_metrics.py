"""Metrics as Prometheus itself reads them."""
import subprocess

import pytest

from cluster import metric, scrape, until
from documents import tiny
from prometheus_server import Prometheus
from prometheus_tools import tool


def check_metrics(text):
    """promtool's verdict: (exit code, what it said)."""
    done = subprocess.run([tool("promtool"), "check", "metrics"], input=text, text=True,
                          capture_output=True, timeout=30, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def prometheus(cluster):
    """A Prometheus with the shipped settings, but quicker, on this cluster."""
    cluster.start()
    with Prometheus(cluster.folder, [cluster.metrics, cluster.worker_metrics]) as made:
        yield made


def test_prometheus_answers_for_loss_and_speed(cluster, prometheus, images):
    until(lambda: len(prometheus.query("up == 1")) == 2, "both targets are up", 60)
    job = cluster.submit(tiny(images, schedule={"total_steps": 100000}))
    loss = until(lambda: [v for _, v in prometheus.query(
        f'ocellus_train_loss{{job="{job}"}}') if v == v], "a loss that is a number")
    assert 0.01 < loss[0] < 10
    speed = until(lambda: [v for _, v in prometheus.query(
        f'sum(rate(ocellus_train_samples_total{{job="{job}"}}[10s]))') if v > 1],
        "images a second")
    assert speed[0] < 1e6
    running = 'sum(ocellus_jobs{state=~"(?i)running"})'
    until(lambda: [v for _, v in prometheus.query(running) if v == 1], "one running job")
    assert prometheus.query(f'ocellus_job_info{{job="{job}",objective="mae"}}')
    cluster.cli("job", "cancel", job)
    cluster.wait_for_state(job, "CANCELLED")


def test_promtool_finds_nothing_to_say(cluster, images):
    job = cluster.start().submit(tiny(images))
    cluster.wait_for_step(job, 40)
    for address in (cluster.metrics, cluster.worker_metrics):
        assert check_metrics(scrape(address)) == (0, ""), address
    cluster.wait_for_state(job, "SUCCEEDED", "FAILED")
    builds = set()
    for address in (cluster.metrics, cluster.worker_metrics):
        text = scrape(address)
        assert check_metrics(text) == (0, ""), address
        assert text.count("# HELP ocellus_") >= 10
        builds |= {line for line in text.splitlines() if line.startswith("ocellus_build_info{")}
    assert len(builds) == 1 and 'commit="' in builds.pop()


def test_promtool_would_object():
    code, said = check_metrics("# TYPE wait_milliseconds counter\nwait_milliseconds 1\n")
    assert code == 3 and "help" in said


def test_counters_start_at_zero(cluster):
    """A rate needs a first value: counters are there before anything happened."""
    cluster.start_coordinator()
    text = scrape(cluster.metrics)
    for name in ("ocellus_stale_generation_rejections_total", "ocellus_job_generations_total",
                 "ocellus_job_failures_total"):
        assert metric(text, name) == 0, name
    assert metric(text, "ocellus_build_info") == 1
    assert metric(text, "ocellus_leader") == 1
