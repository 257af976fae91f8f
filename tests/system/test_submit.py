"""Submits are exactly once, whatever happens to the coordinator."""
import json
import random
import threading
import uuid

import grpc
import pytest

from cluster import until
from documents import waiting

SUBMITS, RESTARTS = 1000, 20
METADATA = (("ocellus-protocol", "1"),)


def spec_of(stubs_module, name):
    document = waiting(name)
    scheduling = ("name", "ranks", "device", "checkpoint", "stop_grace_s")
    training = {k: v for k, v in document.items() if k not in scheduling}
    return stubs_module.JobSpec(name=name, ranks=64, device=stubs_module.DEVICE_CPU,
                                training_json=json.dumps(training))


def request(name, request_id):
    from ocellus.v1 import job_pb2, service_pb2
    return service_pb2.CreateJobRequest(spec=spec_of(job_pb2, name), request_id=request_id)


def jobs(address):
    from ocellus.v1 import service_pb2_grpc
    return service_pb2_grpc.JobServiceStub(grpc.insecure_channel(address, [
        ("grpc.initial_reconnect_backoff_ms", 20), ("grpc.max_reconnect_backoff_ms", 100)]))


def submit_until_acknowledged(service, number, request_id, acknowledged, deadline_s=300):
    """Repeats one submit with the same request id until it is answered."""
    def once():
        try:
            answer = service.CreateJob(request(f"job-{number}", request_id), timeout=5,
                                       metadata=METADATA, wait_for_ready=True)
        except grpc.RpcError as error:
            assert error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED,
                                    grpc.StatusCode.CANCELLED), error
            return False
        acknowledged[request_id] = (number, answer.job.id)
        return True
    until(once, f"submit {number}", deadline_s)


def all_jobs(service):
    from ocellus.v1 import service_pb2
    found, token = [], ""
    while True:
        page = service.ListJobs(service_pb2.ListJobsRequest(page_size=90, page_token=token),
                                timeout=30, metadata=METADATA)
        found += page.jobs
        token = page.next_page_token
        if not token:
            return found


def test_no_submit_is_lost_or_doubled(cluster, stubs):
    cluster.start_coordinator()
    acknowledged, failures = {}, []
    todo = list(enumerate(str(uuid.uuid4()) for _ in range(SUBMITS)))
    lock = threading.Lock()

    def worker():
        service = jobs(cluster.grpc)
        while True:
            with lock:
                if not todo:
                    return
                number, request_id = todo.pop()
            try:
                submit_until_acknowledged(service, number, request_id, acknowledged)
            except BaseException as error:  # noqa: BLE001 - told by the main thread
                failures.append(error)
                return

    threads = [threading.Thread(target=worker) for _ in range(4)]
    for thread in threads:
        thread.start()
    pick = random.Random(3)
    for round_number in range(RESTARTS):
        aim = (round_number + pick.random()) * SUBMITS / (RESTARTS + 1)
        until(lambda: len(acknowledged) >= aim or failures, f"{aim} submits", 300, every_s=0.001)
        cluster.coordinator.kill()
        cluster.start_coordinator()
    for thread in threads:
        thread.join()
    assert not failures, failures[0]

    service = jobs(cluster.grpc)
    present = {job.id: job.spec.name for job in all_jobs(service)}
    assert len(acknowledged) == SUBMITS
    assert sorted(present.values()) == sorted(f"job-{n}" for n in range(SUBMITS))
    for request_id, (number, job) in acknowledged.items():
        assert present[job] == f"job-{number}"
    for request_id, (number, job) in random.Random(4).sample(sorted(acknowledged.items()), 50):
        again = service.CreateJob(request(f"job-{number}", request_id), timeout=30,
                                  metadata=METADATA)
        assert again.job.id == job and again.replayed
    assert len(all_jobs(service)) == SUBMITS


def reason_of(error):
    """(reason, metadata) of the ErrorInfo in a failed call."""
    from google.rpc import error_details_pb2, status_pb2
    status = status_pb2.Status()
    status.ParseFromString(dict(error.trailing_metadata())["grpc-status-details-bin"])
    for detail in status.details:
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            assert info.domain == "ocellus.dev"
            return info.reason
    return None


def test_request_id_for_another_request_is_refused(cluster, stubs):
    cluster.start_coordinator()
    service, request_id = jobs(cluster.grpc), str(uuid.uuid4())
    first = service.CreateJob(request("one", request_id), timeout=30, metadata=METADATA)
    with pytest.raises(grpc.RpcError) as caught:
        service.CreateJob(request("two", request_id), timeout=30, metadata=METADATA)
    assert caught.value.code() == grpc.StatusCode.ALREADY_EXISTS
    assert reason_of(caught.value) == "IDEMPOTENCY_KEY_REUSED"
    assert first.job.id in caught.value.details() or "request" in caught.value.details()


@pytest.mark.parametrize("request_id", ["", "not-a-uuid"])
def test_request_id_is_required(cluster, stubs, request_id):
    cluster.start_coordinator()
    with pytest.raises(grpc.RpcError) as caught:
        jobs(cluster.grpc).CreateJob(request("one", request_id), timeout=30, metadata=METADATA)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT


def test_other_protocol_is_refused(cluster, stubs):
    """A client of another time is told what to install, and nothing is created."""
    cluster.start_coordinator()
    service = jobs(cluster.grpc)
    with pytest.raises(grpc.RpcError) as caught:
        service.CreateJob(request("old", str(uuid.uuid4())), timeout=30,
                          metadata=(("ocellus-protocol", "0"),))
    assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert reason_of(caught.value) == "VERSION_UNSUPPORTED"
    assert "install" in caught.value.details() or "upgrade" in caught.value.details()
    assert all_jobs(service) == []


def test_large_spec_is_refused(cluster, stubs):
    """5 MB of specification: a clear refusal, and the server goes on."""
    cluster.start_coordinator()
    service = jobs(cluster.grpc)
    big = request("big", str(uuid.uuid4()))
    big.spec.training_json = json.dumps({"seed": 0, "pad": "x" * 5_000_000})
    with pytest.raises(grpc.RpcError) as caught:
        service.CreateJob(big, timeout=30, metadata=METADATA)
    assert caught.value.code() in (grpc.StatusCode.INVALID_ARGUMENT,
                                   grpc.StatusCode.RESOURCE_EXHAUSTED)
    assert all_jobs(service) == []


def test_cli_repeats_its_own_request(cluster):
    """`ocellus submit --request-id` run twice (a lost answer, a retried script) makes one job."""
    cluster.start_coordinator()
    path = cluster.path("job.json")
    with open(path, "w", encoding="utf-8") as f:
        json.dump(waiting("again"), f)
    command = ("submit", "-q", "--no-data-check", "--request-id", str(uuid.uuid4()))
    first = cluster.cli(*command, path).stdout
    second = cluster.cli(*command, path).stdout
    assert first == second and first.strip()
    assert len(cluster.cli("job", "list", "-o", "name").stdout.split()) == 1
