"""tools/setup: what it accepts and refuses, and that a second run is quick and offline."""
import hashlib
import os
import re
import subprocess
import time

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SETUP = os.path.join(ROOT, "tools", "setup")


def call(tmp_path, script, lock="", apt=""):
    """Runs bash with setup's functions, a lock of our own and a fake apt-cache."""
    (tmp_path / "lock").write_text(lock)
    fake = tmp_path / "bin"
    fake.mkdir(exist_ok=True)
    (fake / "apt-cache").write_text("#!/bin/bash\n" + apt)
    (fake / "apt-cache").chmod(0o755)
    text = f"source {SETUP}; lock={tmp_path}/lock; work={tmp_path}; trap - EXIT; {script}"
    return subprocess.run(["bash", "-c", text], capture_output=True, text=True, check=False,
                          env={**os.environ, "PATH": f"{fake}:{os.environ['PATH']}"})


def test_lock_is_whole():
    with open(os.path.join(ROOT, "tools", "setup.lock"), encoding="utf-8") as f:
        text = f.read()
    debian, pypi = text.split("[pypi]")
    pypi, servers = pypi.split("[servers]")
    rows = [line.split() for line in debian.splitlines() if line and line[0] not in "#["]
    assert len(rows) > 100
    for name, version, digest, mode in rows:
        assert re.fullmatch(r"[0-9a-f]{64}", digest) and version[0].isdigit(), name
        assert mode in ("exact", "floor", "closure", "extract"), name
    lines = [line for line in pypi.splitlines() if line and line[0] not in "#["]
    assert len(lines) > 40
    for line in lines:
        assert re.fullmatch(r"[\w.-]+==[\w.+-]+ --hash=sha256:[0-9a-f]{64}", line), line
    for line in servers.strip().splitlines():
        assert re.fullmatch(r"[\w-]+ \S+ v[\w.-]+ h1:[\w+/]{43}= \S+", line), line


def test_second_run_is_quick_and_offline():
    start = time.monotonic()
    done = subprocess.run(["unshare", "-rn", SETUP], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert time.monotonic() - start < 5


def test_missing_packages_are_found(tmp_path):
    lock = ("[debian]\n# comment\nbash 1.0 aa exact\nbash-none 1.0 aa closure\n"
            "bash 999:1.0 aa floor\ndata 1 aa extract\n[pypi]\nx==1\n")
    done = call(tmp_path, "debian_missing", lock)
    assert done.stdout.split("\n")[:2] == ["bash-none 1.0 aa closure", "bash 999:1.0 aa floor"]


def test_gone_version_is_one_clear_error(tmp_path):
    apt = 'case $1 in madison) echo "tool | 2.0 | x"; ;; policy) echo "  Candidate: 2.0" ;; esac'
    (tmp_path / "wanted").write_text("tool 1.0 aa exact\n")
    done = call(tmp_path, f"debian_available {tmp_path}/wanted", apt=apt)
    assert done.returncode == 1
    assert "tool 1.0" in done.stderr and "--relock" in done.stderr
    (tmp_path / "wanted").write_text("tool 1.0 aa floor\n")
    done = call(tmp_path, f"debian_available {tmp_path}/wanted", apt=apt)
    assert done.stdout == "tool 2.0 -\n"
    (tmp_path / "wanted").write_text("tool 2.0 aa exact\n")
    assert call(tmp_path, f"debian_available {tmp_path}/wanted", apt=apt).stdout == "tool 2.0 aa\n"


@pytest.mark.parametrize("true_hash", [True, False])
def test_changed_package_is_refused(tmp_path, true_hash):
    control = tmp_path / "deb" / "DEBIAN"
    control.mkdir(parents=True)
    (control / "control").write_text("Package: tool\nVersion: 1.0\nArchitecture: all\n"
                                     "Maintainer: test <t@example.org>\nDescription: test\n")
    debs = tmp_path / "debs"
    debs.mkdir()
    subprocess.run(["dpkg-deb", "--build", str(tmp_path / "deb"), str(debs / "tool.deb")],
                   check=True, capture_output=True)
    digest = hashlib.sha256((debs / "tool.deb").read_bytes()).hexdigest()
    (tmp_path / "wanted").write_text(f"tool 1.0 {digest if true_hash else 64 * '0'}\n")
    done = call(tmp_path, f"verify_debs {debs} {tmp_path}/wanted")
    assert (done.returncode == 0) == true_hash
    assert true_hash or ("SHA-256" in done.stderr and "tool" in done.stderr)


def test_unknown_option(tmp_path):
    done = subprocess.run([SETUP, "--fast"], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "--help" in done.stderr
