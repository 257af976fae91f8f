"""tools/learning: its documents are valid, its images repeat, its numbers are right."""
import os
import sys
import types

import numpy as np
import pytest

from programs import ROOT, program

TOOLS = os.path.join(ROOT, "tools", "learning")
sys.path.insert(0, TOOLS)

import digits  # noqa: E402
import measure  # noqa: E402
import report  # noqa: E402
import study  # noqa: E402


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    return study.Study(types.SimpleNamespace(
        work=str(tmp_path_factory.mktemp("work")), study=os.path.join(TOOLS, "study.yaml"),
        bin=os.path.dirname(program("ocellus"))))


def test_every_document_resolves(plan):
    for name in plan.plan["sets"]:
        for method in plan.plan["methods"]:
            document = plan.document(name, method, 3)
            assert document["seed"] == 3
            precision = "bf16" if (name, method) == ("demo", "mae") else "fp32"
            assert document["precision"] == precision
            assert list(document["objective"]) == [method]


def test_changes_replace_a_model_as_a_whole():
    into = {"model": {"resnet": {"depth": 18}}, "batch": {"global": 8, "accumulate": 2}}
    assert study.merge(into, {"model": {"vit": {"dim": 4}}, "batch": {"global": 4}}) == {
        "model": {"vit": {"dim": 4}}, "batch": {"global": 4, "accumulate": 2}}
    assert study.merge(into, {"model": {"vit": {"depth": 2}}})["model"] == {"vit": {"depth": 2}}


def test_digits_are_the_same_each_time_and_inside():
    ink = np.full((8, 8), 16.0)
    first, second = (np.asarray(digits.draw(ink, np.random.default_rng(5))) for _ in range(2))
    assert (first == second).all() and first.shape == (64, 64, 3)
    inked = int((first[..., 0] > 127).sum())  # all of the smallest and no more than the largest
    assert 0.9 * digits.SIZES[0] ** 2 < inked < 1.1 * digits.SIZES[1] ** 2


def test_knn_and_probe_of_two_clusters():
    labels = np.arange(60) % 2
    points = np.eye(2)[labels] + np.random.default_rng(0).normal(0, 0.05, (60, 2))
    assert measure.knn(points, labels, points, labels) == 1
    assert measure.probe(points, labels, points, labels) == 1
    assert measure.knn(points, labels, points, 1 - labels) == 0


def test_a_difference_is_told_from_noise():
    assert report.verdict([0.50, 0.52, 0.51], [0.51, 0.50, 0.53])[2] == "yes"
    assert report.verdict([0.50, 0.52, 0.51], [0.71, 0.70, 0.73])[2] == "**no**"
    assert report.verdict([0.5], [0.5])[2] == "too few seeds"
