"""What can be wrong in the input of a method: named with file, line or key, and with what to do."""
import io
import json
import os
import subprocess
import tarfile

import numpy as np
import pytest
from PIL import Image

from documents import merged, tiny
from programs import program

VIT = {"vit": {"image_size": 32, "patch_size": 8, "dim": 48, "depth": 1, "heads": 3}}
RESNET = {"resnet": {"block": "basic", "layers": [1, 1, 1, 1], "width": 8, "image_size": 32}}
TEXT = {"width": 16, "heads": 2, "layers": 1, "context_length": 16}
CLIP = {"clip": {"embed_dim": 16, "text": TEXT}}
MOCO = {"mocov3": {"mlp_dim": 32, "proj_dim": 16}}
RELIC = {"relicv2": {"mlp_dim": 32, "proj_dim": 16, "large_views": 2, "small_views": 0}}


def encoded(seed, size=(48, 40), form="JPEG", mode="RGB"):
    pixels = np.random.default_rng(seed).integers(0, 255, (5, 6, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).resize(size).convert(mode).save(out, form)
    return out.getvalue()


def shard(path, count=16, **members):
    """A shard; `members` gives bytes by extension (with _ for the dot) for the n-th sample."""
    with tarfile.open(path, "w") as tar:
        for i in range(count):
            parts = {"jpg": encoded(i)}
            parts.update({k.replace("_", "."): make(i) for k, make in members.items()})
            for extension, data in parts.items():
                if data is not None:
                    info = tarfile.TarInfo(f"{i:04d}.{extension}")
                    info.size = len(data)
                    tar.addfile(info, io.BytesIO(data))
    return str(path)


def document(train, objective, model, **changes):
    """A job of two steps as YAML text with one key a line."""
    made = tiny(train, ranks=1, batch={"global": 8}, schedule={"total_steps": 2, "warmup_steps": 0},
                objective={"mae": None}, model={"vit": None})
    made["objective"], made["model"] = objective, model
    return json.dumps(merged(made, changes), indent=1)


def said_by(command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=240,
                          env={**os.environ, "OMP_NUM_THREADS": "1"}, check=False)
    said = done.stdout + done.stderr
    for trace in ("terminate called", "what():", "frame #", "[json.exception", "Segmentation"):
        assert trace not in said, said
    return done.returncode, said


def run(tmp_path, text, *options):
    (tmp_path / "job.yaml").write_text(text)
    return said_by([program("ocellus-trainer"), "run", "--spec", tmp_path / "job.yaml", "--out",
                    tmp_path / "out", *options])


def line_of(text, key):
    return 1 + [f'"{key}"' in line for line in text.splitlines()].index(True)


def test_no_captions_at_all(tmp_path):
    train = shard(tmp_path / "a.tar")
    code, said = run(tmp_path, document(train, CLIP, VIT))
    assert code == 2, said
    for part in ("a.tar:0", ".jpg", "no caption", "txt", "max_bad_samples"):
        assert part in said, said


def test_folders_have_no_captions(tmp_path):
    (tmp_path / "images").mkdir()
    for i in range(12):
        (tmp_path / "images" / f"{i}.jpg").write_bytes(encoded(i))
    code, said = run(tmp_path, document(str(tmp_path / "images"), CLIP, VIT))
    assert code == 2 and "images/" in said and "no caption" in said, said


def test_empty_captions_are_passed_over_by_name(tmp_path):
    train = shard(tmp_path / "a.tar", 24, txt=lambda i: b" \n" if i in (3, 7) else b"a thing")
    code, said = run(tmp_path, document(train, CLIP, VIT, schedule={"total_steps": 3}))
    assert code == 0, said
    for name in ("0003.jpg", "0007.jpg"):
        assert f"skipped bad sample {train}:{name}: it has no caption" in said, said


def test_a_json_without_caption(tmp_path):
    train = shard(tmp_path / "a.tar", 24, json=lambda i: b'{"title": "no"}' if i == 5
                  else b'{"caption": "a thing"}')
    code, said = run(tmp_path, document(train, CLIP, VIT, schedule={"total_steps": 3}))
    assert code == 0 and "a.tar:0005.jpg" in said and "caption" in said, said


def test_a_vocabulary_that_is_too_small(tmp_path):
    train = shard(tmp_path / "a.tar", txt=lambda i: b"a thing")
    objective = {"clip": {"embed_dim": 16, "text": dict(TEXT, vocab_size=1000)}}
    code, said = run(tmp_path, document(train, objective, VIT))
    assert code == 2, said
    assert "objective.clip.text.vocab_size" in said and "49408" in said, said


def test_masks_of_another_size(tmp_path):
    def mask(i):
        size = (50, 40) if i == 4 else (48, 40)
        pixels = np.zeros(size[::-1], np.uint8)
        pixels[5:30, 5:30] = 255
        out = io.BytesIO()
        Image.fromarray(pixels).save(out, "PNG")
        return out.getvalue() if i != 9 else b"no picture"
    train = shard(tmp_path / "a.tar", 24, mask_png=mask)
    text = document(train, RELIC, RESNET, data={"augment": {"remove_background": 0.5}},
                    schedule={"total_steps": 3})
    code, said = run(tmp_path, text)
    assert code == 0, said
    assert "a.tar:0004.jpg: its mask is 50 x 40, the image 48 x 40" in said, said
    assert "a.tar:0009.jpg: its mask" in said and "no_masks" not in said, said


def test_no_masks_where_they_are_wanted(tmp_path):
    train = shard(tmp_path / "a.tar")
    text = document(train, RELIC, RESNET, data={"augment": {"remove_background": 0.5}})
    code, said = run(tmp_path, text)
    assert code == 0 and said.count("none of 16 samples looked at has a mask") == 1, said
    assert "data.augment.remove_background" in said and "mask.png" in said, said


@pytest.mark.parametrize("ranks, accumulate, share", [(3, 1, "3 ranks"), (2, 3, "2 ranks")])
def test_a_batch_that_does_not_divide(tmp_path, ranks, accumulate, share):
    train = shard(tmp_path / "a.tar")
    text = document(train, MOCO, VIT, ranks=ranks, batch={"accumulate": accumulate})
    code, said = run(tmp_path, text, "--ranks", ranks)
    assert code == 2, said
    at = f"job.yaml:{line_of(text, 'global')}: batch.global"
    assert at in said and "8 images" in said and share in said, said
    code, said = run(tmp_path, document(train, MOCO, VIT), "--ranks", "3")
    assert code == 2 and "batch.global" in said and "3" in said, said


@pytest.mark.parametrize("objective, key", [
    ({"mocov3": {"temperature": 0}}, "temperature"),
    ({"mocov3": {"temperature": -1}}, "temperature"),
    ({"relicv2": {"temperature": 0}}, "temperature"),
    ({"clip": {"logit_scale_init": 0}}, "logit_scale_init"),
])
def test_temperature_zero(tmp_path, objective, key):
    name = next(iter(objective))
    text = document("/data/*.tar", objective, VIT)
    code, said = run(tmp_path, text)
    assert code == 2 and said.count("\n") == 1, said
    assert f"job.yaml:{line_of(text, key)}: objective.{name}.{key}" in said, said


@pytest.mark.parametrize("objective, model, parts", [
    (CLIP, RESNET, ["model", "clip", "vit"]),
    ({"mae": {}}, RESNET, ["model", "mae", "vit"]),
    (CLIP, {"preset": "ViT-B-61"}, ["model.preset", "ViT-B-61"]),
    (CLIP, {"convnext": {"depth": 3}}, ["convnext", "vit"]),
    ({"clip": {"text": {"tower": "t5"}}}, VIT, ["objective.clip.text.tower", "unknown key"]),
])
def test_a_tower_that_does_not_exist(tmp_path, objective, model, parts):
    code, said = run(tmp_path, document("/data/*.tar", objective, model))
    assert code == 2 and said.count("\n") == 1, said
    assert "job.yaml" in said, said
    for part in parts:
        assert part in said, said


def test_zero_shot_without_a_text_tower(tmp_path):
    train = shard(tmp_path / "a.tar", cls=lambda i: b"%d" % (i % 2))
    text = document(train, MOCO, VIT, eval={"zero_shot": {"classes": ["a", "b"]}})
    code, said = run(tmp_path, text)
    assert code == 2, said
    assert "eval.zero_shot" in said and "text tower" in said and "mocov3" in said, said


def test_class_names_that_are_not_there(tmp_path):
    train = shard(tmp_path / "a.tar", txt=lambda i: b"a thing", cls=lambda i: b"%d" % (i % 2))
    text = document(train, CLIP, VIT, eval={
        "zero_shot": {"classes": "names.txt"}, "knn": {"k": 1, "train_samples": 8,
                                                       "val_samples": 4}})
    code, said = run(tmp_path, text)
    assert code == 2, said
    assert "eval.zero_shot.classes" in said and str(tmp_path / "names.txt") in said, said
