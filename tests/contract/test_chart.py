"""The chart without a cluster: lint, its own unit tests, schemas of Kubernetes, examples, texts."""
import glob
import json
import os
import re
import subprocess
import sys

import pytest
import yaml

import chart
from programs import ROOT, program

RIGHTS = os.path.join(ROOT, "coordinator", "launch", "permissions.yaml")
CUSTOM = ["ServiceMonitor", "PodMonitor", "PrometheusRule", "Certificate"]


@pytest.mark.parametrize("values", chart.EXAMPLES, ids=chart.name_of)
def test_lint(values):
    done = chart.helm("lint", "--strict", chart.FOLDER, *values)
    assert done.returncode == 0, done.stdout + done.stderr


def test_lint_notices():
    done = chart.helm("lint", "--strict", chart.FOLDER, "--set", "worker.mode=serverless")
    assert done.returncode != 0 and "mode" in done.stdout + done.stderr


def test_unit_tests_of_the_chart():
    done = subprocess.run([chart.tool("helm-unittest"), chart.FOLDER], capture_output=True,
                          text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout
    passed = re.search(r"Tests:\s+(\d+) passed, (\d+) total", done.stdout)
    assert passed and int(passed[1]) == int(passed[2]) >= 25, done.stdout


def kubeconform(schemas, text):
    return subprocess.run(
        [chart.tool("kubeconform"), "-strict", "-summary", "-skip", ",".join(CUSTOM),
         "-schema-location", f"{schemas}/{{{{ .ResourceKind }}}}{{{{ .KindSuffix }}}}.json", "-"],
        input=text, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def schemas(tmp_path_factory):
    """Kubernetes' own types, strict, in the form that kubeconform wants."""
    out = tmp_path_factory.mktemp("schemas")
    subprocess.run([sys.executable, os.path.join(ROOT, "tools", "kube_schemas.py"),
                    chart.share("swagger.json"), str(out)], check=True)
    return out


@pytest.mark.parametrize("values", chart.EXAMPLES, ids=chart.name_of)
def test_what_is_rendered_is_valid(values, schemas):
    done = kubeconform(schemas, chart.render(*values))
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"Valid: ([1-9]\d+), Invalid: 0, Errors: 0", done.stdout), done.stdout


def test_what_is_no_manifest_is_noticed(schemas):
    text = chart.render().replace("readOnlyRootFilesystem", "readOnlyRootFileSystem")
    assert kubeconform(schemas, text).returncode != 0


def test_the_pod_of_workers_on_demand_is_a_pod(schemas):
    text = [o for o in chart.objects("-f", chart.example("on-demand")) if o["kind"] == "ConfigMap"
            and "pod.yaml" in o.get("data", {})][0]["data"]["pod.yaml"]
    pod = yaml.safe_load(text)
    # What the coordinator adds.
    pod["metadata"]["name"] = "j-g1-0"
    done = kubeconform(schemas, json.dumps(pod))
    assert done.returncode == 0, done.stdout
    names = [e["name"] for e in pod["spec"]["containers"][0]["env"]]
    assert not {"OCELLUS_NODE", "OCELLUS_HOST", "OCELLUS_CPU_SLOTS"} & set(names)
    assert "nvidia.com/gpu" not in json.dumps(pod["spec"]["containers"][0]["resources"])


def test_rights_are_those_that_are_used():
    """Of the coordinator's calls; another test holds these to the API server's audit log."""
    with open(RIGHTS, encoding="utf-8") as f:
        rights = yaml.safe_load(f)
    made = chart.objects("--set", "worker.mode=onDemand")
    assert [o["rules"] for o in made if o["kind"] == "Role"] == [rights]
    assert not [o for o in made if o["kind"].startswith("Cluster")]
    assert not [o for o in chart.objects() if o["kind"] == "Role"]


VOLUMES = {"configMap", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}


def faults(pod):
    """What the restricted profile of Kubernetes' pod security has against a pod."""
    spec = pod["spec"]
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(key):
            yield key
    for volume in spec["volumes"]:
        if not VOLUMES & set(volume):
            yield f"volume {volume['name']}"
    if spec["securityContext"].get("seccompProfile") != {"type": "RuntimeDefault"}:
        yield "seccompProfile"
    for container in spec["containers"]:
        own = container.get("securityContext", {})
        wanted = {"allowPrivilegeEscalation": False, "runAsNonRoot": True,
                  "capabilities": {"drop": ["ALL"]}}
        for key, value in wanted.items():
            if own.get(key) != value:
                yield key
        if own.get("privileged") or any("hostPort" in p for p in container.get("ports", [])):
            yield "privileged or hostPort"


@pytest.mark.parametrize("values", chart.EXAMPLES, ids=chart.name_of)
def test_pods_keep_the_restricted_profile(values):
    """As its text has it; another test asks a real API server."""
    pods = list(chart.pods(*values))
    assert len(pods) == 3
    for pod in pods:
        assert list(faults(pod)) == []
        assert pod["spec"]["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True
        assert pod["spec"]["automountServiceAccountToken"] is False or (
            pod["spec"]["containers"][0]["name"] == "coordinator")
    pods[0]["spec"]["volumes"].append({"name": "host", "hostPath": {"path": "/"}})
    del pods[0]["spec"]["containers"][0]["securityContext"]["capabilities"]
    assert list(faults(pods[0])) == ["volume host", "capabilities"]


def flags_of(name):
    done = subprocess.run([program(name), "--help"], capture_output=True, text=True, check=True)
    return set(re.findall(r"--[a-z][a-z-]+", done.stdout))


@pytest.mark.parametrize("values", chart.EXAMPLES, ids=chart.name_of)
def test_programs_know_every_flag(values):
    made = chart.objects(*values)
    pods = [o["spec"]["template"]["spec"] for o in made if o["kind"] == "StatefulSet"]
    pods += [yaml.safe_load(o["data"]["pod.yaml"])["spec"] for o in made
             if "pod.yaml" in o.get("data", {})]
    seen = set()
    for container in (c for pod in pods for c in pod["containers"]):
        name = container["command"][0]
        used = {argument.split("=")[0] for argument in container["args"]}
        assert used <= flags_of(name), (name, used - flags_of(name))
        seen.add(name)
    assert seen == {"ocellus-coordinator", "ocellus-worker"}


def test_every_value_is_in_the_schema_and_the_other_way_round():
    def keys(node, path=""):
        for key, value in node.items():
            yield path + key
            if isinstance(value, dict):
                yield from keys(value, path + key + ".")

    def properties(node, path=""):
        node = schema["$defs"][node["$ref"].split("/")[-1]] if "$ref" in node else node
        for key, value in node.get("properties", {}).items():
            yield path + key
            yield from properties(value, path + key + ".")

    with open(os.path.join(chart.FOLDER, "values.schema.json"), encoding="utf-8") as f:
        schema = json.load(f)
    with open(os.path.join(chart.FOLDER, "values.yaml"), encoding="utf-8") as f:
        values = yaml.safe_load(f)
    free = ("resources.", "annotations.", "labels.")
    own = {k for k in keys(values) if not any(part in k for part in free)}
    assert own == set(properties(schema)) - {"global"}


def test_rules_and_dashboards_are_all_of_them():
    made = chart.objects("-f", chart.example("on-demand"))
    boards = [o for o in made if o["metadata"]["name"].endswith("-dashboard")]
    shown = {json.loads(text)["uid"] for o in boards for text in o["data"].values()}
    assert shown == {os.path.basename(p)[:-5] for p in
                     glob.glob(os.path.join(chart.FOLDER, "dashboards", "*.json"))}
    rules = [o for o in made if o["kind"] == "PrometheusRule"][0]["spec"]["groups"]
    with open(os.path.join(chart.FOLDER, "rules", "ocellus.yaml"), encoding="utf-8") as f:
        assert rules == yaml.safe_load(f)["groups"]
