"""The rules that proto/ocellus/v1 keeps (those of buf's STANDARD set that matter to clients)."""
import os
import re
import subprocess
import sys

import pytest
from google.protobuf import descriptor_pb2

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def descriptors(proto_root, out):
    names = sorted(os.listdir(os.path.join(proto_root, "ocellus", "v1")))
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", f"-I{proto_root}",
                    f"--descriptor_set_out={out}",
                    *[f"ocellus/v1/{n}" for n in names if n.endswith(".proto")]],
                   check=True, capture_output=True, text=True)
    files = descriptor_pb2.FileDescriptorSet()
    with open(out, "rb") as f:
        files.ParseFromString(f.read())
    return files.file


def snake(name):
    return re.sub(r"(?<=[a-z0-9])([A-Z])|(?<!^)([A-Z])(?=[a-z])", r"_\1\2", name).upper()


def lint_enum(file, enum):
    prefix = snake(enum.name) + "_"
    if enum.value[0].number != 0 or enum.value[0].name != prefix + "UNSPECIFIED":
        yield f"{file}: {enum.name}: value 0 must be {prefix}UNSPECIFIED"
    for value in enum.value:
        if not value.name.startswith(prefix):
            yield f"{file}: {enum.name}: {value.name} must start with {prefix}"


def lint_message(file, message):
    if not re.fullmatch(r"([A-Z][a-z0-9]*)+", message.name):
        yield f"{file}: message {message.name} is not in PascalCase"
    for field in message.field:
        if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", field.name):
            yield f"{file}: {message.name}.{field.name} is not in lower_snake_case"
    for enum in message.enum_type:
        yield from lint_enum(file, enum)


def lint_service(file, service, used):
    if not service.name.endswith("Service"):
        yield f"{file}: {service.name} must end with Service"
    for method in service.method:
        for given, wanted in ((method.input_type, method.name + "Request"),
                              (method.output_type, method.name + "Response")):
            if given.split(".")[-1] != wanted:
                yield f"{file}: {service.name}.{method.name} must use {wanted}, not {given}"
            if given in used:
                yield f"{file}: {given} is used by two methods"
            used.add(given)


def lint(files):
    used = set()
    for file in files:
        if file.package != "ocellus.v1":
            yield f"{file.name}: package {file.package}, not ocellus.v1"
        for enum in file.enum_type:
            yield from lint_enum(file.name, enum)
        for message in file.message_type:
            yield from lint_message(file.name, message)
        for service in file.service:
            yield from lint_service(file.name, service, used)


def test_protos_are_clean(tmp_path):
    files = descriptors(os.path.join(ROOT, "proto"), str(tmp_path / "all.pb"))
    assert len(files) >= 5
    assert list(lint(files)) == []


@pytest.mark.parametrize("line, said", [
    ("enum Color { RED = 0; }", "COLOR_UNSPECIFIED"),
    ("message Bad { int32 badName = 1; }", "lower_snake_case"),
    ("message A {} service Jobs { rpc Get(A) returns (A); }", "must end with Service"),
    ("message A {} message GetResponse {} service JobService { rpc Get(A) returns (GetResponse); }",
     "must use GetRequest"),
])
def test_lint_finds_faults(tmp_path, line, said):
    folder = tmp_path / "ocellus" / "v1"
    folder.mkdir(parents=True)
    (folder / "a.proto").write_text(f'syntax = "proto3";\npackage ocellus.v1;\n{line}\n')
    faults = list(lint(descriptors(str(tmp_path), str(tmp_path / "all.pb"))))
    assert any(said in fault for fault in faults), faults
