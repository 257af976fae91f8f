"""The Python environment that peers of benchmarks run in: PyTorch at a pinned version, in
${XDG_CACHE_HOME:-~/.cache}/ocellus/bench, apart from the product's.

The wheel brings 3 GB of CUDA libraries with it. When the product's own toolchain holds
the same wheel of the same version, the environment borrows its files instead of a second download.
"""

import os
import pathlib
import shutil
import subprocess
import sys

TORCH = "2.11.0"


class NoPeer(Exception):
    pass


def version(python):
    """The version of torch that this interpreter imports, or an empty string."""
    command = [str(python), "-c", "import torch; print(torch.__version__.split('+')[0])"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def borrow(folder, root):
    """Lets the environment import the toolchain's torch; whether that worked."""
    owned = sorted((root / ".toolchain").glob("lib/python3*/site-packages"))
    own = sorted(folder.glob("lib/python3*/site-packages"))
    if not owned or not own or owned[0].parent.name != own[0].parent.name:
        return False
    link = own[0] / "borrowed_torch.pth"
    link.write_text(f"{owned[0].resolve()}\n")
    if version(folder / "bin" / "python") == TORCH:
        return True
    link.unlink()
    return False


def make(folder, root):
    owned = root / ".toolchain" / "bin" / "python"
    base = owned if owned.exists() else sys.executable
    try:
        subprocess.run([str(base), "-m", "venv", str(folder)], check=True, capture_output=True)
        if not borrow(folder, root):
            subprocess.run([str(folder / "bin" / "pip"), "install", "--quiet", f"torch=={TORCH}"],
                           check=True, capture_output=True, text=True)
    except subprocess.CalledProcessError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise NoPeer(f"cannot install torch=={TORCH} into {folder}: {error.stderr}") from error


def cache():
    home = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    return home / "ocellus" / "bench"


def compiled():
    """Where torch.compile keeps what it made."""
    return cache() / f"inductor-{TORCH}"


def torch_python(root):
    """(path of an interpreter that has the pinned PyTorch, "torch@VERSION"). Throws NoPeer."""
    folder = cache() / f"torch-{TORCH}"
    python = folder / "bin" / "python"
    if version(python) != TORCH:
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        make(folder, root)
    if version(python) != TORCH:
        raise NoPeer(f"{python} does not import torch {TORCH}; remove {folder} and try again")
    return str(python), f"torch@{TORCH}"
