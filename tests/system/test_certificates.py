"""TLS of the coordinator and certificates of nodes: joined, renewed, foreign, expired, revoked."""
import json
import os
import subprocess
import threading
import time

import grpc
import pytest

from cluster import processes, until
from documents import tiny
from secure import PROTOCOL, code_of, is_private, new_key_and_request
from test_submit import reason_of


def join(cluster, token, node="node-1", request=None):
    """JoinNode through a plain client; (key, certificate)."""
    from ocellus.v1 import auth_pb2
    key, made = new_key_and_request(cluster.folder, f"join-{time.monotonic_ns()}", node)
    answer = cluster.stub("AuthService").JoinNode(auth_pb2.JoinNodeRequest(
        node=node, join_token=token, signing_request=request or made), timeout=20)
    return key, answer.certificate.encode()


def refused(cluster, token, **more):
    with pytest.raises(grpc.RpcError) as caught:
        join(cluster, token, **more)
    return caught.value


def register(cluster, node="node-1", **how):
    """The code that Register answers with."""
    from ocellus.v1 import worker_pb2
    stub = cluster.stub("WorkerService", **how)
    request = worker_pb2.RegisterRequest(node=node, instance_id="x", version="0.1.0", protocol=1,
                                         inventory=worker_pb2.Inventory(cpu_slots=1))
    return code_of(lambda: stub.Register(request, timeout=10, metadata=[PROTOCOL]))


def test_join_token_works_once(secure):
    """It is for one node and one use; a replay, a forgery and an expired one are refused."""
    secure.start_coordinator()
    token = secure.join_token()
    assert reason_of(refused(secure, token, node="node-2")) == "JOIN_REFUSED"
    key, certificate = join(secure, token)
    assert register(secure, key=key, certificate=certificate) == "OK"
    replay = refused(secure, token)
    assert replay.code() == grpc.StatusCode.PERMISSION_DENIED
    assert "has been used" in replay.details()
    assert "not known" in refused(secure, "ocj_" + "A" * 43).details()
    assert refused(secure, secure.join_token(), request="no request").code() == (
        grpc.StatusCode.INVALID_ARGUMENT)
    short = secure.join_token("node-1", uses=1000, seconds=1)
    until(lambda: code_of(lambda: join(secure, short)) == "PERMISSION_DENIED", "its end", 10)
    assert "has expired" in refused(secure, short).details()
    pool = secure.join_token("pool-*", uses=2)
    join(secure, pool, node="pool-1")
    join(secure, pool, node="pool-2")
    assert "has been used" in refused(secure, pool, node="pool-3").details()
    # One thread of many gets in with one token.
    race, results = secure.join_token("node-9"), []
    threads = [threading.Thread(target=lambda: results.append(code_of(
        lambda: join(secure, race, node="node-9")))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["OK"] + ["PERMISSION_DENIED"] * 5


def test_a_certificate_names_its_node(secure):
    secure.start_coordinator()
    key, certificate = join(secure, secure.join_token())
    assert register(secure, "node-2", key=key, certificate=certificate) == "PERMISSION_DENIED"
    text = subprocess.run(["openssl", "x509", "-noout", "-subject", "-ext", "extendedKeyUsage"],
                          input=certificate, capture_output=True, check=True).stdout.decode()
    assert "CN = node-1" in text and "TLS Web Client Authentication" in text
    # The coordinator's own certificate is signed by the same authority, but is no node's.
    tls = secure.path("coordinator", "tls")
    with open(os.path.join(tls, "server.key"), "rb") as k, \
         open(os.path.join(tls, "server.pem"), "rb") as c:
        assert register(secure, key=k.read(), certificate=c.read()) in (
            "UNAUTHENTICATED", "UNAVAILABLE")
    assert is_private(os.path.join(tls, "authority.key"))
    assert is_private(os.path.join(tls, "server.key"))


def test_foreign_certificates(secure):
    """Signed by another authority, or by itself with the right words in it."""
    secure.start_coordinator()
    folder = secure.folder
    key = os.path.join(folder, "own.key")
    own = os.path.join(folder, "own.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", own, "-days", "2",
                    "-subj", "/O=ocellus-node/CN=node-1"], check=True, capture_output=True)
    with open(key, "rb") as k, open(own, "rb") as c:
        assert register(secure, key=k.read(), certificate=c.read()) == "UNAVAILABLE"
    # And a client that trusts another authority does not speak to this coordinator.
    with open(own, "rb") as c:
        assert register(secure, root=c.read()) == "UNAVAILABLE"


def test_expired_and_revoked_certificates(secure):
    secure.start_coordinator("--node-certificate-s", 4)
    key, certificate = join(secure, secure.join_token())
    kept = secure.stub("WorkerService", key=key, certificate=certificate)
    from ocellus.v1 import worker_pb2
    request = worker_pb2.RegisterRequest(node="node-1", instance_id="x", version="0.1.0",
                                         protocol=1,
                                         inventory=worker_pb2.Inventory(cpu_slots=1))
    def again():
        return code_of(lambda: kept.Register(request, timeout=10, metadata=[PROTOCOL]))
    assert again() == "OK"
    # A connection from before does not outlive its certificate, and a new one is not made.
    until(lambda: again() == "UNAUTHENTICATED", "the end of the certificate", 15, 0.2)
    assert register(secure, key=key, certificate=certificate) == "UNAVAILABLE"
    secure.coordinator.kill()
    secure.start_coordinator()
    key, certificate = join(secure, secure.join_token("node-2"), node="node-2")
    assert register(secure, "node-2", key=key, certificate=certificate) == "OK"
    secure.cli("node", "revoke", "node-2")
    assert register(secure, "node-2", key=key, certificate=certificate) == "UNAUTHENTICATED"
    assert "node-2" in secure.cli("node", "certificates").stdout


def test_worker_trains_and_renews(secure, images):
    """A whole run in secure mode, through several renewals of a very short certificate."""
    secure.start_coordinator("--node-certificate-s", 8)
    secure.start_worker()
    job = secure.submit(tiny(images, project="vision"))
    secure.wait_for_state(job, "SUCCEEDED")
    until(lambda: secure.worker.output().count("certificate_renewed") >= 2, "renewals", 30)
    assert is_private(secure.path("worker", "identity", "node.key"))
    # A restarted worker needs no join token while its certificate is good.
    secure.worker.kill()
    os.remove(secure.path("worker.join"))
    Base = type(secure).__mro__[1]
    Base.start_worker(secure, "worker", "node-1")
    until(lambda: json.loads(secure.cli("cluster", "status", "-o", "json").stdout)["nodes_ready"],
          "the worker")
    # Shut out, it loses its session at once and does not come back.
    secure.cli("node", "revoke", "node-1")
    until(lambda: not json.loads(secure.cli("cluster", "status", "-o", "json").stdout)[
        "nodes_ready"], "the end of its session", 20)
    commands = "\n".join(c for _, c in processes().values())
    assert "oct_" not in commands and "ocj_" not in commands


def test_worker_does_not_speak_in_the_clear(secure):
    """Neither to another machine without TLS, nor without a certificate to get."""
    from cluster import Process
    from programs import program
    secure.start_coordinator()
    base = [program("ocellus-worker"), "--data-dir", secure.path("w"), "--node", "n",
            "--trainer", program("ocellus-trainer"), "--metrics-listen", ""]
    for options, said in ((["--coordinator", "192.0.2.1:7410"], "nothing protects"),
                          (["--coordinator", secure.grpc, "--ca", secure.ca], "join token")):
        process = Process([*base, *options], secure.path("refused.log"))
        assert process.popen.wait(timeout=30) == 1
        assert said in process.output()


def make_pair(folder, name, ca_key, ca):
    """A server certificate by our own authority, in a folder of its own."""
    os.makedirs(os.path.join(folder, name))
    key, request = (os.path.join(folder, name, n) for n in ("tls.key", "tls.csr"))
    subprocess.run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", request,
                    "-subj", f"/CN={name}"], check=True, capture_output=True)
    extension = os.path.join(folder, name, "ext")
    with open(extension, "w", encoding="ascii") as f:
        f.write("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    subprocess.run(["openssl", "x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key,
                    "-CAcreateserial", "-days", "2", "-extfile", extension, "-out",
                    os.path.join(folder, name, "tls.crt")], check=True, capture_output=True)


def swap(folder, name):
    """As Kubernetes changes a mounted Secret: one rename of a link."""
    os.symlink(name, os.path.join(folder, "..new"))
    os.rename(os.path.join(folder, "..new"), os.path.join(folder, "now"))


def shown(address):
    """The common name of the certificate that the server shows now."""
    host, port = address.rsplit(":", 1)
    pem = subprocess.run(["openssl", "s_client", "-connect", f"{host}:{port}", "-alpn", "h2"],
                         input=b"", capture_output=True, timeout=20, check=False).stdout
    text = subprocess.run(["openssl", "x509", "-noout", "-subject"], input=pem,
                          capture_output=True, check=False).stdout.decode()
    return text.rsplit("CN = ", 1)[-1].strip()


def test_rotation_under_load(secure):
    """The operator's certificate is replaced three times while calls run: none is dropped."""
    from ocellus.v1 import service_pb2
    folder = secure.path("mounted")
    os.makedirs(folder)
    ca_key, ca = os.path.join(folder, "ca.key"), os.path.join(folder, "ca.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-keyout", ca_key, "-out", ca, "-days",
                    "2", "-subj", "/CN=operator"], check=True, capture_output=True)
    for number in range(4):
        make_pair(folder, f"server-{number}", ca_key, ca)
    swap(folder, "server-0")
    now = os.path.join(folder, "now")
    secure.start_coordinator("--tls-cert", os.path.join(now, "tls.crt"), "--tls-key",
                             os.path.join(now, "tls.key"), "--calls-per-s", 100000)
    secure.ca = ca
    secure.cli_env["OCELLUS_CA"] = ca
    ending, failures, calls = threading.Event(), [], [0, 0]

    def load(kind):
        stub = secure.stub("AdminService", token=secure.admin)
        while not ending.is_set():
            try:
                if kind == 1:  # a new connection for each call
                    stub = secure.stub("AdminService", token=secure.admin)
                stub.GetStatus(service_pb2.GetStatusRequest(), timeout=20)
                calls[kind] += 1
            except grpc.RpcError as error:
                failures.append(error)
    threads = [threading.Thread(target=load, args=(kind,)) for kind in (0, 1)]
    for thread in threads:
        thread.start()
    try:
        for number in range(1, 4):
            swap(folder, f"server-{number}")
            for address in (secure.grpc, secure.page.split("/")[2]):
                until(lambda n=number, a=address: shown(a) == f"server-{n}", "the new one", 20)
    finally:
        ending.set()
        for thread in threads:
            thread.join()
    assert not failures, failures[:3]
    assert min(calls) > 20, calls
