"""Who may call what: every method, by every kind of caller, on a real coordinator."""
import importlib
import json
import uuid

import grpc
import pytest

from documents import waiting
from secure import PROTOCOL, SERVICES, code_of, new_key_and_request
from test_submit import spec_of

# The least role, and where: written down by hand, so that a rule in proto/ does not change unseen.
EXPECTED = {
    "JobService": {
        "CreateJob": "editor", "GetJob": "viewer", "ListJobs": "anyone", "WatchJobs": "viewer",
        "CancelJob": "editor", "HoldJob": "editor", "ResumeJob": "editor", "ExplainJob": "viewer",
        "ListEvents": "viewer"},
    "LogService": {"TailLogs": "viewer"},
    "CheckpointService": {
        "ListCheckpoints": "viewer", "GetCheckpoint": "viewer", "VerifyCheckpoint": "editor",
        "PinCheckpoint": "editor", "DeleteCheckpoint": "editor", "RecordCopy": "editor"},
    "NodeService": {"ListNodes": "anyone"},
    "AdminService": {"GetStatus": "anyone"},
    "WorkerService": {
        "Register": "node", "Session": "node", "ReportEvents": "node", "PutLogs": "node",
        "BeginCheckpoint": "node", "CommitCheckpoint": "node", "ReportDamage": "node"},
    "AuthService": {
        "WhoAmI": "anyone", "CanI": "anyone", "CreateToken": "admin *", "ListTokens": "anyone",
        "RevokeToken": "anyone", "GrantRole": "admin", "RevokeRole": "admin",
        "ListRoles": "anyone", "CreateJoinToken": "operator *", "JoinNode": "public",
        "RenewNode": "node", "ListNodeCertificates": "operator *", "RevokeNode": "operator *",
        "ListAudit": "admin"},
}
ROLES = ["stranger", "viewer", "editor", "operator", "admin"]


def methods():
    """Every (service, method descriptor) of proto/, from the descriptors themselves."""
    for service, file in SERVICES.items():
        module = importlib.import_module(f"ocellus.v1.{file}_pb2")
        for method in module.DESCRIPTOR.services_by_name[service].methods:
            yield service, method


def request_for(method, job):
    """A request that names the job, project or node, and would change nothing that is needed."""
    from ocellus.v1 import job_pb2
    request = importlib.import_module(
        "ocellus.v1." + method.input_type.file.name.split("/")[-1][:-6] + "_pb2")
    made = getattr(request, method.input_type.name)()
    names = {f.name for f in method.input_type.fields}
    if "spec" in names:
        made.spec.CopyFrom(spec_of(job_pb2, "matrix"))
        made.spec.project = "vision"
        made.request_id = str(uuid.uuid4())
    for name, value in (("job", job), ("project", "vision"), ("node", "node-1")):
        if name in names:
            setattr(made, name, value)
    if method.name in ("GrantRole", "RevokeRole"):
        made.principal = "nobody"
        if method.name == "GrantRole":
            made.role = 1
    if method.name == "CreateToken":
        made.principal = "nobody"
    if method.name == "RevokeNode":
        made.node = "another"  # the callers' own is still needed
    return made


def call(cluster, service, method, request, how):
    stub = cluster.stub(service, **how)
    sent = iter([request]) if method.client_streaming else request
    return code_of(lambda: getattr(stub, method.name)(sent, timeout=20, metadata=[PROTOCOL]))


def allowed(rule, who):
    """Whether a caller with that role in project vision (or in "*") may."""
    role, everywhere = who
    if rule in ("public", "anyone"):
        return True
    if rule == "node":
        return role == "node"
    least, _, where = rule.partition(" ")
    if role == "node" or (where and not everywhere):
        return False
    return ROLES.index(role) >= ROLES.index(least)


def test_every_method_has_an_expectation(stubs):
    found = {(s, m.name) for s, m in methods()}
    assert found == {(s, m) for s, ms in EXPECTED.items() for m in ms}
    # A service that is not in the list would be missed above.
    files = {importlib.import_module(f"ocellus.v1.{f}_pb2") for f in SERVICES.values()}
    assert {s for f in files for s in f.DESCRIPTOR.services_by_name} == set(SERVICES)


def callers(cluster):
    """{(role, everywhere): how to call}."""
    made = {(role, False): {"token": cluster.token(f"{role}-one", role if role != "stranger" else
                                                   None)} for role in ROLES}
    made.update({(role, True): {"token": cluster.token(f"{role}-all", role, "*")}
                 for role in ROLES[1:]})
    key, request = new_key_and_request(cluster.folder, "node-1", "node-1")
    from ocellus.v1 import auth_pb2
    answer = cluster.stub("AuthService").JoinNode(auth_pb2.JoinNodeRequest(
        node="node-1", join_token=cluster.join_token(), signing_request=request), timeout=20)
    made["node", False] = {"key": key, "certificate": answer.certificate.encode()}
    return made


def test_matrix(secure):
    """The codes of refusal come exactly where the table says so."""
    secure.start_coordinator("--calls-per-s", 10000)
    job = secure.submit_as(secure.admin).id
    wrong, counted = [], 0
    for who, how in callers(secure).items():
        for service, method in methods():
            rule = EXPECTED[service][method.name]
            code = call(secure, service, method, request_for(method, job), how)
            refused = code in ("UNAUTHENTICATED", "PERMISSION_DENIED")
            # A stranger must not even learn that the job is there. A join token that is none is
            # refused in the same words as a missing role.
            if method.name == "JoinNode":
                refused = code == "UNAUTHENTICATED"
            if who == ("stranger", False) and "job" in method.input_type.fields_by_name:
                refused = code == "NOT_FOUND" or (method.name == "WatchJobs" and code == "OK")
            # Nodes are no persons: "anyone" is any person.
            expected = allowed(rule, who) and not (who[0] == "node" and rule == "anyone")
            counted += 1
            if refused == expected:
                wrong.append(f"{who}: {service}.{method.name} ({rule}): {code}")
    assert not wrong, "\n".join(wrong)
    assert counted > 350


def test_without_credentials(secure):
    """Nothing but JoinNode answers to nobody; reflection neither."""
    secure.start_coordinator("--calls-per-s", 10000)
    job = secure.submit_as(secure.admin).id
    for how in ({}, {"token": "oct_" + "A" * 43}, {"token": "nonsense"}):
        codes = set()
        for service, method in methods():
            code = call(secure, service, method, request_for(method, job), how)
            if method.name != "JoinNode":
                codes.add(code)
        # Guessing is slowed down as well.
        assert codes <= {"UNAUTHENTICATED", "RESOURCE_EXHAUSTED"}, codes
        assert "UNAUTHENTICATED" in codes


def test_reflection_wants_a_token(secure):
    from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
        ProtoReflectionDescriptorDatabase)
    secure.start_coordinator()
    with pytest.raises(grpc.RpcError) as refused:
        ProtoReflectionDescriptorDatabase(secure.channel()).get_services()
    assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED
    known = ProtoReflectionDescriptorDatabase(secure.channel(token=secure.admin)).get_services()
    assert "ocellus.v1.AuthService" in set(known)


def test_projects_do_not_see_each_other(secure):
    """Names, lists, watches, events, logs and counts of another project are as if they were not."""
    from ocellus.v1 import service_pb2
    secure.start_coordinator()
    ann, bob = secure.token("ann", "editor", "vision"), secure.token("bob", "admin", "speech")
    ours = secure.submit_as(ann, "same-name", "vision").id
    theirs = secure.submit_as(bob, "same-name", "speech").id
    jobs = secure.stub("JobService", token=ann)
    listed = jobs.ListJobs(service_pb2.ListJobsRequest(), timeout=20)
    assert [j.id for j in listed.jobs] == [ours]
    asked = jobs.ListJobs(service_pb2.ListJobsRequest(project="speech"), timeout=20)
    assert not asked.jobs
    # The newest job of the name is bob's; for ann it is her own.
    assert jobs.GetJob(service_pb2.GetJobRequest(job="same-name"), timeout=20).job.id == ours
    for method, request in (("GetJob", service_pb2.GetJobRequest), ("CancelJob",
                            service_pb2.CancelJobRequest), ("ListEvents",
                            service_pb2.ListEventsRequest), ("ExplainJob",
                            service_pb2.ExplainJobRequest)):
        code = code_of(lambda m=method, r=request: getattr(jobs, m)(r(job=theirs), timeout=20))
        assert code == "NOT_FOUND", (method, code)
    logs = secure.stub("LogService", token=ann)
    assert code_of(lambda: logs.TailLogs(service_pb2.TailLogsRequest(job=theirs),
                                         timeout=20)) == "NOT_FOUND"
    watch = jobs.WatchJobs(service_pb2.WatchJobsRequest(), timeout=20)
    assert next(watch).job.id == ours
    watch.cancel()
    status = secure.stub("AdminService", token=ann).GetStatus(service_pb2.GetStatusRequest(),
                                                              timeout=20)
    assert status.jobs["pending"] == 1
    denied = secure.cli("--token-file", secure.secret_file("ann", ann), "job", "cancel", theirs,
                        code=3)
    assert "no job" in denied.stderr


def test_specs_stay_in_their_project(secure):
    """A document that names another project's part of the object store is refused."""
    secure.start_coordinator()
    store = secure.path("store")
    for text, fine in ((f"{store}/vision/x/*.tar", True), (f"{store}/speech/x/*.tar", False),
                       (f"file://{store}/speech/x.tar", False),
                       (f"{store}/vision/../speech/x.tar", False), (f"{store}/*/x.tar", False),
                       ("/data/x.tar", True)):
        document = secure.path("job.json")
        with open(document, "w", encoding="utf-8") as f:
            json.dump(waiting("paths", project="vision", data={"train": text}), f)
        done = secure.cli("submit", "--no-data-check", "-q", document, code=None)
        assert done.returncode == (0 if fine else 2), (text, done.stderr)
        assert fine or "data.train" in done.stderr
