"""A real Kubernetes control plane on loopback, and a kubelet that starts the process of each pod.

etcd, kube-apiserver, kube-scheduler, kube-controller-manager and kwok come from .kubernetes
(tools/kubernetes.sh). kwok plays nodes; `Kubelet` here does what is left: it runs the command of a
pod's container with its variables, sends it SIGTERM when the pod goes, and SIGKILL when the node
went.
"""
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import threading
import urllib.error
import urllib.request

import yaml

from chart import share, tool
from cluster import Process, until

ADMIN, COORDINATOR = "admin-token", "coordinator-token"
ACCOUNT = "system:serviceaccount:default:ocellus-coordinator"
READY_S = 180
AUDIT = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"],
         "rules": [{"level": "Metadata", "users": [ACCOUNT]}, {"level": "None"}]}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class ControlPlane:
    """The servers of one cluster; ports and state stay over restarts of the API server."""

    def __init__(self, folder):
        self.folder = str(folder)
        self.etcd_port, self.peer_port, self.port = free_port(), free_port(), free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self.certificate = self.path("certs", "apiserver.crt")
        self.audit_log = self.path("audit.log")
        self.started, self.api_server = [], None
        self.exercised = set()  # tests that went through

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def launch(self, name, *options):
        process = Process([tool(name), *options], self.path(name + ".log"))
        self.started.append(process)
        return process

    def start(self):
        keys = self.path("sa.key"), self.path("sa.pub")
        subprocess.run(["openssl", "genrsa", "-out", keys[0], "2048"], check=True,
                       capture_output=True)
        subprocess.run(["openssl", "rsa", "-in", keys[0], "-pubout", "-out", keys[1]], check=True,
                       capture_output=True)
        with open(self.path("tokens.csv"), "w", encoding="utf-8") as f:
            f.write(f'{ADMIN},admin,1,"system:masters"\n{COORDINATOR},{ACCOUNT},2,"none"\n')
        with open(self.path("audit.yaml"), "w", encoding="utf-8") as f:
            json.dump(AUDIT, f)
        self.kubeconfig(ADMIN, "admin.yaml")
        client = f"http://127.0.0.1:{self.etcd_port}"
        peer = f"http://127.0.0.1:{self.peer_port}"
        etcd = self.launch("etcd", "--data-dir", self.path("etcd"),
                           "--listen-client-urls", client, "--advertise-client-urls", client,
                           "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
                           "--initial-cluster", f"default={peer}")
        until(lambda: self.healthy(client + "/health"), etcd.output, READY_S)
        self.start_api()
        return self

    @staticmethod
    def healthy(url):
        try:
            with urllib.request.urlopen(url, timeout=1) as answer:
                return answer.status == 200
        except OSError:
            return False

    def start_api(self):
        self.api_server = self.launch(
            "kube-apiserver", f"--etcd-servers=http://127.0.0.1:{self.etcd_port}",
            "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1",
            f"--secure-port={self.port}", f"--cert-dir={self.path('certs')}",
            f"--service-account-key-file={self.path('sa.pub')}",
            f"--service-account-signing-key-file={self.path('sa.key')}",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--authorization-mode=RBAC", f"--token-auth-file={self.path('tokens.csv')}",
            "--service-cluster-ip-range=10.0.0.0/24", "--disable-admission-plugins=ServiceAccount",
            "--endpoint-reconciler-type=none", "--feature-gates=WatchList=false",
            f"--audit-policy-file={self.path('audit.yaml')}", f"--audit-log-path={self.audit_log}")
        until(self.ready, lambda: self.api_server.output()[-3000:], READY_S, 0.2)

    def ready(self):
        assert self.api_server.alive(), self.api_server.output()[-3000:]
        try:
            self.call("GET", "/readyz")
            return bool(self.call("GET", "/api/v1/namespaces/default"))
        except (OSError, urllib.error.HTTPError):
            return False

    def kill_api(self):
        self.api_server.kill()

    def start_rest(self):
        """Scheduler, controllers and kwok."""
        config = self.path("admin.yaml")
        self.launch("kube-scheduler", f"--kubeconfig={config}",
                    f"--authentication-kubeconfig={config}", f"--authorization-kubeconfig={config}",
                    "--leader-elect=false", "--bind-address=127.0.0.1",
                    f"--secure-port={free_port()}", f"--cert-dir={self.path('scheduler')}")
        self.launch("kube-controller-manager", f"--kubeconfig={config}",
                    f"--service-account-private-key-file={self.path('sa.key')}",
                    "--leader-elect=false", "--bind-address=127.0.0.1", "--controllers=*",
                    f"--secure-port={free_port()}", f"--cert-dir={self.path('controllers')}")
        self.launch("kwok", f"--kubeconfig={config}", "--manage-all-nodes=true",
                    "--node-lease-duration-seconds=40",
                    f"--config={share('kwok-stages.yaml')}")

    def kubeconfig(self, token, name, server=None, **user):
        """A kubeconfig of ours; its path."""
        cluster = {"server": server or self.url}
        if not server or server.startswith("https"):
            cluster["certificate-authority"] = self.certificate
        text = {"apiVersion": "v1", "kind": "Config", "current-context": "c",
                "clusters": [{"name": "c", "cluster": cluster}],
                "users": [{"name": "u", "user": user or {"token": token}}],
                "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}]}
        with open(self.path(name), "w", encoding="utf-8") as f:
            yaml.safe_dump(text, f)
        return self.path(name)

    def call(self, method, path, body=None, kind="application/json", token=ADMIN):
        """One call of the API; the answer's JSON (or text)."""
        request = urllib.request.Request(self.url + path, method=method,
                                         data=json.dumps(body).encode() if body else None)
        request.add_header("Authorization", "Bearer " + token)
        request.add_header("Content-Type", kind)
        context = ssl.create_default_context(cafile=self.certificate)
        with urllib.request.urlopen(request, timeout=30, context=context) as answer:
            text = answer.read().decode()
        return json.loads(text) if text.startswith("{") else text

    def create(self, path, body):
        try:
            return self.call("POST", path, body)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path}: {error.read().decode()}") from error

    def pods(self, job=None):
        """{name: pod} of the workers, of one job or all."""
        selector = "ocellus.dev/launcher" + (f",ocellus.dev/job={job}" if job else "")
        listed = self.call("GET", f"/api/v1/namespaces/default/pods?labelSelector={selector}")
        return {p["metadata"]["name"]: p for p in listed["items"]}

    def add_node(self, name, zone, gpus):
        amounts = {"cpu": "64", "memory": "512Gi", "pods": "110", "nvidia.com/gpu": str(gpus)}
        self.create("/api/v1/nodes", {
            "apiVersion": "v1", "kind": "Node",
            "metadata": {"name": name, "annotations": {"kwok.x-k8s.io/node": "fake"},
                         "labels": {"kubernetes.io/hostname": name,
                                    "topology.kubernetes.io/zone": zone}},
            "status": {"allocatable": amounts, "capacity": amounts}})

    def permissions_used(self):
        """{(group, resource): verbs} that the coordinator was granted and used."""
        used = {}
        with open(self.audit_log, encoding="utf-8") as f:
            for line in f:
                event = json.loads(line)
                target = event.get("objectRef", {})
                if event.get("responseStatus", {}).get("code") not in (401, 403):
                    key = target.get("apiGroup", ""), target.get("resource", "")
                    used.setdefault(key, set()).add(event["verb"])
        return used

    def stop(self):
        # The API server before etcd: without it, it would never finish.
        for process in reversed(self.started):
            process.end()


class Kubelet:
    """Runs the worker of each pod that is bound and running."""

    def __init__(self, plane, folder):
        self.plane, self.folder = plane, str(folder)
        self.workers = {}  # by uid: (pod, process)
        self.past, self.dead_nodes = [], set()
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def start(self):
        self.thread.start()
        return self

    def run(self):
        while not self.stopping.wait(0.2):
            try:
                self.look({p["metadata"]["uid"]: p for p in self.plane.pods().values()})
            except (OSError, urllib.error.HTTPError):
                pass  # the API server is down: as real kubelets, all goes on

    def look(self, pods):
        for uid, pod in pods.items():
            leaving = "deletionTimestamp" in pod["metadata"]
            if pod["status"].get("phase") == "Running" and uid not in self.workers and not leaving:
                if pod["spec"].get("nodeName") not in self.dead_nodes:
                    self.workers[uid] = pod, self.run_container(pod)
        for uid in list(self.workers):
            leaving = uid not in pods or "deletionTimestamp" in pods[uid]["metadata"]
            if leaving:
                _, process = self.workers.pop(uid)
                self.past.append(process)
                if process.alive():
                    os.kill(process.pid, signal.SIGTERM)

    def run_container(self, pod):
        container = pod["spec"]["containers"][0]
        env = {e["name"]: e.get("value", "127.0.0.1") for e in container["env"]}
        command = [re.sub(r"\$\((\w+)\)", lambda m: env[m.group(1)], part)
                   for part in container["command"] + container["args"]]
        name = pod["metadata"]["name"]
        return Process(command, os.path.join(self.folder, name + ".log"), env)

    def lose_node(self, node):
        """The machine is gone, and all on it, without a word."""
        self.dead_nodes.add(node)
        for uid, (pod, process) in list(self.workers.items()):
            if pod["spec"]["nodeName"] == node:
                process.end()
        self.plane.call("DELETE", f"/api/v1/nodes/{node}")

    def alive(self):
        """Names of pods whose worker runs."""
        return sorted(pod["metadata"]["name"] for pod, process in self.workers.values()
                      if process.alive())

    def output(self):
        return "\n".join(p.output()[-1500:] for _, p in self.workers.values())

    def stop(self):
        self.stopping.set()
        self.thread.join(timeout=10)
        for _, process in self.workers.values():
            process.end()
        for process in self.past:
            process.end()


def wait_gone(plane, job, deadline_s=120):
    until(lambda: not plane.pods(job), lambda: f"pods left: {sorted(plane.pods(job))}", deadline_s)
