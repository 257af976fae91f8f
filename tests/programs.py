"""Where the repository and the built programs are."""
import os

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.environ.get("OCELLUS_BUILD", os.path.join(ROOT, "build", "release"))


def program(name):
    """The path of a built program; fails the test when it is not there."""
    path = os.path.join(BUILD, "bin", name)
    if not os.path.exists(path):
        pytest.fail(f"{path} is not built; run tools/test, or set OCELLUS_BUILD")
    return path
