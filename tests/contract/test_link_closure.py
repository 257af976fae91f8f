"""What each program links: the trainer no gRPC, Protobuf or Abseil, the service no torch."""
import re
import subprocess

import pytest

from programs import program

SERVICE_ONLY = re.compile(r"lib(grpc|gpr|protobuf|absl|upb|address_sorting)[\w+.-]*\.so")
TRAINER_ONLY = re.compile(r"lib(torch|c10|nccl|cudart|cudnn)[\w.-]*\.so")


def closure(path):
    """What the dynamic linker would load for a program, dependencies of dependencies too."""
    done = subprocess.run(["ldd", path], capture_output=True, text=True, check=True)
    return re.findall(r"(\S+\.so[\w.]*)", done.stdout)


def symbols(path):
    """Undefined and defined symbols, demangled, for what is linked statically."""
    done = subprocess.run(["nm", "-C", path], capture_output=True, text=True, check=False)
    return done.stdout


@pytest.mark.parametrize("name", ["ocellus-trainer", "ocellus-pack"])
def test_trainer_side_is_free_of_grpc(name):
    path = program(name)
    loaded = closure(path)
    assert any("libstdc++" in library for library in loaded)
    assert [library for library in loaded if SERVICE_ONLY.search(library)] == []
    assert re.findall(r" [TtUW] (?:grpc|absl)::.*", symbols(path)) == []


@pytest.mark.parametrize("name", ["ocellus", "ocellus-coordinator", "ocellus-worker"])
def test_service_side_is_free_of_torch(name):
    loaded = closure(program(name))
    assert any("libgrpc" in library for library in loaded)
    assert [library for library in loaded if TRAINER_ONLY.search(library)] == []


def test_the_check_would_notice():
    """The same patterns find what each side does load."""
    assert any(TRAINER_ONLY.search(library) for library in closure(program("ocellus-trainer")))
    assert any(SERVICE_ONLY.search(library) for library in closure(program("ocellus-coordinator")))
