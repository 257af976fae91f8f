"""A document that an earlier release resolved lacks newer keys; it goes on with their defaults."""
import glob
import json
import os
import subprocess

import pytest
from safetensors.torch import load_file
import torch

from documents import tiny
from programs import program

OLD = {  # keys of a resolved document that came with later releases, as far as they have defaults
    "": ("init", "guard", "eval", "report"), "data": ("text", "threads", "augment"),
    "objective.mae": ("norm_pix_loss", "features"), "model.vit": ("mlp_ratio", "stem", "recompute"),
    "batch": ("accumulate",), "optimizer.adamw": ("eps", "decay_all", "shard"),
    "schedule": ("warmup_offset", "min_lr")}
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def of_earlier_release(document):
    old = json.loads(json.dumps(document))
    for path, keys in OLD.items():
        at = old
        for part in filter(None, path.split(".")):
            at = at[part]
        for key in keys:
            at.pop(key, None)
    return old


def trainer(*args, code=0):
    done = subprocess.run([program("ocellus-trainer"), *map(str, args)], capture_output=True,
                          text=True, timeout=240, check=False, env=ENVIRONMENT)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def rank(folder, spec, restore=()):
    """Runs `ocellus-trainer rank` as an agent does; returns its events."""
    document = {"version": 1, "job": "j-1", "name": "old", "project": "default", "generation": 2,
                "rank": 0, "world": 1, "local_rank": 0, "master_addr": "127.0.0.1",
                "master_port": 29511, "device": "cpu", "gpu": -1, "threads": 1, "spec": spec,
                "store": f"file://{folder}", "prefix": "", "restore": list(restore),
                "checkpoint": {"every_steps": 0, "keep": 3, "keep_every_steps": 0,
                               "commit": "self"}}
    events = os.path.join(folder, "events")
    with subprocess.Popen(["bash", "-c", f'exec "$0" rank 3>"{events}"',
                           program("ocellus-trainer")], stdin=subprocess.PIPE, text=True,
                          stdout=subprocess.DEVNULL, env=ENVIRONMENT) as process:
        process.stdin.write(json.dumps(document) + "\n")
        process.stdin.flush()
        process.wait(240)
    with open(events, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


@pytest.fixture(scope="module")
def run(tmp_path_factory, images):
    """(folder of a checkpoint after 4 steps, its resolved document of 6 steps)."""
    folder = tmp_path_factory.mktemp("run")
    document = tiny(images, ranks=1, batch={"global": 8}, checkpoint={"every_steps": 4},
                    schedule={"total_steps": 6, "warmup_steps": 0})
    (folder / "job.json").write_text(json.dumps(document))
    trainer("run", "--spec", folder / "job.json", "--out", folder / "out")
    (manifest,) = glob.glob(str(folder / "out/checkpoints/step-000000004/*/manifest.json"))
    with open(manifest, encoding="utf-8") as f:
        return os.path.dirname(manifest), json.load(f)["document"]


def steps(events):
    exit_record = events[-1]
    assert exit_record["outcome"] == "SUCCEEDED", exit_record
    return [(e["step"], e["loss"]) for e in events if e["type"] == "step"]


def aged(checkpoint, folder):
    """A copy of the checkpoint that an earlier release wrote."""
    place = folder / "checkpoints" / "step-000000004" / "g0001-0a0b0c0d"
    place.mkdir(parents=True)
    for name in os.listdir(checkpoint):
        os.link(os.path.join(checkpoint, name), place / name)
    manifest = place / "manifest.json"
    written = json.loads(manifest.read_text())
    written["document"] = of_earlier_release(written["document"])
    manifest.unlink()
    manifest.write_text(json.dumps(written))
    return place


def test_a_rank_fills_in_defaults(run, tmp_path):
    checkpoint, document = run
    document = json.loads(json.dumps(document))
    # What the old document had otherwise than by default is not what is tested here.
    for part in ("guard", "report", "eval", "init"):
        document.pop(part)
    document["data"].pop("threads")
    for name in ("new", "old"):
        (tmp_path / name).mkdir()
    quiet = {"knn": {"train_samples": 0, "val_samples": 0}, "pictures": 0,
             "collapse": {"samples": 0}}
    new = dict(document, eval=quiet)
    old = dict(of_earlier_release(document), eval=quiet)
    assert old != new
    assert steps(rank(tmp_path / "new", new)) == steps(rank(tmp_path / "old", old))


def test_an_old_job_goes_on_from_its_checkpoint(run, tmp_path):
    checkpoint, document = run
    place = aged(checkpoint, tmp_path)
    uri = str(place.relative_to(tmp_path)) + "/"
    events = rank(tmp_path, of_earlier_release(document), [{"step": 4, "uri": uri}])
    assert [e["uri"] for e in events if e["type"] == "restored"] == [uri]
    assert [step for step, _ in steps(events)] == [5, 6]
    said = [e["text"] for e in events if e["type"] == "log" and e["level"] == "warning"]
    assert said == []


def test_an_old_checkpoint_is_exported_and_evaluated(run, tmp_path):
    checkpoint, _ = run
    place = aged(checkpoint, tmp_path)
    for name, source in (("new", checkpoint), ("old", place)):
        trainer("export", "--checkpoint", source, "--out", tmp_path / f"{name}.safetensors")
    new, old = (load_file(tmp_path / f"{n}.safetensors") for n in ("new", "old"))
    assert new.keys() == old.keys() and all(torch.equal(old[k], v) for k, v in new.items())
    said = trainer("eval", "--checkpoint", place, "--train-samples", "64", "--val-samples", "16")
    assert "knn" in said.lower()


def test_a_later_releases_key_is_named(run, tmp_path):
    _, document = run
    later = json.loads(json.dumps(document))
    later["objective"]["mae"]["colour_of_hope"] = "green"
    last = rank(tmp_path, later)[-1]
    assert last["class"] == "user" and last["outcome"] == "BAD_SPEC"
    assert "the job's document" in last["message"] and "colour_of_hope" in last["message"]
