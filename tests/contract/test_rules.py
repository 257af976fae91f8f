"""Alerts: promtool's lint, a case for each that fires and one that does not, and their pages."""
import os
import re
import subprocess

import pytest
import yaml

from programs import ROOT
from prometheus_tools import tool

RULES = os.path.join(ROOT, "helm", "ocellus", "rules", "ocellus.yaml")
BUCKETS = 'ocellus_{}_bucket{{le="0.25"}}', 'ocellus_{}_bucket{{le="2.5"}}', \
    'ocellus_{}_bucket{{le="+Inf"}}'

# alert: (series for which it fires, minutes until then, series for which it stays quiet).
# promtool's notation: a+bxn is n steps of b a minute, _ no sample.
CASES = {
    "OcellusNoLeader": ({"ocellus_leader": "1x5 _x20"}, 15, {"ocellus_leader": "1x25"}),
    "OcellusTwoLeaders": ({'ocellus_leader{instance="a"}': "1x9", 'ocellus_leader{instance="b"}':
                           "1x9"}, 5, {'ocellus_leader{instance="a"}': "1x9",
                                       'ocellus_leader{instance="b"}': "0x9"}),
    "OcellusTargetDown": ({'up{job="ocellus"}': "0x9"}, 8, {'up{job="ocellus"}': "1x9",
                                                           'up{job="node"}': "0x9"}),
    "OcellusReconcileStopped": (
        {"ocellus_scheduler_cycle_duration_seconds_count": "0+60x5 300x20"}, 20,
        {"ocellus_scheduler_cycle_duration_seconds_count": "0+60x25"}),
    "OcellusReconcileSlow": (
        dict(zip([b.format("scheduler_cycle_duration_seconds") for b in BUCKETS],
                 ["0x40", "0+10x40", "0+10x40"])), 35,
        dict(zip([b.format("scheduler_cycle_duration_seconds") for b in BUCKETS],
                 ["0+10x40"] * 3))),
    "OcellusStoreErrors": ({"ocellus_store_errors_total": "0x5 1x5"}, 8,
                           {"ocellus_store_errors_total": "3x10"}),
    "OcellusStoreSlow": (
        dict(zip([b.format("store_transaction_duration_seconds") for b in BUCKETS],
                 ["0x40", "0+10x40", "0+10x40"])), 35,
        dict(zip([b.format("store_transaction_duration_seconds") for b in BUCKETS],
                 ["0+10x40"] * 3))),
    "OcellusApiErrors": (
        {'grpc_server_handled_total{grpc_service="ocellus.v1.JobService",grpc_method="GetJob",'
         'grpc_code="Internal"}': "0+10x30",
         'grpc_server_handled_total{grpc_service="ocellus.v1.JobService",grpc_method="GetJob",'
         'grpc_code="OK"}': "0+90x30"}, 25,
        {'grpc_server_handled_total{grpc_service="ocellus.v1.JobService",grpc_method="GetJob",'
         'grpc_code="NotFound"}': "0+90x30"}),
    "OcellusStaleGenerationRejections": (
        {'ocellus_stale_generation_rejections_total{rpc="PutLogs"}': "0x5 2x5"}, 8,
        {'ocellus_stale_generation_rejections_total{rpc="PutLogs"}': "2x10"}),
    "OcellusVersionSkew": (
        {'ocellus_build_info{version="1",instance="a"}': "1x90",
         'ocellus_build_info{version="2",instance="b"}': "1x90"}, 70,
        {'ocellus_build_info{version="1",instance="a"}': "1x90",
         'ocellus_build_info{version="1",instance="b"}': "1x90"}),
    "OcellusCertificateExpires": (
        {'ocellus_certificate_expiry_timestamp_seconds{certificate="server"}': "86400x90"}, 80,
        {'ocellus_certificate_expiry_timestamp_seconds{certificate="server"}': "864000x90"}),
    "OcellusCredentialsRefused": ({'ocellus_auth_failures_total{kind="token"}': "0+20x9"}, 8,
                                  {'ocellus_auth_failures_total{kind="token"}': "0+1x9"}),
    "OcellusKubernetesWatchFails": (
        {'ocellus_kubernetes_watch_restarts_total{reason="error"}': "0+3x30"}, 25,
        {'ocellus_kubernetes_watch_restarts_total{reason="gone_event"}': "0+3x30"}),
    "OcellusJobPending": (
        {'ocellus_jobs_pending{project="p",reason="waiting_for_slots"}': "1x400"}, 370,
        {'ocellus_jobs_pending{project="p",reason="waiting_for_slots"}': "1x300 0x100"}),
    "OcellusJobNeverFits": (
        {'ocellus_jobs_pending{project="p",reason="exceeds_cluster_ever"}': "1x20"}, 18,
        {'ocellus_jobs_pending{project="p",reason="fragmented"}': "1x20"}),
    "OcellusJobNotPlaced": (
        {'ocellus_jobs_pending{project="p",reason="next_cycle"}': "1x20"}, 15,
        {'ocellus_jobs_pending{project="p",reason="backoff"}': "1x20"}),
    "OcellusJobHeld": ({'ocellus_jobs{project="p",state="held"}': "1x40"}, 35,
                       {'ocellus_jobs{project="p",state="held"}': "0x40"}),
    "OcellusJobFailures": (
        {'ocellus_job_failures_total{project="p",class="hang"}': "0x10 1x5 2x5 3x5 4x5"}, 29,
        {'ocellus_job_failures_total{project="p",class="user"}': "0+1x30"}),
    "OcellusRestartLoop": (
        {'ocellus_job_generations_total{project="p",cause="fault"}': "0+1x30"}, 25,
        {'ocellus_job_generations_total{project="p",cause="submit"}': "0+1x30"}),
    "OcellusGoodputLow": (
        {'ocellus_job_productive_seconds_total{job="j"}': "0+48x200",
         'ocellus_job_wall_seconds_total{job="j"}': "0+60x200"}, 190,
        {'ocellus_job_productive_seconds_total{job="j"}': "0+59x200",
         'ocellus_job_wall_seconds_total{job="j"}': "0+60x200"}),
    "OcellusTrainingStuck": (
        {'ocellus_train_last_progress_timestamp_seconds{job="j",rank="0"}': "60x40"}, 20,
        {'ocellus_train_last_progress_timestamp_seconds{job="j",rank="0"}': "0+60x40"}),
    "OcellusStraggler": ({'ocellus_train_straggler_ratio{job="j",rank="3"}': "1.5x20"}, 18,
                         {'ocellus_train_straggler_ratio{job="j",rank="3"}': "1.1x20"}),
    "OcellusWaitingForData": (
        {'ocellus_train_step_duration_seconds_sum{job="j",phase="total"}': "0+60x60",
         'ocellus_train_step_duration_seconds_sum{job="j",phase="data_wait"}': "0+20x60"}, 50,
        {'ocellus_train_step_duration_seconds_sum{job="j",phase="total"}': "0+60x60",
         'ocellus_train_step_duration_seconds_sum{job="j",phase="data_wait"}': "0+2x60"}),
    "OcellusStepsSkipped": ({'ocellus_train_skipped_steps_total{job="j"}': "0+1x40"}, 30,
                            {'ocellus_train_skipped_steps_total{job="j"}': "0x20 3x20"}),
    "OcellusFeaturesCollapsed": ({'ocellus_train_collapsed{job="j"}': "0x5 1x5"}, 8,
                                 {'ocellus_train_collapsed{job="j"}': "0x10"}),
    "OcellusLogsDropped": ({'ocellus_log_dropped_lines_total{job="j"}': "0x5 9x5"}, 8,
                           {'ocellus_log_dropped_lines_total{job="j"}': "9x10"}),
    # A commit at minute 1; the interval is 10 minutes, or else three hours count.
    "OcellusCheckpointOverdue": (
        {'ocellus_checkpoint_last_commit_timestamp_seconds{job="j"}': "60x60",
         'ocellus_checkpoint_interval_seconds{job="j"}': "600x60"}, 40,
        {'ocellus_checkpoint_last_commit_timestamp_seconds{job="j"}': "60x60"}),
    "OcellusCheckpointMissing": (
        {'ocellus_train_step{job="j"}': "5x260", 'ocellus_job_wall_seconds_total{job="j"}':
         "0+60x260", 'ocellus_checkpoint_last_commit_timestamp_seconds{job="j"}': "0x260"}, 210,
        {'ocellus_train_step{job="j"}': "5x260", 'ocellus_job_wall_seconds_total{job="j"}':
         "0+60x260", 'ocellus_checkpoint_last_commit_timestamp_seconds{job="j"}': "0x90 1x200"}),
    "OcellusCheckpointFailing": (
        {'ocellus_checkpoint_failures_total{job="j",reason="upload"}': "0+1x20"}, 15,
        {'ocellus_checkpoint_failures_total{job="j",reason="upload"}': "0x5 1x20",
         'ocellus_checkpoint_failures_total{job="j",reason="left_out"}': "0+1x20"}),
    "OcellusCheckpointsPaused": ({'ocellus_checkpoint_paused{job="j"}': "1x20"}, 15,
                                 {'ocellus_checkpoint_paused{job="j"}': "1x5 0x15"}),
    "OcellusCheckpointStall": (
        {'ocellus_checkpoint_stall_seconds_total{job="j"}': "0+3x90"}, 70,
        {'ocellus_checkpoint_stall_seconds_total{job="j"}': "0+0.2x90"}),
    "OcellusNodeSuspect": ({'ocellus_nodes{state="suspect"}': "1x20"}, 15,
                           {'ocellus_nodes{state="ready"}': "1x20"}),
    "OcellusGpusLost": ({'ocellus_gpus{state="lost"}': "8x40"}, 35,
                        {'ocellus_gpus{state="lost"}': "0x40"}),
    "OcellusNodeStrikes": ({'ocellus_node_strikes_total{node="n",class="hang"}': "0x5 1x5 2x5 3x5"},
                           19, {'ocellus_node_strikes_total{node="n",class="hang"}': "0x5 1x15"}),
    # The series begins with the first error.
    "OcellusGpuHardwareError": (
        {'ocellus_gpu_xid_errors_total{gpu="3",xid="79"}': "_x5 1x15"}, 10,
        {'ocellus_gpu_xid_errors_total{gpu="3",xid="31"}': "_x5 1x15"}),
    "OcellusGpuHot": ({'ocellus_gpu_temperature_celsius{gpu="1"}': "92x20"}, 15,
                      {'ocellus_gpu_temperature_celsius{gpu="1"}': "70x20"}),
}


def alerts():
    with open(RULES, encoding="utf-8") as f:
        groups = yaml.safe_load(f)["groups"]
    return {r["alert"]: r for g in groups for r in g["rules"] if "alert" in r}


def expectation(name, series, minutes, fires):
    """One test of promtool's: whether `name` fires after so many minutes, with any labels."""
    sample = [{"labels": f'{{alertname="{name}"}}', "value": 1}] if fires else []
    query = f'count by (alertname) (ALERTS{{alertname="{name}",alertstate="firing"}}) > bool 0'
    return {"interval": "1m", "input_series": [
                {"series": s, "values": v} for s, v in series.items()],
            "promql_expr_test": [
                {"expr": query, "eval_time": f"{minutes}m", "exp_samples": sample}]}


def promtool_test(folder, tests):
    path = os.path.join(folder, "test.yaml")
    with open(path, "w", encoding="utf-8") as f:
        yaml.safe_dump({"rule_files": [RULES], "evaluation_interval": "1m", "tests": tests}, f)
    return subprocess.run([tool("promtool"), "test", "rules", path], capture_output=True, text=True,
                          timeout=120, check=False)


def test_lint():
    done = subprocess.run([tool("promtool"), "check", "rules", "--lint=all", "--lint-fatal", RULES],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_fires_and_stays_quiet_when_it_should(tmp_path):
    assert sorted(CASES) == sorted(alerts())
    tests = []
    for name, (series, minutes, calm) in CASES.items():
        tests += [expectation(name, series, minutes, True),
                  expectation(name, calm, minutes, False)]
    done = promtool_test(tmp_path, tests)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["OcellusJobHeld", "OcellusGpuHot"])
def test_a_case_can_fail(name, tmp_path):
    series, minutes, calm = CASES[name]
    assert promtool_test(tmp_path, [expectation(name, calm, minutes, True)]).returncode == 1
    assert promtool_test(tmp_path, [expectation(name, series, minutes, False)]).returncode == 1


def test_an_alert_says_what_and_where(tmp_path):
    series, minutes, _ = CASES["OcellusJobPending"]
    rule = alerts()["OcellusJobPending"]
    case = {"interval": "1m", "input_series": [
                {"series": s, "values": v} for s, v in series.items()],
            "alert_rule_test": [{"eval_time": f"{minutes}m", "alertname": "OcellusJobPending",
                                 "exp_alerts": [{
                                     "exp_labels": {"severity": "warning", "project": "p",
                                                    "reason": "waiting_for_slots"},
                                     "exp_annotations": {
                                         "summary": "Jobs of p wait: waiting_for_slots",
                                         "description": "1 jobs of project p have been pending for "
                                                        "six hours with reason waiting_for_slots.",
                                         "runbook_url": rule["annotations"]["runbook_url"]}}]}]}
    done = promtool_test(tmp_path, [case])
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name,rule", alerts().items())
def test_every_alert_has_its_page(name, rule):
    """A severity, texts, and a section of the operations page that its link leads to."""
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    with open(os.path.join(ROOT, "docs", "OPERATIONS.md"), encoding="utf-8") as f:
        page = f.read()
    assert rule["annotations"]["runbook_url"] == f"docs/OPERATIONS.md#{name.lower()}"
    section = re.search(rf"(?ms)^### {name}\n(.*?)(?=^##|\Z)", page)
    assert section, f"docs/OPERATIONS.md has no section {name}"
    for part in ("Means", "Do"):
        assert f"**{part}:**" in section[1], f"{name}: no {part}"


def test_no_page_without_an_alert():
    with open(os.path.join(ROOT, "docs", "OPERATIONS.md"), encoding="utf-8") as f:
        sections = re.findall(r"(?m)^### (Ocellus\w+)$", f.read())
    assert sorted(sections) == sorted(alerts())
