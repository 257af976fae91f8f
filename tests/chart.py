"""helm and what goes with it, of .kubernetes (tools/kubernetes.sh), on the chart."""
import glob
import os
import subprocess

import pytest
import yaml

from programs import ROOT

FOLDER = os.path.join(ROOT, "helm", "ocellus")
EXAMPLES = [()] + [("-f", path) for path in
                   sorted(glob.glob(os.path.join(FOLDER, "examples", "*.yaml")))]
VERSION = "1.36.3"


def tool(name):
    path = os.path.join(ROOT, ".kubernetes", "bin", name)
    if not os.path.exists(path):
        pytest.fail(f"{path} is not there; run tools/setup")
    return path


def share(name):
    return os.path.join(ROOT, ".kubernetes", "share", name)


def name_of(values):
    """Of an entry of EXAMPLES, for people."""
    return os.path.basename(values[-1])[:-5] if values else "defaults"


def example(name):
    return os.path.join(FOLDER, "examples", name + ".yaml")


def helm(*arguments, env=None):
    return subprocess.run([tool("helm"), *arguments], capture_output=True, text=True, timeout=300,
                          env={**os.environ, **(env or {})}, check=False)


def render(*values):
    done = helm("template", "ocellus", FOLDER, "--namespace", "team", "--kube-version", VERSION,
                *values)
    assert done.returncode == 0, done.stderr
    return done.stdout


def objects(*values):
    return [o for o in yaml.safe_load_all(render(*values)) if o]


def pods(*values):
    """Every pod that the chart brings about, now or later, as one could create it."""
    for made in objects(*values):
        pod = None
        if made["kind"] == "StatefulSet":
            pod = made["spec"]["template"]
            claims = made["spec"].get("volumeClaimTemplates", [])
            pod["spec"].setdefault("volumes", []).extend(
                {"name": claim["metadata"]["name"], "emptyDir": {}} for claim in claims)
        elif made["kind"] == "Pod":
            pod = made
        elif "pod.yaml" in made.get("data", {}):
            pod = yaml.safe_load(made["data"]["pod.yaml"])
        if pod:
            pod.update(apiVersion="v1", kind="Pod")
            pod["metadata"]["name"] = "one"
            yield pod
