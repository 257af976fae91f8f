"""Nobody starves the others; and other people's clients are served as ours are."""
import json
import os
import shutil
import subprocess
import threading
import time

import grpc
import pytest

from cluster import metric, scrape, until
from programs import ROOT
from secure import code_of
from test_submit import reason_of


def test_flood_does_not_starve_others(secure):
    """One principal calls as fast as it can from many threads; another one's calls stay quick."""
    from ocellus.v1 import service_pb2
    secure.start_coordinator("--calls-per-s", 20, "--streams", 4)
    loud, quiet = secure.token("loud", "viewer"), secure.token("quiet", "viewer")
    ending, codes = threading.Event(), {}

    def flood():
        stub = secure.stub("JobService", token=loud)
        while not ending.is_set():
            code = code_of(lambda: stub.ListJobs(service_pb2.ListJobsRequest(), timeout=20))
            codes[code] = codes.get(code, 0) + 1
    threads = [threading.Thread(target=flood) for _ in range(8)]
    for thread in threads:
        thread.start()
    try:
        until(lambda: codes.get("RESOURCE_EXHAUSTED", 0) > 200, "refusals")
        stub, slowest = secure.stub("JobService", token=quiet), 0.0
        for _ in range(15):
            begun = time.monotonic()
            stub.ListJobs(service_pb2.ListJobsRequest(), timeout=20)
            slowest = max(slowest, time.monotonic() - begun)
    finally:
        ending.set()
        for thread in threads:
            thread.join()
    assert slowest < 2, slowest
    assert set(codes) == {"OK", "RESOURCE_EXHAUSTED"}, codes
    # Streams have a number of their own.
    streams = [secure.stub("JobService", token=quiet).WatchJobs(service_pb2.WatchJobsRequest())
               for _ in range(5)]
    secure.submit_as(secure.admin)
    with pytest.raises(grpc.RpcError) as caught:
        next(streams[4])
        for stream in streams[:4]:
            next(stream)
    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert reason_of(caught.value) == "RATE_LIMITED"
    # The command line waits instead of failing.
    secure.cli_env["OCELLUS_TOKEN"] = loud
    for _ in range(3):
        secure.cli("job", "list")


def test_guesses_are_slowed_down(secure):
    from ocellus.v1 import auth_pb2
    secure.start_coordinator()
    stub = secure.stub("AuthService", token="oct_" + "C" * 43)
    codes = [code_of(lambda: stub.WhoAmI(auth_pb2.WhoAmIRequest(), timeout=20))
             for _ in range(120)]
    assert codes[0] == "UNAUTHENTICATED" and "RESOURCE_EXHAUSTED" in codes
    assert metric(scrape(secure.metrics), "ocellus_auth_failures_total", kind="token") >= 100


def grpcurl():
    path = os.path.join(ROOT, ".kubernetes", "bin", "grpcurl")
    found = path if os.path.exists(path) else shutil.which("grpcurl")
    assert found, f"no {path}; run tools/setup"
    return found


def test_grpcurl(secure):
    """Another people's client: by reflection and with the token it lists, submits and is denied."""
    secure.start_coordinator()
    job = secure.submit_as(secure.admin).id
    token = secure.token("ann", "viewer")

    def ask(method, data, *options):
        return subprocess.run([grpcurl(), "-cacert", secure.ca, *options, "-d", json.dumps(data),
                               secure.grpc, method], capture_output=True, text=True, timeout=30,
                              check=False)
    header = ("-H", f"authorization: Bearer {token}")
    got = ask("ocellus.v1.JobService/GetJob", {"job": "demo"}, *header)
    assert got.returncode == 0, got.stderr
    assert json.loads(got.stdout)["job"]["id"] == job
    denied = ask("ocellus.v1.JobService/CancelJob", {"job": "demo"}, *header)
    assert "PermissionDenied" in denied.stderr and "ROLE_MISSING" in denied.stderr
    assert "Unauthenticated" in ask("ocellus.v1.JobService/ListJobs", {}).stderr
