"""tools/demo on a folder of images, twice in a row, with its usual port taken."""
import os
import socket
import subprocess

from cluster import descendants, processes
from programs import ROOT
from test_bad_data import picture


def run_demo(tmp_path, *options):
    return subprocess.run([os.path.join(ROOT, "tools", "demo"), *options], capture_output=True,
                          text=True, timeout=300, check=False, stdin=subprocess.DEVNULL,
                          env={**os.environ, "OCELLUS_DEMO_HOME": str(tmp_path / "demo")})


def folder_of_images(tmp_path):
    for label in ("cats", "dogs"):
        (tmp_path / "images" / label).mkdir(parents=True)
        for i in range(40):
            name = tmp_path / "images" / label / f"{i}.jpg"
            name.write_bytes(picture(i + 1000 * len(label)))
    return tmp_path / "images"


def test_demo_twice_with_the_port_taken(tmp_path):
    images = folder_of_images(tmp_path)
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("127.0.0.1", 7410))
            taken.listen()
        except OSError:
            pass  # somebody else has it: just as well
        for _ in range(2):
            done = run_demo(tmp_path, "--data", str(images), "--steps", "12")
            assert done.returncode == 0, done.stdout + done.stderr
            for part in ("loss curve", "reconstructions", "encoder", "timm loads it", "metrics",
                         "Next", "80 images"):
                assert part in done.stdout, done.stdout
            assert "step" in done.stdout + done.stderr
    assert (tmp_path / "demo" / "encoder.safetensors").stat().st_size > 1_000_000
    left = [command for _, command in processes().values() if str(tmp_path) in command]
    assert left == []
    assert not any("ocellus" in command for command in descendants(os.getpid()).values())


def test_demo_without_images(tmp_path):
    (tmp_path / "empty").mkdir()
    done = run_demo(tmp_path, "--data", str(tmp_path / "empty"), "--steps", "5")
    assert done.returncode == 1
    assert "no images" in done.stderr and "empty" in done.stderr


def test_demo_options(tmp_path):
    done = run_demo(tmp_path, "--dta", "x")
    assert done.returncode == 1 and "--help" in done.stderr
    assert "--data" in run_demo(tmp_path, "--help").stdout
