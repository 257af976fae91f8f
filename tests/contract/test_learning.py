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
            halved = method == "mae" and name in ("demo", "digits")
            precision = "bf16" if halved else "fp32"
            assert document["precision"] == precision
            assert list(document["objective"]) == [method]


def test_changes_replace_a_model_as_a_whole():
    into = {"model": {"resnet": {"depth": 18}}, "batch": {"global": 8, "accumulate": 2}}
    assert study.merge(into, {"model": {"vit": {"dim": 4}}, "batch": {"global": 4}}) == {
        "model": {"vit": {"dim": 4}}, "batch": {"global": 4, "accumulate": 2}}
    assert study.merge(into, {"model": {"vit": {"depth": 2}}})["model"] == {"vit": {"depth": 2}}


def test_digits_are_the_same_each_time_and_inside():
    ink = np.full((8, 8), 16.0)
    asked = types.SimpleNamespace(sizes=(14, 44), stretch=1.2, turn=15)
    first, second = (np.asarray(digits.draw(ink, np.random.default_rng(5), asked))
                     for _ in range(2))
    assert (first == second).all() and first.shape == (64, 64, 3)
    inked = int((first[..., 0] > 127).sum())  # all of the smallest and no more than the largest
    assert 0.9 * asked.sizes[0] ** 2 < inked < 1.1 * asked.sizes[1] ** 2


def test_knn_and_probe_of_two_clusters():
    labels = np.arange(60) % 2
    points = np.eye(2)[labels] + np.random.default_rng(0).normal(0, 0.05, (60, 2))
    assert measure.knn(points, labels, points, labels) == 1
    assert measure.probe(points, labels, points, labels) == 1
    assert measure.knn(points, labels, points, 1 - labels) == 0


def test_whitening_makes_every_direction_count():
    rng = np.random.default_rng(0)
    labels = np.arange(200) % 2
    points = rng.normal(0, 1, (200, 3)) * [100, 100, 1]  # nothing but noise in the large ones
    points[:, 2] = 2 * labels - 1 + rng.normal(0, 0.1, 200)
    bank, queries, known, asked = points[:150], points[150:], labels[:150], labels[150:]
    white = measure.whitened(bank, queries)
    assert np.allclose(white[0].T @ white[0] / 150, np.eye(3))
    assert measure.knn(bank, known, queries, asked) < 0.75
    assert measure.knn(white[0], known, white[1], asked) > 0.9


def test_few_labels_are_fewer():
    """400 of 1,000, so that a nearest twin of a query has its label in 2 of 5 draws."""
    points = np.random.default_rng(0).normal(0, 1, (1000, 50))
    labels = np.arange(1000) % 10
    assert measure.knn(points, labels, points, labels) > 0.95
    assert 0.35 < measure.few(points, labels, points, labels) < 0.6


def test_a_difference_is_told_from_noise():
    assert report.verdict([0.50, 0.52, 0.51], [0.51, 0.50, 0.53])[2] == "yes"
    assert report.verdict([0.50, 0.52, 0.51], [0.71, 0.70, 0.73])[2] == "**no**"
    assert report.verdict([0.5], [0.5])[2] == "too few seeds"
