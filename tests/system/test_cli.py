"""The command line as a person or a script meets it."""
import json
import os
import re
import signal
import subprocess
import urllib.request

import pytest

from checkpoint_folder import path_of
from cluster import Process, descendants, read_json, until
from programs import program
from documents import tiny, waiting


@pytest.fixture
def finished(cluster, images):
    """A job that ran to its end."""
    job = cluster.start().submit(tiny(images))
    cluster.wait_for_state(job, "SUCCEEDED", "FAILED", "HELD")
    return job


def test_a_whole_run(cluster, finished):
    """Everything that one asks about a finished job."""
    listed = cluster.cli("job", "list").stdout
    assert finished in listed and "tiny" in listed and "SUCCEEDED" in listed
    got = cluster.cli("job", "get", "tiny").stdout
    assert finished in got and "last commit" in got.lower() and "200" in got
    assert "SUCCEEDED" in cluster.cli("job", "why", finished).stdout
    events = cluster.cli("job", "events", finished).stdout
    for part in ("SUBMITTED", "PLACED", "RUNNING", "SUCCEEDED", "step 200"):
        assert part.lower() in events.lower(), events
    logs = cluster.cli("job", "logs", finished).stdout
    assert "200" in logs
    only = cluster.cli("job", "logs", finished, "--rank", "1").stdout
    assert only.count("\n") < logs.count("\n")
    assert len(cluster.cli("job", "logs", finished, "--tail", "2").stdout.splitlines()) == 2


def test_checkpoints(cluster, finished, tmp_path):
    listed = json.loads(cluster.cli("checkpoint", "list", finished, "-o", "json").stdout)
    steps = [int(c["step"]) for c in listed["checkpoints"]]
    assert steps == [200, 175, 150]
    cluster.cli("checkpoint", "verify", finished)
    out = tmp_path / "encoder.safetensors"
    said = cluster.cli("checkpoint", "export", finished, "--out", out)
    assert out.stat().st_size > 100_000
    assert str(out) in said.stdout + said.stderr
    assert cluster.cli("checkpoint", "export", finished, "--out", out, "--full").returncode == 0

    folder = listed["checkpoints"][0]["uri"].removeprefix("file://")
    with open(path_of(folder, "model.safetensors"), "r+b") as f:
        f.seek(-100, os.SEEK_END)
        f.write(b"\xde\xad\xbe\xef")
    broken = cluster.cli("checkpoint", "verify", finished, code=1)
    assert "model-00001-of-00002.safetensors" in broken.stdout + broken.stderr
    again = json.loads(cluster.cli("checkpoint", "list", finished, "-o", "json").stdout)
    assert again["checkpoints"][0]["state"] == "CHECKPOINT_STATE_DAMAGED"


def test_wait_and_cancel_codes(cluster, images):
    cluster.start()
    path = cluster.path("job.json")
    with open(path, "w", encoding="utf-8") as f:
        json.dump(tiny(images, schedule={"total_steps": 30}), f)
    cluster.cli("submit", "--wait", path, code=0)

    long = cluster.submit(tiny(images, name="long", schedule={"total_steps": 100000}))
    cluster.wait_for_state(long, "RUNNING")
    waiting_for_it = Process([program("ocellus"), "job", "watch", long], cluster.path("watch.log"),
                             {"OCELLUS_SERVER": cluster.grpc})
    cluster.started.append(waiting_for_it)
    cluster.cli("job", "cancel", long)
    cluster.wait_for_state(long, "CANCELLED")
    assert waiting_for_it.popen.wait(timeout=60) == 7
    cluster.cli("job", "cancel", long, code=None)

    failing = cluster.path("failing.json")
    with open(failing, "w", encoding="utf-8") as f:
        json.dump(tiny("/nowhere/*.tar", name="failing"), f)
    refused = cluster.cli("submit", failing, code=2)
    assert "data.train" in refused.stderr and "/nowhere" in refused.stderr
    done = cluster.cli("submit", "--wait", "--no-data-check", failing, code=1)
    assert "/nowhere" in done.stdout + done.stderr
    why = cluster.cli("job", "why", "failing").stdout
    assert "/nowhere" in why and "USER" in why.upper()


def test_usage_and_not_found_codes(cluster):
    cluster.start_coordinator()
    for args in (("job", "get", "nobody"), ("job", "cancel", "nobody"), ("job", "logs", "nobody"),
                 ("checkpoint", "list", "nobody")):
        done = cluster.cli(*args, code=3)
        assert "nobody" in done.stderr and "job list" in done.stderr, done.stderr
    cluster.cli("job", "gte", "x", code=2)
    cluster.cli("submit", code=2)
    cluster.cli("--help", code=0)


def test_pending_job_says_why(cluster, images):
    cluster.start_coordinator()
    job = cluster.submit(waiting("alone"))
    until(lambda: "node" in cluster.cli("job", "why", job).stdout.lower(), "no nodes", 20)
    cluster.start_worker()
    until(lambda: "64" in cluster.cli("job", "why", job).stdout
          and "2" in cluster.cli("job", "why", job).stdout, "64 slots of 2", 20)
    assert cluster.job(job)["reason"] == "JOB_REASON_EXCEEDS_CLUSTER_EVER"
    first = cluster.submit(tiny(images, name="first", schedule={"total_steps": 100000}))
    cluster.wait_for_state(first, "RUNNING")
    second = cluster.submit(tiny(images, name="second"))
    until(lambda: first in cluster.cli("job", "why", second).stdout,
          "the job that holds the slots is named", 20)
    assert cluster.job(second)["reason"] == "JOB_REASON_WAITING_FOR_SLOTS"
    cluster.cli("job", "cancel", first)
    cluster.wait_for_state(second, "RUNNING", "STARTING", "SUCCEEDED")


def test_json_is_stable(cluster, images):
    cluster.start().submit(tiny(images))
    job = json.loads(cluster.cli("job", "get", "tiny", "-o", "json").stdout)
    assert {"id", "spec", "state", "generation", "create_time"} <= set(job)
    assert json.loads(cluster.cli("job", "list", "-o", "json").stdout)["jobs"][0]["id"] == job["id"]
    nodes = json.loads(cluster.cli("node", "list", "-o", "json").stdout)["nodes"]
    assert nodes[0]["cpu_slots"] == 2
    status = json.loads(cluster.cli("cluster", "status", "-o", "json").stdout)
    assert status["nodes_ready"] == 1 and status["slots_total"] == 2


def test_completion_and_set(cluster, images):
    cluster.start_coordinator()
    for shell in ("bash", "zsh"):
        text = cluster.cli("completion", shell).stdout
        assert "submit" in text
    script = cluster.path("completion.bash")
    with open(script, "w", encoding="utf-8") as f:
        f.write(cluster.cli("completion", "bash").stdout)
    subprocess.run(["bash", "-n", script], check=True)
    path = cluster.path("job.json")
    with open(path, "w", encoding="utf-8") as f:
        json.dump(tiny("/data"), f)
    said = cluster.cli("validate", path, "--set", "schedule.total_steps=77", "-o", "json").stdout
    assert "77" in said
    done = cluster.cli("validate", path, "--set", "schedule.total_stepz=77", code=2)
    assert "total_steps" in done.stderr


def test_up_is_one_process_tree(cluster, images):
    """`ocellus up` brings both, survives the death of either, and takes all with it."""
    up = cluster.launch("up", [program("ocellus"), "up", "--data-dir", cluster.path("data"),
                               "--port", "0", "--cpu-slots", "2"])
    found = until(lambda: find_endpoint(cluster.path("data")), lambda: up.output(), 30)
    cluster.grpc = found
    until(lambda: cluster.cli("node", "list", code=None).stdout.count("READY") == 1,
          lambda: up.output(), 30)
    job = cluster.submit(tiny(images, schedule={"total_steps": 100000}))
    cluster.wait_for_state(job, "RUNNING")
    below = descendants(up.pid)
    names = " ".join(below.values())
    assert "ocellus-coordinator" in names and "ocellus-worker" in names
    assert names.count("ocellus-trainer rank") == 2
    page = until(lambda: re.search(r"page +(http://127\.0\.0\.1:\d+/)\n", up.output()),
                 lambda: up.output(), 30).group(1)
    assert job in read(page + "api/overview")

    dead = next(pid for pid, command in below.items() if "ocellus-coordinator" in command)
    os.kill(dead, signal.SIGKILL)
    step = None

    def goes_on():
        nonlocal step
        done = cluster.cli("job", "get", job, "-o", "json", code=None)
        if done.returncode:
            return False
        now = int((json.loads(done.stdout).get("progress") or {}).get("step", 0))
        step = step or now or None
        return step is not None and now > step
    until(goes_on, lambda: up.output(), 60)

    assert job in read(page + "api/overview"), "at the same address"
    everything = set(descendants(up.pid))
    os.kill(up.pid, signal.SIGKILL)
    up.popen.wait(timeout=30)
    until(lambda: not any(os.path.exists(f"/proc/{pid}/cwd") for pid in everything),
          "all of its processes end", 30)


def read(url):
    with urllib.request.urlopen(url, timeout=20) as answer:
        return answer.read().decode()


def find_endpoint(data):
    """The gRPC address that some endpoint.json below the folder gives."""
    for folder, _, files in os.walk(data):
        if "endpoint.json" in files:
            found = (read_json(os.path.join(folder, "endpoint.json")) or {}).get("grpc")
            if found:
                return found
    return None
