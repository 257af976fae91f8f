"""Nothing secret is written down or said in plaintext."""
import json
import os

import grpc

from cluster import Process, processes, scrape
from documents import tiny
from programs import program
from secure import SECRET, code_of


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
            "--metrics-listen", "127.0.0.1:0", "--page-listen", "127.0.0.1:0", *options])
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
