"""Prometheus's programs: what tools/setup unpacked, else the machine's."""
import os
import shutil

from programs import ROOT


def tool(name):
    own = os.path.join(ROOT, ".toolchain", "debian", "usr", "bin", name)
    found = own if os.path.exists(own) else shutil.which(name)
    assert found, f"no {name}: run tools/setup"
    return found
