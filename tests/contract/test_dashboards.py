"""Dashboards: made from their description, well-formed, and bounded in a large cluster."""
import http.server
import json
import os
import re
import subprocess
import sys
import threading

import pytest

import grafana
from programs import ROOT
from prometheus_server import Prometheus

sys.path.insert(0, os.path.join(ROOT, "tools"))
import dashboards  # noqa: E402
import metrics  # noqa: E402

UIDS = ["ocellus-cluster", "ocellus-job", "ocellus-node", "ocellus-project"]
NODES, GPUS, JOBS, RANKS, NODES_OF_JOB, SERIES_MAX = 500, 8, 100, 40, 5, 100


def test_files_are_what_the_description_says():
    assert dashboards.stale(dashboards.build()) == []


def test_a_stale_file_is_noticed():
    files = dashboards.build()
    files["ocellus-job.json"] += " "
    assert dashboards.stale(files) == ["ocellus-job.json"]


def test_shape():
    assert sorted(grafana.dashboards()) == UIDS
    for uid, one in grafana.dashboards().items():
        names = [v["name"] for v in one["templating"]["list"]]
        assert names[0] == "datasource" and len(names) >= 2
        ids = [p["id"] for p in one["panels"]]
        assert len(ids) == len(set(ids))
        titles = [p["title"] for p in grafana.panels(one)]
        assert len(titles) == len(set(titles)), uid
        for panel in grafana.panels(one):
            place = panel["gridPos"]
            assert place["x"] + place["w"] <= 24, (uid, panel["title"])
            assert panel["datasource"]["uid"] == "${datasource}"
            for target in panel["targets"]:
                assert set(re.findall(r"\$(\w+)", target["expr"])) <= set(names), target


def test_panels_do_not_overlap():
    for uid, one in grafana.dashboards().items():
        cells = set()
        for panel in one["panels"]:
            place = panel["gridPos"]
            own = {(place["x"] + i, place["y"] + j) for i in range(place["w"])
                   for j in range(place["h"])}
            assert not own & cells, (uid, panel["title"])
            cells |= own


def test_only_metrics_of_the_table_are_shown():
    known = {name for _, name, *_ in metrics.read_table()}
    shown = set()
    for _, title, text in grafana.expressions(
            {"job": "j", "project": "p", "node": "n", "instance": "i"}):
        for name in re.findall(r"\b(?:ocellus|grpc)_\w+", text):
            name = re.sub(r"_(bucket|sum|count)$", "", name)
            assert name in known or name in ("grpc_method", "grpc_code"), (title, name)
            shown.add(name)
    assert len(shown) > 40


def label_values(label, own):
    """As many values as tools/metrics.py says; `own` are those of the series' place."""
    if label in own:
        return [own[label]]
    count = metrics.LABELS[label][1]
    return [f"{label}{i}" for i in range(count or 1)]


def product(labels, own):
    sets = [{}]
    for label in labels:
        sets = [{**s, label: v} for s in sets for v in label_values(label, own)]
    return sets


def samples(name, kind, labels):
    """The lines of one series; a histogram's with two buckets."""
    text = ",".join(f'{k}="{v}"' for k, v in labels.items())
    if kind != "histogram":
        return [f"{name}{{{text}}} 5"]
    return [f'{name}_bucket{{{text},le="1"}} 3', f'{name}_bucket{{{text},le="+Inf"}} 5',
            f"{name}_sum{{{text}}} 4", f"{name}_count{{{text}}} 5"]


def agent_lines(table, node):
    """What one of the agents exports: its GPUs, its job, eight ranks of it, and of the big one."""
    instance = f"10.0.{node // 250}.{node % 250}:7412"
    lines = []
    jobs = [(f"job{node // NODES_OF_JOB}", node % NODES_OF_JOB), ("big", node)]
    for _, name, kind, labels in table:
        own = {"instance": instance, "node": f"node{node}", "host": f"node{node}"}
        if "job" not in labels:
            places = [own]
        else:
            ranks = range(GPUS) if "rank" in labels else [0]
            places = [{**own, "job": job, "rank": f"{first * GPUS + rank}"}
                      for job, first in jobs for rank in ranks]
        for place in places:
            for series in product([x for x in labels if x != "uuid"], place):
                lines += samples(name, kind, {**series, "instance": instance})
    return lines


def large_cluster():
    """/metrics of 500 nodes with 8 GPUs, 100 jobs of 40 ranks, and one on all of the GPUs."""
    parts = {part: [(p, n, k, lab) for p, n, k, lab, _ in metrics.read_table() if p == part]
             for part in ("Both", "Coordinator", "Agent")}
    lines = []
    for _, name, kind, labels in parts["Coordinator"] + parts["Both"]:
        # Services and methods belong together, so that only methods multiply.
        own = {"grpc_service": "ocellus.v1.JobService", "project": "project0"} \
            if "grpc_service" in labels or "job" in labels else {}
        for series in product(labels, own):
            lines += samples(name, kind, {**series, "instance": "10.1.0.1:7411"})
    info = 'ocellus_job_info{job="big",name="n",project="project0",objective="o"} 1'
    lines += [info]
    for node in range(NODES):
        lines += agent_lines(parts["Agent"], node)
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    page = large_cluster().encode()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    folder = tmp_path_factory.mktemp("large")
    with Prometheus(folder, [f"127.0.0.1:{server.server_address[1]}"], interval="3s",
                    rules=False) as prometheus:
        prometheus.wait_for("count_over_time(ocellus_leader[1m]) >= 3", 180)
        yield prometheus
    server.shutdown()


def test_no_panel_has_more_than_a_hundred_series_at_500_nodes(large):
    assert large.query("count(ocellus_worker_info)")[0][1] == NODES
    assert large.query("count(ocellus_gpu_memory_used_bytes)")[0][1] == NODES * GPUS
    assert large.query('count(ocellus_train_straggler_ratio{job="big"})')[0][1] == NODES * GPUS
    series = {}
    one = {"project": "project0", "job": "big", "node": "node7", "instance": "10.0.0.7:7412"}
    for uid, title, text in grafana.expressions(one, {"project": ".*", "job": ".*"}):
        found = len(large.query(text))
        series[uid, title] = series.get((uid, title), 0) + found
    assert max(series.values()) <= SERIES_MAX, sorted(series.items(), key=lambda s: -s[1])[:5]
    # The check would notice one that grows with the cluster.
    assert len(large.query("sum by (job, rank) (ocellus_train_straggler_ratio)")) > SERIES_MAX


TYPE_CHECK = """import type { Dashboard } from "@grafana/schema";
// The JSON form of a type: enums of strings become their strings.
type J<T> = T extends string ? (string extends T ? string : `${T}`)
  : T extends number | boolean | null | undefined ? T
  : T extends Array<infer U> ? Array<J<U>>
  : T extends object ? { [K in keyof T]: J<T[K]> } : T;
const dashboard: J<Dashboard> = """


def type_check(folder, made):
    """What Grafana's own types have against dashboards: the compiler's (exit code, words)."""
    types = os.path.join(ROOT, ".grafana", "node_modules")
    compiler = os.path.join(types, "@typescript", "typescript-linux-x64", "lib", "tsc")
    assert os.path.exists(compiler), f"no {compiler}: run tools/setup"
    os.symlink(types, folder / "node_modules")
    for uid, one in made.items():
        (folder / f"{uid}.ts").write_text(TYPE_CHECK + json.dumps(one) + ";\nexport default "
                                          "dashboard;\n")
    done = subprocess.run(
        [compiler, "--noEmit", "--strict", "--skipLibCheck", "--moduleResolution", "bundler",
         "--module", "esnext", "--target", "esnext", *(f"{uid}.ts" for uid in made)],
        cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout


def test_grafanas_own_types_hold(tmp_path):
    assert type_check(tmp_path, grafana.dashboards()) == (0, "")


def broken():
    """Dashboards with one fault each."""
    one = grafana.dashboards()["ocellus-node"]
    wrong_type = json.loads(json.dumps(one))
    wrong_type["panels"][1]["gridPos"]["w"] = "wide"
    wrong_key = json.loads(json.dumps(one))
    wrong_key["templating"]["list"][1]["multi_select"] = True
    return [wrong_type, wrong_key]


@pytest.mark.parametrize("fault", range(2))
def test_a_wrong_dashboard_does_not_pass(fault, tmp_path):
    code, said = type_check(tmp_path, {"fault": broken()[fault]})
    assert code != 0 and ("string" in said or "multi_select" in said), said
