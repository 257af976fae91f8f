"""Each fuzzer runs for a minute (OCELLUS_FUZZ_SECONDS) from the kept corpus, and finds nothing; the
planted fault is found. The seed is fixed, so that a change is judged by what it changes; the search
for what nobody saw yet is `tools/fuzz` without one."""
import os
import subprocess

import pytest

from programs import ROOT

TARGETS = ["kubeconfig", "kubernetes", "manifest", "pod_template", "safetensors", "shard_index",
           "spec", "tar", "wire"]


def run(*arguments):
    return subprocess.run([os.path.join(ROOT, "tools", "fuzz"), *arguments], cwd=ROOT, text=True,
                          capture_output=True, timeout=3600, check=False)


@pytest.fixture(scope="session", autouse=True)
def built():
    done = run("--build")
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_target_is_listed():
    names = {n[5:] for n in os.listdir(os.path.join(ROOT, "build", "fuzz", "bin"))
             if n.startswith("fuzz_")}
    assert names == {*TARGETS, "planted"}
    assert {n for n in os.listdir(os.path.join(ROOT, "tests", "fuzz", "corpus"))} == names


@pytest.fixture(scope="session")
def ran():
    return run("--seed", "1")


@pytest.mark.parametrize("target", TARGETS)
def test_finds_nothing(ran, target):
    said = [line for line in ran.stdout.splitlines() if line.startswith(f"{target}: ")]
    assert len(said) == 1 and " runs in " in said[0], "\n".join(said) or ran.stderr


def test_planted_overflow_is_found():
    done = run("planted", "--seconds", "60")
    assert done.returncode == 1, done.stdout
    assert "stack-buffer-overflow" in done.stdout and "FINDING planted" in done.stdout
