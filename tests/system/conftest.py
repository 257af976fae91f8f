"""Fixtures of the system tests."""
import os
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from cluster import Cluster  # noqa: E402
from programs import ROOT, program  # noqa: E402


@pytest.fixture
def cluster(tmp_path):
    """A coordinator and a worker, not yet started."""
    made = Cluster(tmp_path)
    yield made
    made.stop()


@pytest.fixture
def secure(tmp_path, stubs):
    """A cluster in secure mode, not yet started."""
    from secure import SecureCluster
    made = SecureCluster(tmp_path)
    yield made
    made.stop()


@pytest.fixture(scope="session")
def images(tmp_path_factory):
    """A few hundred procedural scenes in tar shards; the glob that names them."""
    folder = tmp_path_factory.mktemp("images")
    subprocess.run([program("ocellus-pack"), "demo", "--out", str(folder), "--count", "256",
                    "--shards", "4", "--seed", "7"], check=True,
                   capture_output=True, timeout=300)
    return str(folder / "*.tar")


@pytest.fixture(scope="session")
def stubs(tmp_path_factory):
    """Python modules generated from proto/, importable as ocellus.v1.*_pb2(_grpc)."""
    folder = tmp_path_factory.mktemp("stubs")
    proto = os.path.join(ROOT, "proto")
    names = [f"ocellus/v1/{n}" for n in sorted(os.listdir(os.path.join(proto, "ocellus", "v1")))
             if n.endswith(".proto")]
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", f"-I{proto}",
                    f"--python_out={folder}", f"--grpc_python_out={folder}", *names],
                   check=True, capture_output=True)
    sys.path.insert(0, str(folder))
    return folder
