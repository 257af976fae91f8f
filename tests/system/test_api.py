"""What every gRPC client may count on: health, reflection, pages, watches, error details."""
import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase)

from documents import tiny, waiting
from test_submit import METADATA, jobs, reason_of

SERVICES = {"ocellus.v1.JobService", "ocellus.v1.LogService", "ocellus.v1.CheckpointService",
            "ocellus.v1.NodeService", "ocellus.v1.AdminService", "ocellus.v1.WorkerService",
            "ocellus.v1.AuthService"}


def test_health(cluster):
    cluster.start_coordinator()
    stub = health_pb2_grpc.HealthStub(grpc.insecure_channel(cluster.grpc))
    for service in ("", "ocellus.v1.JobService"):
        answer = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=10)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING, service
    with pytest.raises(grpc.RpcError) as caught:
        stub.Check(health_pb2.HealthCheckRequest(service="nobody"), timeout=10)
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND


def test_reflection(cluster):
    cluster.start_coordinator()
    database = ProtoReflectionDescriptorDatabase(grpc.insecure_channel(cluster.grpc))
    assert SERVICES <= set(database.get_services())
    file = database.FindFileContainingSymbol("ocellus.v1.JobService")
    assert "CreateJob" in [m.name for s in file.service for m in s.method]


def test_unknown_job(cluster, stubs):
    from ocellus.v1 import service_pb2
    cluster.start_coordinator()
    service = jobs(cluster.grpc)
    for call, message in ((service.GetJob, service_pb2.GetJobRequest),
                          (service.CancelJob, service_pb2.CancelJobRequest),
                          (service.ExplainJob, service_pb2.ExplainJobRequest)):
        with pytest.raises(grpc.RpcError) as caught:
            call(message(job="j-none"), timeout=10, metadata=METADATA)
        assert caught.value.code() == grpc.StatusCode.NOT_FOUND
        assert reason_of(caught.value) == "JOB_NOT_FOUND"


def test_bad_spec_has_field_violations(cluster, stubs):
    from google.rpc import error_details_pb2, status_pb2
    from ocellus.v1 import job_pb2, service_pb2
    cluster.start_coordinator()
    bad = service_pb2.CreateJobRequest(request_id="6f2a9a9e-6f0c-4d28-9d9e-0b7f4a7f1d11",
                                       spec=job_pb2.JobSpec(name="Bad Name", ranks=0,
                                                            training_json='{"objectve": {}}'))
    with pytest.raises(grpc.RpcError) as caught:
        jobs(cluster.grpc).CreateJob(bad, timeout=10, metadata=METADATA)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert reason_of(caught.value) == "INVALID_SPEC"
    status = status_pb2.Status()
    status.ParseFromString(dict(caught.value.trailing_metadata())["grpc-status-details-bin"])
    fields = []
    for detail in status.details:
        violations = error_details_pb2.BadRequest()
        if detail.Unpack(violations):
            fields += [(v.field, v.description) for v in violations.field_violations]
    said = str(fields)
    assert "name" in said and "objectve" in said


def test_watch_ends_with_the_job(cluster, stubs, images):
    """Progress comes as it happens, states in order, and the stream ends by itself."""
    from ocellus.v1 import job_pb2, service_pb2
    cluster.start()
    job = cluster.submit(tiny(images))
    states, steps = [], []
    for update in jobs(cluster.grpc).WatchJobs(service_pb2.WatchJobsRequest(job=job), timeout=120,
                                               metadata=METADATA):
        state = job_pb2.JobState.Name(update.job.state).removeprefix("JOB_STATE_")
        if not states or states[-1] != state:
            states.append(state)
        steps.append(update.job.progress.step)
    assert states[-1] == "SUCCEEDED" and "RUNNING" in states
    order = ["PENDING", "STARTING", "RUNNING", "STOPPING", "SUCCEEDED"]
    assert [s for s in order if s in states] == states
    assert len(set(steps)) > 5 and steps[-1] == 200


def test_validate_only_creates_nothing(cluster):
    cluster.start_coordinator()
    path = cluster.path("job.json")
    import json
    with open(path, "w", encoding="utf-8") as f:
        json.dump(waiting("dry"), f)
    said = cluster.cli("submit", "--dry-run", "--no-data-check", path)
    assert "dry" in said.stdout + said.stderr
    assert "dry" not in cluster.cli("job", "list").stdout
