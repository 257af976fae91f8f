"""Gangs as pods of a real Kubernetes API server, through all that such a server does to one."""
import json
import urllib.error

import pytest

import chart
from cluster import until
from documents import tiny
from fault_proxy import Fault, FaultProxy
from kube_cluster import COORDINATOR, ControlPlane, Kubelet, wait_gone
from kube_site import Site, flat, gang, granted, install_rights, names


@pytest.fixture(scope="module")
def plane(tmp_path_factory):
    made = ControlPlane(tmp_path_factory.mktemp("kube"))
    try:
        made.start()
        install_rights(made)
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def nodes(plane):
    """Scheduler, controllers, and three nodes of two GPUs in two zones."""
    plane.start_rest()
    for name, zone in (("gpu-0", "z0"), ("gpu-1", "z0"), ("gpu-2", "z1")):
        plane.add_node(name, zone, gpus=2)
    return plane


@pytest.fixture
def site(plane, tmp_path):
    made = Site(tmp_path, plane)
    yield made
    made.stop()
    for name in plane.pods():
        try:
            plane.call("DELETE", f"/api/v1/namespaces/default/pods/{name}?gracePeriodSeconds=0")
        except urllib.error.HTTPError:
            pass
    until(lambda: not plane.pods(), "pods of the last test are gone", 60)


def four(images, **changes):
    # No GPU is here: the pods ask for one a rank, and their workers find none and use the CPU.
    return tiny(images, **{"ranks": 4, "device": "auto", **changes})


def check_pod(pod, job, uid):
    spec = pod["spec"]
    resources = spec["containers"][0]["resources"]
    assert resources["limits"] == {"nvidia.com/gpu": "1"}
    assert resources["requests"] == {"nvidia.com/gpu": "1", "cpu": "500m", "memory": "1Gi"}
    assert [o["uid"] for o in pod["metadata"]["ownerReferences"]] == [uid]
    assert pod["metadata"]["labels"]["ocellus.dev/job"] == job
    assert {"key": "nvidia.com/gpu", "operator": "Exists"} in spec["tolerations"]
    terms = spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert terms["nodeSelectorTerms"][0]["matchExpressions"] == [
        {"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["z0"]}]
    together = spec["affinity"]["podAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    assert together[0]["podAffinityTerm"]["topologyKey"] == "topology.kubernetes.io/zone"


def test_gang_on_pods(site, nodes, images):
    """Four ranks in four pods; a machine is lost, the API server dies; the job succeeds once."""
    plane = nodes
    site.up()
    kubelet = Kubelet(plane, site.folder).start()
    try:
        job = site.submit(four(images, labels={"topology": "z0"},
                               schedule={"total_steps": 400}))
        until(lambda: names(plane, job) == gang(job, 1), lambda: site.tell(job))
        owner = plane.call("GET", "/apis/apps/v1/namespaces/default/statefulsets/"
                                  "ocellus-coordinator")["metadata"]["uid"]
        for pod in plane.pods(job).values():
            check_pod(pod, job, owner)
        site.wait_for_step(job, 30)
        assert {p["spec"]["nodeName"] for p in plane.pods(job).values()} == {"gpu-0", "gpu-1"}

        # The API server dies and comes back: the gang does not notice.
        plane.kill_api()
        step = site.step(job)
        site.wait_for_step(job, step + 10)
        plane.start_api()
        until(lambda: site.restarts("cut") >= 1, "the watch was cut", 60)
        assert names(plane, job) == gang(job, 1) and site.job(job)["generation"] == "1"

        # A machine is lost: two of the pods go on under the next generation, two are made anew.
        plane.add_node("gpu-3", "z0", gpus=2)
        lost = sorted(name for name, pod in plane.pods(job).items()
                      if pod["spec"]["nodeName"] == "gpu-0")
        kubelet.lose_node("gpu-0")
        until(lambda: site.job(job).get("generation") == "2", lambda: site.tell(job))
        kept = sorted(set(gang(job, 1)) - set(lost))
        fresh = [name.replace("-g1-", "-g2-") for name in lost]
        until(lambda: names(plane, job) == sorted(kept + fresh),
              lambda: f"{names(plane, job)}; kept {kept}, fresh {fresh}")
        site.wait_for_state(job, "SUCCEEDED")
        wait_gone(plane, job)
        until(lambda: not kubelet.alive(), "every worker has ended", 60)
        check_ran_once(site, job, generations=2)
    finally:
        kubelet.stop()
    until(lambda: "j-" not in site.cli("node", "list").stdout, "nodes forgotten", 60)
    plane.exercised.add("gang")


def check_ran_once(site, job, generations):
    """Each generation was started once, and none before the one before it had ended."""
    history = json.loads(site.cli("job", "events", job, "-o", "json").stdout)["events"]
    states = [e.get("to_state", e.get("toState", "")).removeprefix("JOB_STATE_") for e in history]
    turns = [s for s in states if s in ("STARTING", "PENDING") or s == "SUCCEEDED"]
    turns = [s for i, s in enumerate(turns) if i == 0 or s != turns[i - 1]]
    assert turns == ["PENDING", "STARTING"] * generations + ["SUCCEEDED"], history
    assert site.job(job)["generation"] == str(generations)


def test_pod_is_evicted(site, nodes, images):
    """A drain ends one pod: its worker stops the gang with a checkpoint, and no step is lost."""
    plane = nodes
    site.up()
    kubelet = Kubelet(plane, site.folder).start()
    try:
        job = site.submit(four(images, ranks=2, schedule={"total_steps": 2000},
                               checkpoint={"every_steps": 1000}))
        site.wait_for_step(job, 20)
        evicted = f"{job}-g1-1"
        plane.call("POST", f"/api/v1/namespaces/default/pods/{evicted}/eviction",
                   {"apiVersion": "policy/v1", "kind": "Eviction",
                    "metadata": {"name": evicted, "namespace": "default"}})
        until(lambda: names(plane, job) == [f"{job}-g1-0", f"{job}-g2-1"],
              lambda: site.tell(job))
        until(lambda: site.job(job).get("generation") == "2", lambda: site.tell(job))
        commits = json.loads(site.cli("checkpoint", "list", job, "-o", "json").stdout)
        assert "step" in json.dumps(commits), "the drain made a checkpoint"
        site.cli("job", "cancel", job)
        site.wait_for_state(job, "CANCELLED")
        wait_gone(plane, job)
        until(lambda: not kubelet.alive(), "every worker has ended", 60)
    finally:
        kubelet.stop()


def test_watch_survives_what_api_servers_do(site, plane, images):
    """410 as status and as event, 429, 401 with a new token, cut and ended streams."""
    proxy = FaultProxy(plane)
    with open(site.path("token"), "w", encoding="utf-8") as f:
        f.write(COORDINATOR)
    site.config = plane.kubeconfig("", "proxy.yaml", proxy.url, tokenFile=site.path("token"))
    try:
        site.up()
        jobs = []

        def another_job_gets_pods():
            """The state after a fault: what is new is seen, what was there is there once."""
            jobs.append(site.submit(four(images, ranks=2, name=f"job-{len(jobs)}")))
            until(lambda: names(plane, jobs[-1]) == gang(jobs[-1], 1, 2),
                  lambda: site.tell(jobs[-1]))
            for job in jobs:
                assert names(plane, job) == gang(job, 1, 2)
            until(lambda: "of 2 worker pods run" in site.message(jobs[-1]),
                  lambda: site.message(jobs[-1]), 60)

        another_job_gets_pods()
        faults = [("gone_event", Fault(True, event=410)), ("gone_status", Fault(True, status=410)),
                  ("throttled", None), ("cut", Fault(True, cut=True))]
        for reason, fault in faults:
            before = site.restarts(reason)
            # Four refusals in a row are more than one call tries by itself.
            for one in [fault] if fault else [Fault(True, status=429, headers={"Retry-After": "1"})
                                              for _ in range(4)]:
                proxy.inject(one)
            proxy.end_watches()
            until(lambda r=reason, b=before: site.restarts(r) > b, reason, 60)
            another_job_gets_pods()

        # One 401 is met with credentials read afresh, and does not show.
        with open(site.path("token"), "w", encoding="utf-8") as f:
            f.write(COORDINATOR + "\n")
        proxy.inject(Fault(False, status=401))
        another_job_gets_pods()
        until(proxy.used, "the fault was used")
        # Two in a row are a real refusal; it goes on once the token is right again.
        before = site.restarts("unauthorized")
        proxy.inject(Fault(True, status=401))
        proxy.inject(Fault(True, status=401))
        proxy.end_watches()
        until(lambda: site.restarts("unauthorized") > before, "unauthorized", 60)
        another_job_gets_pods()

        for job in jobs:
            site.cli("job", "cancel", job)
        for job in jobs:
            wait_gone(plane, job)
    finally:
        proxy.stop()


def test_coordinator_that_comes_back_adopts_its_pods(site, plane, images):
    site.up()
    job = site.submit(four(images))
    until(lambda: names(plane, job) == gang(job, 1), lambda: site.tell(job))
    before = {n: p["metadata"]["uid"] for n, p in plane.pods(job).items()}
    site.coordinator.kill()
    # A pod that nobody wants any more is found, too.
    stray = dict(plane.pods(job)[f"{job}-g1-0"])
    stray["metadata"] = {"name": "j-nobodys-g1-0", "labels": {
        **stray["metadata"]["labels"], "ocellus.dev/job": "j-nobodys"}}
    stray["spec"].pop("nodeName", None)
    plane.create("/api/v1/namespaces/default/pods", stray)
    site.up()
    wait_gone(plane, "j-nobodys")
    assert {n: p["metadata"]["uid"] for n, p in plane.pods(job).items()} == before
    check_taken_name(site, plane, job)
    site.cli("job", "cancel", job)
    wait_gone(plane, job)
    plane.exercised.add("names")


def check_taken_name(site, plane, job):
    """A pod of this job that its list does not show has the name: it counts as made."""
    path, name = "/api/v1/namespaces/default/pods", f"{job}-g1-3"
    site.coordinator.kill()
    hidden = plane.pods(job)[name]
    plane.call("DELETE", f"{path}/{name}?gracePeriodSeconds=0")
    until(lambda: name not in plane.pods(job), "the pod is gone", 60)
    plane.create(path, {
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "labels": {"ocellus.dev/job": job}},
        "spec": {"containers": [{"name": "worker", "image": "x"}],
                 "tolerations": hidden["spec"]["tolerations"]}})
    site.up()
    until(lambda: "get" in plane.permissions_used().get(("", "pods"), ()), "the pod is read", 60)
    assert "exists and is not of this job" not in site.coordinator.output()
    plane.call("DELETE", f"{path}/{name}?gracePeriodSeconds=0")
    until(lambda: name in plane.pods(job), "made once the name is free", 60)


def bound(plane, job):
    return sum("nodeName" in pod["spec"] for pod in plane.pods(job).values())


def test_the_later_of_two_half_gangs_gives_way(site, nodes, images):
    """Each holds two of the four GPUs that it needs: the first in the queue keeps them."""
    plane = nodes
    for name, zone in (("half-a", "za"), ("half-b", "zb")):
        plane.add_node(name, zone, gpus=2)
    site.up("--kubernetes-half-gang-s", "3")
    first = site.submit(four(images, labels={"topology": "za"}))
    until(lambda: bound(plane, first) == 2, lambda: site.tell(first))
    second = site.submit(four(images, name="second", labels={"topology": "zb"}))
    until(lambda: f"({first}), which came before" in site.message(second),
          lambda: site.tell(second))
    wait_gone(plane, second)
    assert bound(plane, first) == 2 and names(plane, first) == gang(first, 1)
    plane.add_node("half-c", "za", gpus=2)
    until(lambda: bound(plane, first) == 4, lambda: site.tell(first))
    for job in (first, second):
        site.cli("job", "cancel", job)
    wait_gone(plane, first)


def test_rights_are_those_used(site, plane, images):
    """Nothing was wanted that is not granted, and after all of the above every right was used."""
    site.up()
    job = site.submit(four(images, ranks=1))
    until(lambda: names(plane, job), lambda: site.tell(job))
    site.cli("job", "cancel", job)
    wait_gone(plane, job)
    site.coordinator.kill(15)
    used = flat({"apiGroups": [group], "resources": [resource], "verbs": verbs}
                for (group, resource), verbs in plane.permissions_used().items())
    assert used <= granted()
    assert plane.exercised != {"gang", "names"} or used == granted()
    assert "Kubernetes API: 403" not in site.coordinator.output()


def test_chart_grants_what_is_used():
    """The Role that the chart installs has these rules and no others."""
    made = chart.objects("-f", chart.example("on-demand"))
    roles = [o for o in made if o["kind"] == "Role"]
    assert len(roles) == 1
    assert flat(roles[0]["rules"]) == granted()
