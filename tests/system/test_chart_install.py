"""The chart on a real API server: every example, the restricted profile, rights, install to end."""
import json
import urllib.error

import pytest

import chart
from cluster import until
from kube_cluster import ControlPlane

NAMESPACE = "team"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
CUSTOM = [("monitoring.coreos.com", "servicemonitors", "ServiceMonitor"),
          ("monitoring.coreos.com", "podmonitors", "PodMonitor"),
          ("monitoring.coreos.com", "prometheusrules", "PrometheusRule"),
          ("cert-manager.io", "certificates", "Certificate")]


def define(plane, group, plural, kind):
    """A custom resource without a schema; its operator is not here."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    plane.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {"group": group, "scope": "Namespaced",
                 "names": {"plural": plural, "singular": kind.lower(), "kind": kind},
                 "versions": [{"name": "v1", "served": True, "storage": True,
                               "schema": {"openAPIV3Schema": schema}}]}})

    def served():
        try:
            listed = plane.call("GET", f"/apis/{group}/v1")["resources"]
        except urllib.error.HTTPError:
            return False
        return plural in [resource["name"] for resource in listed]
    until(served, f"{plural} is served", 60)


@pytest.fixture(scope="module")
def plane(tmp_path_factory):
    made = ControlPlane(tmp_path_factory.mktemp("chart"))
    try:
        made.start()
        made.create("/api/v1/namespaces", {
            "apiVersion": "v1", "kind": "Namespace", "metadata": {
                "name": NAMESPACE,
                "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}})
        for definition in CUSTOM:
            define(made, *definition)
        yield made
    finally:
        made.stop()


def helm(plane, *arguments, code=0):
    done = chart.helm(*arguments, "--namespace", NAMESPACE,
                      env={"KUBECONFIG": plane.path("admin.yaml"),
                           "HELM_CACHE_HOME": plane.path("helm")})
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("values", chart.EXAMPLES, ids=chart.name_of)
def test_dry_run_on_the_server(plane, values):
    said = helm(plane, "install", "ocellus", chart.FOLDER, "--dry-run=server", *values)
    assert "ocellus login" in said.split("NOTES:")[1]


@pytest.mark.parametrize("values", chart.EXAMPLES, ids=chart.name_of)
def test_every_pod_passes_the_restricted_profile(plane, values):
    pods = list(chart.pods(*values))
    assert len(pods) == 3
    for pod in pods:
        made = plane.create(PODS + "?dryRun=All&fieldValidation=Strict", pod)
        assert made["metadata"]["name"] == "one"


def test_the_profile_is_enforced(plane):
    pod = next(chart.pods())
    del pod["spec"]["containers"][0]["securityContext"]["capabilities"]
    with pytest.raises(AssertionError, match="violates PodSecurity"):
        plane.create(PODS + "?dryRun=All", pod)


def kinds(plane):
    """{kind: names} of what is there in the namespace."""
    found = {}
    for path in ("api/v1", "apis/apps/v1", "apis/policy/v1", "apis/networking.k8s.io/v1",
                 "apis/rbac.authorization.k8s.io/v1"):
        for resource in plane.call("GET", f"/{path}")["resources"]:
            if not resource["namespaced"] or "list" not in resource["verbs"]:
                continue
            listed = plane.call("GET", f"/{path}/namespaces/{NAMESPACE}/{resource['name']}")
            names = {item["metadata"]["name"] for item in listed["items"]}
            if names:
                found[resource["kind"]] = names
    return found


def may(plane, account, verb, resource, group=""):
    review = plane.create("/apis/authorization.k8s.io/v1/subjectaccessreviews", {
        "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
        "spec": {"user": f"system:serviceaccount:{NAMESPACE}:{account}",
                 "resourceAttributes": {"namespace": NAMESPACE, "verb": verb, "group": group,
                                        "resource": resource}}})
    return review["status"].get("allowed", False)


def check_rights(plane):
    coordinator, worker = "ocellus-coordinator", "ocellus-worker"
    until(lambda: may(plane, coordinator, "create", "pods"), "the Role is in force", 30)
    assert may(plane, coordinator, "update", "leases", "coordination.k8s.io")
    assert not may(plane, coordinator, "get", "secrets")
    assert not may(plane, coordinator, "create", "pods/exec")
    for verb in ("get", "list", "create"):
        assert not may(plane, worker, verb, "pods")


def test_install_upgrade_uninstall(plane, tmp_path):
    """From an older version of the chart, to other values, and away."""
    on_demand = ("-f", chart.example("on-demand"))
    done = chart.helm("package", chart.FOLDER, "--version", "0.0.9", "-d", str(tmp_path))
    assert done.returncode == 0, done.stderr
    before = kinds(plane)
    helm(plane, "install", "ocellus", str(tmp_path / "ocellus-0.0.9.tgz"), *on_demand)
    there = kinds(plane)
    assert there["StatefulSet"] == {"ocellus-coordinator"}
    assert there["ServiceAccount"] >= {"ocellus-coordinator", "ocellus-worker"}
    assert len(there["NetworkPolicy"]) == 5 and there["PodDisruptionBudget"]
    check_rights(plane)
    helm(plane, "upgrade", "ocellus", chart.FOLDER, *on_demand, "--set", "coordinator.leaseMs=9000")
    made = plane.call("GET", f"/apis/apps/v1/namespaces/{NAMESPACE}/statefulsets/"
                             "ocellus-coordinator")
    assert "--lease-ms=9000" in made["spec"]["template"]["spec"]["containers"][0]["args"]
    # The size of a StatefulSet's volumes cannot change.
    helm(plane, "upgrade", "ocellus", chart.FOLDER, "-f", chart.example("laptop"),
         "--set", "coordinator.persistence.size=20Gi")
    there = kinds(plane)
    assert there["StatefulSet"] == {"ocellus-coordinator", "ocellus-worker"}
    assert "Role" not in there
    until(lambda: not may(plane, "ocellus-coordinator", "create", "pods"), "no rights are left", 30)
    history = json.loads(helm(plane, "history", "ocellus", "-o", "json"))
    assert [row["status"] for row in history] == ["superseded", "superseded", "deployed"]
    helm(plane, "uninstall", "ocellus")
    # What was written by jobs stays until somebody removes it by hand.
    left = kinds(plane)
    assert left.pop("PersistentVolumeClaim") == {"ocellus-store"}
    assert left == before


def test_a_value_that_is_none_is_refused_before_anything_is_made(plane):
    before = kinds(plane)
    said = chart.helm("install", "ocellus", chart.FOLDER, "--namespace", NAMESPACE, "--set",
                      "worker.mode=serverless", env={"KUBECONFIG": plane.path("admin.yaml")})
    assert said.returncode != 0 and "worker" in said.stderr
    assert kinds(plane) == before
