"""What every Python test may ask for: the built programs."""
import os

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.environ.get("OCELLUS_BUILD", os.path.join(ROOT, "build", "release"))


def program(name):
    path = os.path.join(BUILD, "bin", name)
    if not os.path.exists(path):
        pytest.fail(f"{path} is not built; run tools/test, or set OCELLUS_BUILD")
    return path


@pytest.fixture(scope="session")
def trainer():
    return program("ocellus-trainer")
