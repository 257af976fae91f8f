"""Images, shards and weights as they come in the wild: named, counted, and no stack trace."""
import io
import json
import os
import random
import shutil
import subprocess
import tarfile

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file, save_file

from programs import program
from documents import tiny


def picture(seed, size=(80, 60), mode="RGB", form="JPEG"):
    """Encoded bytes of a random smooth picture."""
    pick = np.random.default_rng(seed)
    small = pick.integers(0, 255, (6, 8, 4 if mode == "CMYK" else 3), dtype=np.uint8)
    image = Image.fromarray(small, "CMYK" if mode == "CMYK" else "RGB").resize(size)
    out = io.BytesIO()
    (image if mode == "CMYK" else image.convert(mode)).save(out, form)
    return out.getvalue()


def write_tar(path, members):
    with tarfile.open(path, "w") as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def good(count):
    return [(f"{i:04d}.jpg", picture(i)) for i in range(count)]


def run(tmp_path, train, code=None, **changes):
    """Trains some steps on one rank by hand; returns the finished process."""
    base = {"ranks": 1, "schedule": {"total_steps": 6, "warmup_steps": 1}, "batch": {"global": 8}}
    spec = tmp_path / "job.json"
    spec.write_text(json.dumps(tiny(str(train), **{**base, **changes})))
    done = subprocess.run([program("ocellus-trainer"), "run", "--spec", str(spec), "--out",
                           str(tmp_path / "out")], capture_output=True, text=True, timeout=120,
                          env={**os.environ, "OMP_NUM_THREADS": "1"}, check=False)
    said = done.stdout + done.stderr
    for trace in ("terminate called", "what():", "Exception raised", "frame #", "Segmentation"):
        assert trace not in said, said
    if code is not None:
        assert done.returncode == code, said
    return done


def test_missing_data(tmp_path):
    (tmp_path / "images").mkdir()
    done = run(tmp_path, tmp_path / "imagse" / "*.tar", 2)
    assert "imagse" in done.stderr
    assert str(tmp_path) in done.stderr


def test_empty_folder(tmp_path):
    (tmp_path / "images").mkdir()
    assert "images" in run(tmp_path, tmp_path / "images", 2).stderr


def test_empty_shard_set(tmp_path):
    write_tar(tmp_path / "a.tar", [])
    assert f"{tmp_path}/*.tar" in run(tmp_path, tmp_path / "*.tar", 2).stderr


def test_truncated_tar(tmp_path):
    write_tar(tmp_path / "a.tar", good(16))
    data = (tmp_path / "a.tar").read_bytes()
    (tmp_path / "a.tar").write_bytes(data[:len(data) // 2 + 100])
    done = run(tmp_path, tmp_path / "a.tar", 2)
    assert "a.tar" in done.stderr and "truncated" in done.stderr or "cut" in done.stderr


def test_corrupt_and_empty_images_are_skipped_and_named(tmp_path):
    members = good(30)
    members[3] = (members[3][0], b"")
    members[7] = (members[7][0], members[7][1][:200])
    noise = random.Random(1).randbytes(500)
    members[11] = (members[11][0], noise)
    write_tar(tmp_path / "a.tar", members)
    done = run(tmp_path, tmp_path / "a.tar", 0, schedule={"total_steps": 12, "warmup_steps": 1})
    said = done.stdout + done.stderr
    for name in ("0003.jpg", "0011.jpg"):
        assert name in said, said


def test_too_many_bad_images_end_the_run(tmp_path):
    write_tar(tmp_path / "a.tar", [(f"{i:04d}.jpg", b"not an image") for i in range(20)] + good(20))
    done = run(tmp_path, tmp_path / "a.tar", 2, data={"max_bad_samples": 3})
    assert "max_bad_samples" in done.stderr
    assert ".jpg" in done.stdout + done.stderr


@pytest.mark.parametrize("mode, form", [("CMYK", "JPEG"), ("L", "JPEG"), ("L", "PNG"),
                                        ("RGBA", "PNG"), ("P", "PNG"), ("1", "PNG"), ("LA", "PNG")])
def test_other_colour_models_are_images_too(tmp_path, mode, form):
    name = "jpg" if form == "JPEG" else "png"
    write_tar(tmp_path / "a.tar", [(f"{i:04d}.{name}", picture(i, mode=mode, form=form))
                                   for i in range(16)])
    done = run(tmp_path, tmp_path / "a.tar", 0, data={"max_bad_samples": 0})
    assert "bad sample" not in (done.stdout + done.stderr).lower()


def test_image_over_the_pixel_limit(tmp_path):
    members = good(20)
    members[2] = ("0002.jpg", picture(2, size=(400, 400)))
    write_tar(tmp_path / "a.tar", members)
    done = run(tmp_path, tmp_path / "a.tar", 0, data={"max_pixels": 100_000},
               schedule={"total_steps": 12, "warmup_steps": 1})
    said = done.stdout + done.stderr
    assert "0002.jpg" in said and ("max_pixels" in said or "pixels" in said)


def test_fewer_images_than_a_batch(tmp_path):
    write_tar(tmp_path / "a.tar", good(4))
    done = run(tmp_path, tmp_path / "a.tar", 2)
    assert "batch" in done.stderr and "4" in done.stderr


def test_weights_of_wrong_shapes_are_all_listed(tmp_path):
    write_tar(tmp_path / "a.tar", good(16))
    run(tmp_path, tmp_path / "a.tar", 0)
    found = [os.path.join(folder, "model.safetensors") for folder, _, files
             in os.walk(tmp_path / "out") if "model.safetensors" in files]
    weights = load_file(sorted(found)[-1])
    for name in ("norm.weight", "blocks.0.mlp.fc1.weight", "decoder_pred.bias"):
        weights[name] = np.zeros((3, 5), np.float32)
    del weights["mask_token"]
    weights["head.weight"] = np.zeros((2, 2), np.float32)
    save_file(weights, tmp_path / "wrong.safetensors")
    shutil.rmtree(tmp_path / "out")
    done = run(tmp_path, tmp_path / "a.tar", 2,
               init={"weights": str(tmp_path / "wrong.safetensors")})
    for name in ("norm.weight", "blocks.0.mlp.fc1.weight", "decoder_pred.bias", "mask_token",
                 "head.weight"):
        assert name in done.stderr, done.stderr
    assert "3" in done.stderr and "48" in done.stderr


def test_weights_that_are_no_weights(tmp_path):
    write_tar(tmp_path / "a.tar", good(16))
    (tmp_path / "w.safetensors").write_bytes(b"\xff" * 100)
    done = run(tmp_path, tmp_path / "a.tar", 2, init={"weights": str(tmp_path / "w.safetensors")})
    assert "w.safetensors" in done.stderr


def test_photographs_in_a_folder(tmp_path):
    """Real photographs, of many sizes, by plain folder."""
    import skimage
    source = os.path.join(os.path.dirname(skimage.__file__), "data")
    folder = tmp_path / "photographs"
    folder.mkdir()
    kept = 0
    for name in sorted(os.listdir(source)):
        if name.endswith((".png", ".jpg", ".jpeg")):
            os.symlink(os.path.join(source, name), folder / name)
            kept += 1
    assert kept >= 5
    run(tmp_path, folder, 0, batch={"global": 4})
