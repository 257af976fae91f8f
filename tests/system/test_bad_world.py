"""Disks, ports and neighbours that do not play along. No committed checkpoint is ever lost."""
import json
import os
import subprocess
from concurrent import futures

import grpc
import pytest

from cluster import until
from programs import program
from documents import tiny, waiting

NO_TRACE = ("terminate called", "what():", "Exception raised from", "Segmentation")


def trainer_on_tmpfs(tmp_path, train, size, **changes):
    """Runs the trainer with --out on a file system of `size`; its own mount namespace."""
    spec, out = tmp_path / "job.json", tmp_path / "small"
    out.mkdir(exist_ok=True)
    spec.write_text(json.dumps(tiny(train, ranks=1, **changes)))
    listing = f"find {out} -type f -printf '%p %s\\n'"
    script = (f"mount -t tmpfs -o size={size} tmpfs {out} && "
              f"{program('ocellus-trainer')} run --spec {spec} --out {out}; code=$?; "
              f"echo LISTING; {listing}; exit $code")
    return subprocess.run(["unshare", "-rm", "sh", "-c", script], capture_output=True, text=True,
                          timeout=180, env={**os.environ, "OMP_NUM_THREADS": "1"}, check=False)


def test_full_disk_keeps_what_was_committed(tmp_path, images):
    done = trainer_on_tmpfs(tmp_path, images, "5m", checkpoint={"every_steps": 10, "keep": 100})
    assert done.returncode in (1, 2), done.stdout + done.stderr
    assert "space" in done.stderr, done.stderr
    for trace in NO_TRACE:
        assert trace not in done.stderr
    files = [line.split() for line in done.stdout.split("LISTING\n")[1].splitlines()]
    folders = {os.path.dirname(path) for path, _ in files if path.endswith("manifest.json")}
    assert folders
    for folder in folders:
        inside = {os.path.basename(p): int(size) for p, size in files
                  if os.path.dirname(p) == folder}
        assert inside["model.safetensors"] > 10_000 and inside["optimizer.safetensors"] > 10_000


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small file system")
def test_full_store_of_a_cluster(cluster, images):
    """Commits fail, are told, and the commits before stay sound."""
    os.makedirs(cluster.path("store"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", cluster.path("store")],
                   check=True)
    try:
        cluster.start()
        job = cluster.submit(tiny(images, checkpoint={"every_steps": 10, "keep": 100},
                                  retry={"unknown_retries": 0}))
        until(lambda: "space" in cluster.cli("job", "events", job).stdout,
              lambda: "the full disk is told: " + cluster.tell(job), 60)
        listed = json.loads(cluster.cli("checkpoint", "list", job, "-o", "json").stdout)
        assert listed["checkpoints"]
        cluster.cli("checkpoint", "verify", job)
        cluster.cli("job", "cancel", job, code=None)
        cluster.wait_for_state(job, "CANCELLED", "FAILED", "HELD")
        cluster.cli("checkpoint", "verify", job)
    finally:
        cluster.stop()
        subprocess.run(["umount", "-l", cluster.path("store")], check=True)


def test_unwritable_output_folder(tmp_path, images):
    spec = tmp_path / "job.json"
    spec.write_text(json.dumps(tiny(images, ranks=1)))
    (tmp_path / "file").write_text("a file, not a folder")
    done = subprocess.run([program("ocellus-trainer"), "run", "--spec", str(spec), "--out",
                           str(tmp_path / "file" / "out")], capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.returncode in (1, 2)
    assert str(tmp_path / "file") in done.stderr
    for trace in NO_TRACE:
        assert trace not in done.stderr


def test_two_coordinators_on_one_folder(cluster):
    first = cluster.start_coordinator()
    second = subprocess.run([program("ocellus-coordinator"), "--data-dir",
                             cluster.path("coordinator"), "--listen", "127.0.0.1:0",
                             "--metrics-listen", "127.0.0.1:0", "--page-listen", "127.0.0.1:0",
                             "--store", "file://" + cluster.path("store")],
                            capture_output=True, text=True, timeout=30, check=False)
    assert second.returncode not in (0, -6, -11)
    assert str(first.pid) in second.stderr and cluster.path("coordinator") in second.stderr
    assert first.alive()
    cluster.cli("cluster", "status")


def test_two_workers_on_one_folder(cluster):
    first = cluster.start().worker
    second = subprocess.run([program("ocellus-worker"), "--coordinator", cluster.grpc, "--node",
                             "node-2", "--data-dir", cluster.path("worker"), "--cpu-slots", "2",
                             "--metrics-listen", "127.0.0.1:0", "--trainer",
                             program("ocellus-trainer")], capture_output=True, text=True,
                            timeout=30, check=False)
    assert second.returncode not in (0, -6, -11)
    assert str(first.pid) in second.stderr


@pytest.mark.parametrize("option", ["--listen", "--metrics-listen", "--page-listen"])
def test_port_in_use(cluster, tmp_path, option):
    cluster.start_coordinator()
    taken = {"--listen": cluster.grpc, "--metrics-listen": cluster.metrics,
             "--page-listen": cluster.page.split("/")[2]}[option]
    options = {"--listen": "127.0.0.1:0", "--metrics-listen": "127.0.0.1:0",
               "--page-listen": "127.0.0.1:0", option: taken}
    done = subprocess.run([program("ocellus-coordinator"), "--data-dir", str(tmp_path / "other"),
                           *[w for pair in options.items() for w in pair], "--store",
                           "file://" + str(tmp_path / "store")], capture_output=True, text=True,
                          timeout=30, check=False)
    assert done.returncode not in (0, -6, -11)
    assert taken.split(":")[1] in done.stderr and "in use" in done.stderr, done.stderr


def test_no_server(cluster):
    cluster.grpc = "127.0.0.1:1"
    done = cluster.cli("job", "list", code=5)
    assert "127.0.0.1:1" in done.stderr and "ocellus up" in done.stderr


class NewerServer(grpc.GenericRpcHandler):
    """Answers every call as a server that no longer speaks the client's protocol."""

    def service(self, details):
        def refuse(request, context):
            from google.protobuf import any_pb2
            from google.rpc import error_details_pb2, status_pb2
            info = any_pb2.Any()
            info.Pack(error_details_pb2.ErrorInfo(
                reason="VERSION_UNSUPPORTED", domain="ocellus.dev"))
            text = "this server speaks protocol 2; install ocellus 9.0"
            status = status_pb2.Status(code=9, message=text, details=[info])
            context.set_trailing_metadata((("grpc-status-details-bin",
                                            status.SerializeToString()),))
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, text)
        return grpc.unary_unary_rpc_method_handler(refuse)


def test_stale_cli_against_a_newer_server(cluster):
    server = grpc.server(futures.ThreadPoolExecutor(2), handlers=[NewerServer()])
    cluster.grpc = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        path = cluster.path("job.json")
        with open(path, "w", encoding="utf-8") as f:
            json.dump(waiting("old"), f)
        for args in (("job", "list"), ("submit", "--no-data-check", path),
                     ("cluster", "status")):
            done = cluster.cli(*args, code=None)
            assert done.returncode not in (0, -6, -11)
            assert "install ocellus 9.0" in done.stderr, done.stderr
    finally:
        server.stop(0)
