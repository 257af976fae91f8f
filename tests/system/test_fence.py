"""A second agent, or a gang that is not current, can do nothing, and is counted."""
import grpc
import pytest

from cluster import metric, scrape, until
from documents import tiny
from fake_agent import FakeAgent
from test_submit import reason_of

STALE = {"STALE_GENERATION", "STALE_SESSION"}


def rejections(cluster):
    return metric(scrape(cluster.metrics), "ocellus_stale_generation_rejections_total") or 0.0


def stale(call):
    with pytest.raises(grpc.RpcError) as caught:
        call()
    assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION, caught.value
    assert reason_of(caught.value) in STALE
    return caught.value


@pytest.fixture
def agent(cluster, stubs):
    cluster.start_coordinator()
    made = FakeAgent(cluster.grpc)
    made.register()
    yield made.open()
    made.close()


def started(cluster, agent):
    """A gang of generation 1 that the fake agent says runs."""
    job = cluster.submit(tiny("/nowhere"))
    gang = agent.gang(agent.order("start"))
    assert (gang.job_id, gang.generation) == (job, 1)
    agent.report(gang, started=agent.pb.RankStarted(pid=1))
    from ocellus.v1 import job_pb2
    agent.report(gang, progress=job_pb2.Progress(step=1, total_steps=200))
    cluster.wait_for_state(job, "RUNNING")
    return job, gang


def everything_a_gang_can_say(agent, gang, upload_id="none"):
    from ocellus.v1 import job_pb2
    return {
        "progress": lambda: agent.report(gang, progress=job_pb2.Progress(step=150)),
        "end": lambda: agent.report(gang, ended=agent.pb.RankEnded(outcome="SUCCEEDED")),
        "log": lambda: agent.log(gang, "from a ghost"),
        "begin": lambda: agent.begin(gang, 150),
        "commit": lambda: agent.commit(gang, 150, upload_id),
    }


def test_wrong_generation_is_refused_and_counted(cluster, agent):
    job, gang = started(cluster, agent)
    for generation in (0, 2, 99):
        ghost = agent.pb.GangRef(job_id=job, generation=generation)
        for name, call in everything_a_gang_can_say(agent, ghost).items():
            before = rejections(cluster)
            stale(call)
            assert rejections(cluster) == before + 1, name
    assert cluster.step(job) == 1
    assert "ghost" not in cluster.cli("job", "logs", job).stdout
    assert cluster.cli("checkpoint", "list", job, "-o", "json").stdout.count("step") == 0


def test_old_trainer_of_a_gang_that_was_replaced(cluster, agent):
    """Paused for longer than its gang lived, it wakes and commits: too late."""
    job, old = started(cluster, agent)
    upload = agent.begin(old, 50)
    agent.report(old, ended=agent.pb.RankEnded(
        failure_class=2, signal="SIGKILL", message="killed"))
    new = agent.gang(agent.order("start", deadline_s=60))
    assert (new.job_id, new.generation) == (job, 2)
    for name, call in everything_a_gang_can_say(agent, old, upload.upload_id).items():
        before = rejections(cluster)
        stale(call)
        assert rejections(cluster) == before + 1, name
    fresh = agent.begin(new, 50)
    assert fresh.prefix != upload.prefix
    assert "g0001-" in upload.prefix and "g0002-" in fresh.prefix


def test_second_agent_under_the_same_name(cluster, agent):
    """While the first is connected the second is refused; its gang is left alone."""
    job, gang = started(cluster, agent)
    other = FakeAgent(cluster.grpc)
    with pytest.raises(grpc.RpcError) as caught:
        other.register()
    assert caught.value.code() == grpc.StatusCode.ALREADY_EXISTS
    assert reason_of(caught.value) == "NODE_NAME_IN_USE"
    other.close()
    from ocellus.v1 import job_pb2
    agent.report(gang, progress=job_pb2.Progress(step=2, total_steps=200))
    until(lambda: cluster.step(job) == 2, "the first agent goes on", 20)


def test_old_session_after_a_new_agent_took_over(cluster, agent):
    """The first agent loses its connection; a new one comes; the first returns: refused."""
    job, gang = started(cluster, agent)
    agent.up.put(None)
    other = FakeAgent(cluster.grpc)

    def taken_over():
        try:
            return other.register()
        except grpc.RpcError as error:
            assert reason_of(error) == "NODE_NAME_IN_USE"
            return None
    until(taken_over, "the new agent registers", 60)
    other.open()
    assert other.session > agent.session
    for name, call in everything_a_gang_can_say(agent, gang).items():
        before = rejections(cluster)
        stale(call)
        assert rejections(cluster) == before + 1, name
    assert agent.gang(other.order("start", deadline_s=60)).generation == 2
    assert cluster.job(job)["generation"] in (2, "2")
    other.close()


def test_announced_gang_is_adopted_and_a_stale_one_is_named(cluster, agent):
    job, gang = started(cluster, agent)
    cluster.coordinator.kill()
    cluster.start_coordinator()
    ghost = agent.pb.GangRef(job_id=job, generation=7)

    def registered():
        try:
            return agent.register([agent.status(gang, 5), agent.status(ghost, 9)])
        except grpc.RpcError:
            return None
    answer = until(registered, "the agent registers again", 30)
    assert [(s.job_id, s.generation) for s in answer.stale] == [(job, 7)]
    assert int(cluster.job(job)["generation"]) == 1
    assert cluster.job(job)["state"] == "JOB_STATE_RUNNING"
