"""Tokens of people: made, used, expired, revoked; what is written down; limits; other clients."""
import glob
import json
import os
import re
import shutil
import subprocess
import threading
import time

import grpc
import pytest

from cluster import Process, metric, processes, scrape, until
from documents import tiny
from programs import ROOT, program
from secure import code_of, is_private
from test_submit import reason_of

SECRET = re.compile(r"oc[tj]_[A-Za-z0-9_-]{43}")


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


def test_no_secret_anywhere(secure, images):
    """A run whose own output has tokens in it: they are in no log, event, metric, audit row,
    command line, nor in any file of the data folders but those that hold them."""
    secure.start_coordinator()
    secure.start_worker()
    ann = secure.token("ann", "editor")
    join = secure.join_token("another")
    document = tiny(images, project="vision", labels={"note": "x"})
    path = secure.path("secret.json")
    with open(path, "w", encoding="utf-8") as f:
        json.dump(document, f)
    as_ann = ["--token-file", secure.secret_file("ann", ann)]
    job = secure.cli(*as_ann, "submit", "-q", "--no-data-check", path).stdout.strip()
    secure.wait_for_state(job, "SUCCEEDED")
    from ocellus.v1 import auth_pb2
    code_of(lambda: secure.stub("AuthService").JoinNode(auth_pb2.JoinNodeRequest(
        node="x", join_token=join, signing_request="-----BEGIN PRIVATE KEY-----\nabc"), timeout=9))
    code_of(lambda: secure.stub("AuthService", token=ann).RevokeToken(
        auth_pb2.RevokeTokenRequest(id=ann), timeout=9))
    seen = {
        "logs": secure.cli("job", "logs", job).stdout,
        "events": secure.cli("job", "events", job, "-o", "json").stdout,
        "audit": secure.cli("audit", "-o", "json").stdout,
        "job": secure.cli("job", "get", job, "-o", "json").stdout,
        "metrics": scrape(secure.metrics) + scrape(secure.worker_metrics),
        "processes": "\n".join(c for _, c in processes().values()),
        "outputs": "".join(p.output() for p in secure.started)}
    for where, text in seen.items():
        assert text and not SECRET.search(text), (where, SECRET.search(text))
    holders = {secure.admin_file, secure.path("ann"), secure.path("worker.join")}
    for folder, _, files in os.walk(secure.folder):
        for name in files:
            whole = os.path.join(folder, name)
            if whole not in holders:
                with open(whole, "rb") as f:
                    assert not SECRET.search(f.read().decode("latin-1")), whole


def test_secrets_that_ranks_print(cluster, stubs):
    """A line of a rank that shows a token or a password is stored without it."""
    from fake_agent import FakeAgent
    cluster.start_coordinator()
    agent = FakeAgent(cluster.grpc)
    agent.register()
    agent.open()
    job = cluster.submit(tiny("/nowhere/*.tar"))
    gang = agent.gang(agent.order("start"))
    agent.log(gang, f"token=oct_{'D' * 43} and s3://user:hunter2@host/x password: hunter3 fine")
    text = cluster.cli("job", "logs", job).stdout
    assert "fine" in text and "[redacted]" in text
    assert "hunter" not in text and "oct_D" not in text
    agent.close()


def test_plaintext_only_on_loopback(cluster):
    """On another address the coordinator takes TLS by itself; --insecure-dev warns."""
    from ocellus.v1 import service_pb2, service_pb2_grpc

    def started(*options):
        data = cluster.path(f"data-{len(cluster.started)}")
        process = cluster.launch(f"c{len(cluster.started)}", [
            program("ocellus-coordinator"), "--data-dir", data, "--listen", "0.0.0.0:0",
            "--metrics-listen", "127.0.0.1:0", *options])
        return process, "127.0.0.1:" + cluster.endpoint(process, data)["grpc"].rsplit(":", 1)[1]

    def ask(channel):
        return code_of(lambda: service_pb2_grpc.AdminServiceStub(channel).GetStatus(
            service_pb2.GetStatusRequest(), timeout=10))
    process, address = started()
    assert "insecure" not in process.output()
    assert ask(grpc.insecure_channel(address)) == "UNAVAILABLE"
    with open(os.path.join(process.command[2], "tls", "authority.pem"), "rb") as f:
        trusted = grpc.ssl_channel_credentials(f.read())
    assert ask(grpc.secure_channel(address, trusted)) == "UNAUTHENTICATED"
    process, address = started("--insecure-dev")
    assert "warning insecure" in process.output()
    assert ask(grpc.insecure_channel(address)) == "OK"
    both = Process([program("ocellus-coordinator"), "--data-dir", cluster.path("x"), "--secure",
                    "--insecure-dev", "--listen", "127.0.0.1:0", "--metrics-listen",
                    "127.0.0.1:0"], cluster.path("both.log"))
    assert both.popen.wait(timeout=30) == 2 and "contradict" in both.output()


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
