"""Tokens of people: made, used, expired, revoked; and what is written down of their calls."""
import glob
import json
import os
import re
import time

import grpc
import pytest

from cluster import until
from secure import SECRET, code_of, is_private
from test_submit import reason_of


def who(cluster, token):
    from ocellus.v1 import auth_pb2
    return cluster.stub("AuthService", token=token).WhoAmI(auth_pb2.WhoAmIRequest(), timeout=20)


def test_life_of_a_token(secure):
    secure.start_coordinator()
    assert is_private(secure.admin_file)
    token = secure.token("ann", "editor")
    assert re.fullmatch(SECRET, token)
    me = who(secure, token)
    assert me.principal == "user:ann" and not me.local_mode
    assert [(r.project, r.role) for r in me.roles] == [("vision", 2)]
    # At rest there is only its hash.
    secure.coordinator.kill()
    for path in glob.glob(secure.path("coordinator", "state.db*")):
        with open(path, "rb") as f:
            assert token.encode() not in f.read()
    secure.start_coordinator()
    assert who(secure, token).principal == "user:ann"
    # Expired.
    short = secure.token("ben", "viewer", seconds=2)
    assert who(secure, short).principal == "user:ben"
    until(lambda: code_of(lambda: who(secure, short)) == "UNAUTHENTICATED", "its end", 10)
    # One's own may be revoked, others' not even seen.
    listed = json.loads(secure.cli("token", "list", "-o", "json").stdout)["tokens"]
    of_ann = next(t["id"] for t in listed if t["principal"] == "ann")
    of_ben = next(t["id"] for t in listed if t["principal"] == "ben")
    ann = secure.secret_file("ann", token)
    secure.cli("--token-file", ann, "token", "revoke", of_ben, code=3)
    secure.cli("--token-file", ann, "token", "create", "eve", code=4)
    secure.cli("--token-file", ann, "token", "revoke", of_ann)
    with pytest.raises(grpc.RpcError) as caught:
        who(secure, token)
    assert reason_of(caught.value) == "NOT_AUTHENTICATED"
    assert "revoked" in caught.value.details()
    # The first admin, once revoked, does not come back with a restart.
    of_admin = next(t["id"] for t in listed if t["principal"] == "admin")
    other = secure.token("root", "admin", "*")
    secure.cli("token", "revoke", of_admin)
    secure.coordinator.kill()
    secure.start_coordinator()
    secure.cli("whoami", code=4)
    assert who(secure, other).principal == "user:root"


def test_revocation_cuts_streams(secure):
    """A watch and a log tail end within 5 s of the revocation; so does that of a lost role."""
    from ocellus.v1 import service_pb2
    secure.start_coordinator()
    job = secure.submit_as(secure.admin).id
    for end in ("token", "role"):
        token = secure.token("ann", "viewer")
        streams = [secure.stub("JobService", token=token).WatchJobs(
            service_pb2.WatchJobsRequest(job=job)),
            secure.stub("LogService", token=token).TailLogs(
                service_pb2.TailLogsRequest(job=job, follow=True))]
        next(streams[0])
        me = who(secure, token)
        if end == "token":
            secure.cli("token", "revoke", me.token_id)
        else:
            secure.cli("role", "revoke", "ann", "--project", "vision")
        begun = time.monotonic()
        for stream in streams:
            with pytest.raises(grpc.RpcError):
                for _ in stream:
                    pass
        assert time.monotonic() - begun < 5
        assert code_of(lambda t=token: secure.stub("JobService", token=t).GetJob(
            service_pb2.GetJobRequest(job=job), timeout=20)) != "OK"


def test_login_and_roles(secure):
    """`login` remembers; commands then need neither --ca nor a token."""
    secure.start_coordinator()
    token = secure.token("ann", "viewer")
    job = secure.submit_as(secure.admin).id
    secure.cli_env = {}
    secure.cli("job", "get", job, code=5)  # plaintext to a port that speaks TLS
    done = secure.cli("login", "--ca", secure.ca, input=token + "\n")
    assert "user:ann" in done.stderr and token not in done.stdout + done.stderr
    remembered = secure.path("home", ".config", "ocellus", "credentials.json")
    assert is_private(remembered)
    assert "viewer in vision" in secure.cli("whoami").stdout
    secure.cli("job", "get", job)
    denied = secure.cli("job", "cancel", job, code=4)
    assert "needs the role editor in project vision" in denied.stderr
    assert "role grant" in denied.stderr
    assert secure.cli("role", "can-i", "CancelJob", "--project", "vision", code=4).stdout == "no\n"
    assert secure.cli("role", "can-i", "GetJob", "--project", "vision").stdout == "yes\n"
    os.chmod(remembered, 0o644)
    assert "chmod 600" in secure.cli("whoami", code=2).stderr
    os.chmod(remembered, 0o600)
    secure.cli("logout")
    secure.cli("whoami", code=5)


def test_wrong_token_is_not_remembered(secure):
    secure.start_coordinator()
    secure.cli_env = {}
    secure.cli("login", "--ca", secure.ca, input="oct_" + "B" * 43 + "\n", code=4)
    assert not os.path.exists(secure.path("home", ".config", "ocellus", "credentials.json"))


def test_audit(secure):
    """Who, what, where, how it ended and under which id; refusals too; nothing secret."""
    secure.start_coordinator()
    ann = secure.token("ann", "viewer")
    job = secure.submit_as(secure.admin).id
    from ocellus.v1 import service_pb2
    jobs = secure.stub("JobService", token=ann)
    assert code_of(lambda: jobs.CancelJob(service_pb2.CancelJobRequest(job=job),
                                          timeout=20)) == "PERMISSION_DENIED"
    _, call = secure.stub("JobService", token=secure.admin).HoldJob.with_call(
        service_pb2.HoldJobRequest(job=job), timeout=20)
    request_id = dict(call.initial_metadata())["ocellus-request-id"]
    rows = json.loads(secure.cli("audit", "-o", "json").stdout)["entries"]
    by_method = {(r["method"], r["actor"]): r for r in rows}
    held = by_method["JobService.HoldJob", "user:admin"]
    assert held["result"] == "OK" and held["project"] == "vision"
    assert held["request_id"] == request_id and job in held["request"]
    assert held["peer"] == "127.0.0.1"
    refused = by_method["JobService.CancelJob", "user:ann"]
    assert refused["result"] == "PERMISSION_DENIED"
    assert by_method["AuthService.CreateToken", "user:admin"]["request"].count("ann") == 1
    created = by_method["JobService.CreateJob", "user:admin"]
    assert re.fullmatch(r"[0-9a-f-]{36}", created["request_id"])
    assert "training_json" not in created["request"]
    assert not SECRET.search(json.dumps(rows))
    assert "JobService.HoldJob" in secure.cli("audit", "-o", "wide").stdout
    # Reads leave no row, and only admins see the log.
    assert not any(r["method"].split(".")[1].startswith(("Get", "List", "Who")) for r in rows)
    secure.cli("--token-file", secure.secret_file("ann", ann), "audit", code=4)
    # Actors of events are people now.
    events = secure.cli("job", "events", job, "-o", "json").stdout
    assert "user:admin" in events
