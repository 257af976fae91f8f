"""The programs, started exactly as the chart's pods start them, but for paths and addresses."""
import os
import subprocess

import pytest
import yaml

import chart
from cluster import Cluster, scrape, until
from prometheus_server import free_port
from programs import program

TEST = "templates/tests/coordinator.yaml"


def own_certificate(folder):
    """ca.crt, and tls.crt with tls.key for 127.0.0.1, as a Secret has them."""
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=test authority", "-days", "2")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
            "tls.key", "-out", "tls.csr", "-subj", "/CN=ocellus")
    with open(os.path.join(folder, "names"), "w", encoding="utf-8") as f:
        f.write("subjectAltName=IP:127.0.0.1")
    openssl("x509", "-req", "-in", "tls.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
            "-CAcreateserial", "-out", "tls.crt", "-days", "1", "-extfile", "names")


class Pods(Cluster):
    """What the chart's containers would run, with this folder in place of their volumes."""

    def __init__(self, folder, *values):
        super().__init__(folder)
        self.grpc, self.metrics = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
        self.containers = {}
        for made in chart.objects("--set", "tls.names={127.0.0.1}", *values):
            if made["kind"] == "StatefulSet":
                self.take(made["spec"]["template"])
            elif "pod.yaml" in made.get("data", {}):
                self.take(yaml.safe_load(made["data"]["pod.yaml"]))
        for name in ("tls", "authority", "join", "admin", "store"):
            os.makedirs(self.path("etc", name))

    def take(self, pod):
        container = pod["spec"]["containers"][0]
        self.containers[container["name"]] = container

    def arguments(self, name):
        """The container's command with the paths and addresses of this machine."""
        container = self.containers[name]
        swap = [("/var/lib/ocellus", self.path(name)), ("/etc/ocellus", self.path("etc")),
                ("0.0.0.0:7410", self.grpc), ("0.0.0.0:7411", self.metrics),
                ("0.0.0.0:7413", "127.0.0.1:0"),
                ("0.0.0.0:7412", "127.0.0.1:0"), ("file:///store", "file://" + self.path("store")),
                ("ocellus-coordinator.team.svc:7410", self.grpc)]
        made = []
        for word in container["args"]:
            for old, new in swap:
                word = word.replace(old, new)
            made.append(word)
        return [program(container["command"][0]), *made]

    def run(self, name, env=None):
        return self.launch(name, self.arguments(name), env)

    def up(self):
        self.coordinator = self.run("coordinator")
        self.endpoint(self.coordinator, self.path("coordinator"))
        return self.path("coordinator", "admin-token")

    def join(self, authority, token_file):
        """As NOTES say: the authority and a join token become the Secrets of workers."""
        self.cli_env = {"OCELLUS_CA": authority}
        made = self.cli("--token-file", token_file, "node", "join-token", "ocellus-worker-*",
                        "--uses", "1")
        with open(self.path("etc", "join", "token"), "w", encoding="utf-8") as f:
            f.write(made.stdout)
        with open(authority, encoding="utf-8") as f, open(
                self.path("etc", "authority", "ca.crt"), "w", encoding="utf-8") as g:
            g.write(f.read())

    def up_worker(self):
        self.worker = self.run("worker", {
            "OCELLUS_NODE": "ocellus-worker-0", "OCELLUS_HOST": "127.0.0.1",
            "OCELLUS_CPU_SLOTS": "2"})
        return self.endpoint(self.worker, self.path("worker"))["metrics"]


@pytest.fixture(params=["laptop", "secret"])
def pods(request, tmp_path):
    values = {"laptop": ("-f", chart.example("laptop")),
              "secret": ("--set", "tls.source=secret", "--set", "tls.existingSecret=tls",
                         "--set", "auth.joinTokenSecret=join")}[request.param]
    made = Pods(tmp_path, *values)
    own_certificate(made.path("etc", "tls"))
    made.authority = made.path("etc", "tls", "ca.crt") if request.param == "secret" else \
        made.path("coordinator", "tls", "authority.pem")
    yield made
    made.stop()


def test_coordinator_and_worker_find_each_other(pods):
    admin = pods.up()
    pods.join(pods.authority, admin)
    address = pods.up_worker()
    until(lambda: "ready" in pods.cli("--token-file", admin, "node", "list").stdout.lower(),
          lambda: pods.worker.output()[-2000:])
    assert "ocellus-worker-0" in pods.cli("--token-file", admin, "node", "list").stdout
    assert "ocellus_worker_info" in scrape(address)
    # Without a token: the coordinator's own "denied", over TLS.
    assert helm_test(pods).returncode == 0
    pods.coordinator.kill()
    assert helm_test(pods).returncode != 0


def helm_test(pods):
    """What the pod of `helm test` runs."""
    container = chart.objects("--show-only", TEST)[0]["spec"]["containers"][0]
    return subprocess.run([*container["command"], *container["args"]], check=False, timeout=60,
                          env={"PATH": os.path.dirname(program("ocellus")) + ":/usr/bin:/bin",
                               "HOME": pods.folder, "OCELLUS_SERVER": pods.grpc,
                               "OCELLUS_CA": pods.authority})
