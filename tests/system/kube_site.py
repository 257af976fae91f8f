"""A coordinator that makes pods on a control plane of tests, with the chart's rights."""
import os

import yaml

from cluster import Cluster, metric, scrape
from kube_cluster import COORDINATOR, free_port
from programs import ROOT, program

RULES = os.path.join(ROOT, "coordinator", "launch", "permissions.yaml")
RESTARTS = "ocellus_kubernetes_watch_restarts_total"


def install_rights(plane):
    """The Role of the chart's rules, bound to the coordinator; and the object that owns pods."""
    with open(RULES, encoding="utf-8") as f:
        rules = yaml.safe_load(f)
    rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/default"
    plane.create(rbac + "/roles", {
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
        "metadata": {"name": "ocellus"}, "rules": rules})
    plane.create(rbac + "/rolebindings", {
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
        "metadata": {"name": "ocellus"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "ocellus"},
        "subjects": [{"kind": "ServiceAccount", "name": "ocellus-coordinator",
                      "namespace": "default"}]})
    plane.create("/apis/apps/v1/namespaces/default/statefulsets", {
        "apiVersion": "apps/v1", "kind": "StatefulSet",
        "metadata": {"name": "ocellus-coordinator"},
        "spec": {"replicas": 0, "serviceName": "x", "selector": {"matchLabels": {"a": "b"}},
                 "template": {"metadata": {"labels": {"a": "b"}},
                              "spec": {"containers": [{"name": "c", "image": "x"}]}}}})


class Site(Cluster):
    """A coordinator that makes pods; workers are the kubelet's."""

    def __init__(self, folder, plane):
        super().__init__(folder)
        self.plane, self.config = plane, plane.kubeconfig(COORDINATOR, "coordinator.yaml")
        self.grpc, self.metrics = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
        with open(self.path("pod.yaml"), "w", encoding="utf-8") as f:
            yaml.safe_dump(self.template(), f)

    def template(self):
        return {"metadata": {"labels": {"app.kubernetes.io/name": "ocellus"}}, "spec": {
            "terminationGracePeriodSeconds": 30, "automountServiceAccountToken": False,
            "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
            "containers": [{
                "name": "worker", "image": "ocellus/worker:test",
                "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}},
                "command": [program("ocellus-worker")],
                "args": ["--coordinator", self.grpc, "--data-dir", self.path("w-$(OCELLUS_NODE)"),
                         "--metrics-listen", "127.0.0.1:0", "--stop-grace-s", "60",
                         "--trainer", program("ocellus-trainer")]}]}}

    def up(self, *more):
        return self.start_coordinator(
            "--kubernetes", self.config, "--kubernetes-pod-template", self.path("pod.yaml"),
            "--kubernetes-ranks-per-pod", "1", "--kubernetes-lease", "ocellus-coordinator",
            "--kubernetes-owner", "apps/v1/StatefulSet/ocellus-coordinator",
            "--lease-ms", "5000", "--backoff-base-ms", "200", *more)

    def restarts(self, reason):
        return metric(scrape(self.metrics), RESTARTS, reason=reason)

    def message(self, job):
        return self.job(job).get("message", "")


def names(plane, job):
    return sorted(name for name, pod in plane.pods(job).items()
                  if "deletionTimestamp" not in pod["metadata"])


def gang(job, generation, ranks=4):
    return [f"{job}-g{generation}-{n}" for n in range(ranks)]


def flat(rules):
    return {(group, resource, verb) for rule in rules for group in rule["apiGroups"]
            for resource in rule["resources"] for verb in rule["verbs"]}


def granted():
    with open(RULES, encoding="utf-8") as f:
        return flat(yaml.safe_load(f))
