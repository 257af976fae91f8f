"""Metrics as Prometheus itself reads them."""
import json
import os
import shutil
import socket
import subprocess
import urllib.parse
import urllib.request

import pytest
import yaml

from cluster import metric, scrape, until
from programs import ROOT
from documents import tiny


def tool(name):
    """Prometheus's programs: what tools/setup unpacked, else the machine's."""
    own = os.path.join(ROOT, ".toolchain", "debian", "usr", "bin", name)
    found = own if os.path.exists(own) else shutil.which(name)
    assert found, f"no {name}: run tools/setup"
    return found


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def check_metrics(text):
    """promtool's verdict: (exit code, what it said)."""
    done = subprocess.run([tool("promtool"), "check", "metrics"], input=text, text=True,
                          capture_output=True, timeout=30, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def prometheus(cluster):
    """A Prometheus with the shipped settings, but quicker, on this cluster; its address."""
    cluster.start()
    port = free_port()
    with open(os.path.join(ROOT, "deploy", "prometheus", "prometheus.yaml"),
              encoding="utf-8") as f:
        settings = yaml.safe_load(f)
    settings["global"]["scrape_interval"] = "500ms"
    settings["scrape_configs"][0]["static_configs"] = [
        {"targets": [cluster.metrics, cluster.worker_metrics]}]
    with open(cluster.path("prometheus.yaml"), "w", encoding="utf-8") as f:
        yaml.safe_dump(settings, f)
    cluster.launch("prometheus", [
        tool("prometheus"), "--config.file", cluster.path("prometheus.yaml"),
        "--storage.tsdb.path", cluster.path("tsdb"), "--web.listen-address", f"127.0.0.1:{port}"])
    return f"http://127.0.0.1:{port}"


def query(prometheus, expression):
    """[(labels, value)] of an instant query; empty while it does not answer."""
    url = f"{prometheus}/api/v1/query?" + urllib.parse.urlencode({"query": expression})
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            result = json.load(answer)["data"]["result"]
    except OSError:
        return []
    return [(r["metric"], float(r["value"][1])) for r in result]


def test_prometheus_answers_for_loss_and_speed(cluster, prometheus, images):
    until(lambda: len(query(prometheus, "up == 1")) == 2, "both targets are up", 60)
    job = cluster.submit(tiny(images, schedule={"total_steps": 100000}))
    loss = until(lambda: [v for _, v in query(
        prometheus, f'ocellus_train_loss{{job="{job}"}}') if v == v], "a loss that is a number")
    assert 0.01 < loss[0] < 10
    speed = until(lambda: [v for _, v in query(
        prometheus, f'sum(rate(ocellus_train_samples_total{{job="{job}"}}[10s]))') if v > 1],
        "images a second")
    assert speed[0] < 1e6
    running = 'sum(ocellus_jobs{state=~"(?i)running"})'
    until(lambda: [v for _, v in query(prometheus, running) if v == 1], "one running job")
    assert query(prometheus, f'ocellus_job_info{{job="{job}",objective="mae"}}')
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
