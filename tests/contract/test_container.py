"""Images, as far as that goes without a container engine: deploy/container/README.md."""
import collections
import glob
import os
import re
import shutil
import subprocess

import pytest

from programs import BUILD, ROOT, program

FOLDER = os.path.join(ROOT, "deploy", "container")
# What the base has of glibc, and assemble leaves to it.
GLIBC = ("ld-linux-x86-64.so.2", "libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0",
         "librt.so.1", "libutil.so.1", "libresolv.so.2", "libanl.so.1")
PROGRAMS = {"coordinator": ["ocellus", "ocellus-coordinator"],
            "worker": ["ocellus", "ocellus-worker", "ocellus-trainer", "ocellus-pack"]}


def assemble(kind, root):
    for name in PROGRAMS[kind]:
        program(name)
    return subprocess.run([os.path.join(FOLDER, "assemble"), kind, BUILD, str(root)],
                          capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module", params=PROGRAMS)
def image(request, tmp_path_factory):
    """(kind, folder): an image's files over the glibc of this machine, which is the base's."""
    # Beside the build, so that the CUDA libraries are links and not gigabytes.
    root = tmp_path_factory.mktemp(request.param)
    done = assemble(request.param, root)
    assert done.returncode == 0, done.stderr
    os.makedirs(root / "lib64")
    os.makedirs(root / "lib" / "x86_64-linux-gnu")
    for name in GLIBC:
        where = "lib64" if name.startswith("ld-") else os.path.join("lib", "x86_64-linux-gnu")
        shutil.copy(os.path.join("/", where, name), root / where)
    yield request.param, root
    shutil.rmtree(root)


def inside(root, *command):
    """Runs a program with the folder as its /; in a user namespace where one is not root."""
    become = [] if os.geteuid() == 0 else ["/usr/bin/unshare", "--user", "--map-root-user"]
    return subprocess.run([*become, "/usr/sbin/chroot", str(root), *command],
                          capture_output=True, text=True,
                          env={"LD_LIBRARY_PATH": "/opt/ocellus/lib", "PATH": "/opt/ocellus/bin"},
                          timeout=120, check=False)


def test_every_program_starts(image):
    kind, root = image
    for name in PROGRAMS[kind]:
        asked = "--help" if name == "ocellus-pack" else "--version"
        done = inside(root, f"/opt/ocellus/bin/{name}", asked)
        assert done.returncode == 0 and ("0.1" in done.stdout or asked == "--help"), (name, done)


def test_every_library_is_there(image):
    """Of programs, and of the libraries that LibTorch opens by name."""
    _, root = image
    files = glob.glob(str(root / "opt/ocellus/bin/*")) + glob.glob(str(root / "opt/ocellus/lib/*"))
    assert len(files) > 30
    for path in files:
        done = inside(root, "/lib64/ld-linux-x86-64.so.2", "--list",
                      "/" + os.path.relpath(path, root))
        missing = re.findall(r"([\w.-]+\.so[\w.]*): cannot open", done.stderr)
        # The driver's own comes with the container runtime, and only where it is asked for.
        driver = missing == ["libcuda.so.1"] and path.endswith("/libcaffe2_nvrtc.so")
        assert driver or (done.returncode == 0 and "not found" not in done.stdout), (path, done)


def test_cuda_libraries_are_there_once_and_only_for_workers(image):
    kind, root = image
    names = os.listdir(root / "opt/ocellus/lib")
    cuda = [n for n in names if re.match(r"lib(cu|nv|nccl|torch|c10)", n) and "curl" not in n]
    if kind == "coordinator":
        assert cuda == []
        return
    assert {"libcudart.so.13", "libnccl.so.2", "libtorch_cuda.so", "libcudnn.so.9"} <= set(cuda)
    versions = collections.Counter(re.sub(r"\.so.*", "", n) for n in names)
    assert [n for n, count in versions.items() if count > 1] == []
    inodes = [os.stat(root / "opt/ocellus/lib" / n).st_ino for n in names]
    assert len(inodes) == len(set(inodes))


def test_a_library_that_is_missing_is_noticed(image):
    kind, root = image
    lost = root / "opt/ocellus/lib" / "libstdc++.so.6"
    kept = lost.with_name("kept")
    lost.rename(kept)
    done = inside(root, f"/opt/ocellus/bin/{PROGRAMS[kind][0]}", "--version")
    kept.rename(lost)
    assert done.returncode == 127 and "libstdc++.so.6" in done.stderr


def test_the_file_itself():
    """Stages, pins, and that what it runs is what is tested here."""
    with open(os.path.join(FOLDER, "Containerfile"), encoding="utf-8") as f:
        text = f.read().replace("\\\n", " ")
    assert re.search(r"(?m)^ARG BASE=\S+@sha256:[0-9a-f]{64}$", text)
    assert set(re.findall(r"(?m)^FROM (\S+)", text)) == {"${BASE}"}
    for kind in PROGRAMS:
        assert f"deploy/container/assemble {kind} build/release /images/{kind}" in text
        stage = text.split(f"AS {kind}\n")[1].split("\nFROM")[0]
        assert f"COPY --from=build /images/{kind}/ /" in stage
        assert "USER 10001:10001" in stage and f'ENTRYPOINT ["ocellus-{kind}"]' in stage
        assert "RUN" not in stage
    for path in re.findall(r"(?m)^COPY (?!--from)(.*) \S+$", text):
        for name in path.split():
            assert glob.glob(os.path.join(ROOT, name)), name


def test_assemble_says_what_is_wrong(tmp_path):
    done = subprocess.run([os.path.join(FOLDER, "assemble"), "worker", str(tmp_path),
                           str(tmp_path / "root")], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "ocellus is not built" in done.stderr
    done = subprocess.run([os.path.join(FOLDER, "assemble"), "scheduler", BUILD, str(tmp_path)],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "coordinator or worker" in done.stderr
