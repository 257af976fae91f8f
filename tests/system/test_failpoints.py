"""Whatever dies at whatever step of a commit: no torn, lost or doubled checkpoint, nothing left.

A process stands still at a named failpoint (docs/STORAGE.md) while somebody is killed; then it goes
on. OCELLUS_ALL_FAILPOINTS=1 tries everybody at each of them; else six pairs are drawn, by the
commit or by OCELLUS_FAILPOINT_SEED.
"""
import json
import os
import random
import signal
import subprocess

import pytest

from checkpoint_folder import file_names, state_in
from cluster import Cluster, until
from documents import tiny
from programs import ROOT
from s3 import S3
from test_kill import assert_same_bits

STEPS = 60
POINTS = ["trainer.snapshot_taken", "trainer.begin_sent", "trainer.granted", "trainer.file_written",
          "trainer.slice_ordered", "trainer.slice_told", "trainer.slices_known",
          "trainer.files_written", "trainer.ready_sent", "trainer.result_received",
          "trainer.expired_deleted", "agent.begin_forwarded", "agent.begin_answered",
          "agent.commit_forwarded", "agent.commit_answered", "coordinator.upload_written",
          "coordinator.files_checked", "coordinator.manifest_put", "coordinator.row_written",
          "coordinator.swept"]
VICTIMS = ["first rank", "other rank", "worker", "coordinator", "store"]
PAIRS = [(point, victim) for point in POINTS for victim in VICTIMS]
DRAWN = 6


def cases():
    if os.environ.get("OCELLUS_ALL_FAILPOINTS") == "1":
        return PAIRS
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True,
                            check=False).stdout
    seed = os.environ.get("OCELLUS_FAILPOINT_SEED", commit.strip())
    return random.Random(seed).sample(PAIRS, DRAWN)


def document(images, **changes):
    return tiny(images, schedule={"total_steps": STEPS}, checkpoint={"every_steps": 10, "keep": 2},
                **changes)


class Killing:
    """A cluster whose store is a real S3 server, with one failpoint armed."""

    def __init__(self, folder, point=None):
        os.makedirs(folder / "s3")
        self.server = S3(folder / "s3").start()
        self.cluster = Cluster(folder)
        self.cluster.store = self.server.uri("o")
        self.marker = str(folder / "reached")
        self.cluster.env = dict(self.server.env)
        if point:  # at the second passing, when there is something to lose
            self.cluster.env["OCELLUS_FAILPOINT"] = f"{point}:hold:2@{self.marker}"
        self.start_coordinator()
        self.cluster.start_worker()

    def start_coordinator(self):
        self.cluster.start_coordinator("--backoff-base-ms", "100", "--garbage-age-ms", "1000")

    def kill(self, victim):
        if victim == "coordinator":
            self.cluster.coordinator.kill()
        elif victim == "worker":
            self.cluster.worker.kill()
        elif victim == "store":
            self.server.stop()
        else:
            ranks = self.cluster.ranks()
            if ranks:
                os.kill(ranks[0 if victim == "first rank" else -1], signal.SIGKILL)

    def revive(self, victim):
        if victim == "coordinator":
            self.start_coordinator()
        elif victim == "worker":
            self.cluster.start_worker()
        elif victim == "store":
            self.server.start()

    def go_on(self):
        with open(self.marker + ".go", "w", encoding="utf-8"):
            pass

    def checkpoints(self, job):
        listed = json.loads(self.cluster.cli("checkpoint", "list", job, "-o", "json").stdout)
        return listed.get("checkpoints", [])

    def folder_of(self, checkpoint):
        place = checkpoint["uri"].split("?")[0].removeprefix("s3://")
        return os.path.join(self.server.folder, "data", place)

    def state(self, checkpoint):
        return state_in(self.folder_of(checkpoint))

    def stop(self):
        self.go_on()
        self.cluster.stop()
        self.server.stop()


def succeed(world, job):
    done = world.cluster.wait_for_state(job, "SUCCEEDED", "FAILED", "HELD")
    assert done["state"] == "JOB_STATE_SUCCEEDED", world.cluster.tell(job)
    committed = [c for c in world.checkpoints(job) if c["state"] == "CHECKPOINT_STATE_COMMITTED"]
    assert int(committed[0]["step"]) == STEPS
    return committed


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, images):
    world = Killing(tmp_path_factory.mktemp("undisturbed"))
    try:
        return world.state(succeed(world, world.cluster.submit(document(images)))[0])
    finally:
        world.stop()


@pytest.mark.parametrize("point,victim", cases())
def test_killed_at(tmp_path, images, undisturbed, point, victim):
    world = Killing(tmp_path, point)
    try:
        job = world.cluster.submit(document(images))
        until(lambda: os.path.exists(world.marker), lambda: f"{point}: {world.cluster.tell(job)}")
        world.kill(victim)
        world.go_on()
        world.revive(victim)
        committed = succeed(world, job)

        # Not torn: every byte of what counts. Not lost: the same bits as without a fault.
        for one in committed:
            world.cluster.cli("checkpoint", "verify", job, "--step", one["step"])
        assert_same_bits(world.state(committed[0]), undisturbed)
        # Not doubled: each step was committed once, one after the other.
        events = json.loads(world.cluster.cli("job", "events", job, "-o", "json").stdout)["events"]
        steps = [int(e["message"].split()[1].rstrip(",")) for e in events
                 if e["type"] == "JOB_EVENT_TYPE_CHECKPOINT_COMMITTED"]
        assert steps == sorted(set(steps)), steps
        # Nothing is left but what counts.
        wanted = sorted("o/" + one["uri"].split("?")[0].split("/o/")[1] + name
                        for one in committed
                        for name in file_names(world.folder_of(one)))
        kept = f"o/default/{job}/checkpoints/"
        until(lambda: world.server.keys(kept) == wanted,
              lambda: f"swept: {world.server.keys(kept)} instead of {wanted}", 60)
        assert world.server.unfinished() == []
    finally:
        world.stop()
