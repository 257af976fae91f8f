"""A method without a rule ends the build: the tool that makes the table refuses it."""
import os
import subprocess
import sys

import pytest

from programs import BUILD, ROOT

TABLE = os.path.join(BUILD, "tools", "access_table", "access_table")
HEAD = 'syntax = "proto3";\npackage ocellus.v1;\nimport "ocellus/v1/access.proto";\n'
RULE = "option (access) = {role: ROLE_EDITOR, scope: ACCESS_SCOPE_%s};"


def table(tmp_path, request, option):
    """The tool over one more service, with one method."""
    made = tmp_path / "ocellus" / "v1"
    made.mkdir(parents=True)
    (made / "more.proto").write_text(
        f"{HEAD}message PokeRequest {{{request}}}\nmessage PokeResponse {{}}\n"
        "service MoreService {\n"
        f"  rpc Poke(PokeRequest) returns (PokeResponse) {{{option}}}\n}}\n")
    out = tmp_path / "set.pb"
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", f"-I{tmp_path}", f"-I{ROOT}/proto",
                    "--include_imports", f"--descriptor_set_out={out}", "ocellus/v1/more.proto"],
                   check=True)
    return subprocess.run([TABLE, "--descriptors", out], capture_output=True, text=True,
                          timeout=30, check=False)


def test_a_rule_makes_a_row(tmp_path):
    done = table(tmp_path, "string job = 1;", RULE % "JOB")
    assert done.returncode == 0, done.stderr
    assert '"MoreService.Poke", v1::ROLE_EDITOR, v1::ACCESS_SCOPE_JOB' in done.stdout


@pytest.mark.parametrize("request_fields, option, said", [
    ("string job = 1;", "", "has no rule"),
    ("string name = 1;", RULE % "JOB", "its request has no field"),
    ("string name = 1;", RULE % "PROJECT", "its request has no field"),
    ("string job = 1;", "option (access) = {scope: ACCESS_SCOPE_JOB};", "scope but no role"),
])
def test_faults_end_the_build(tmp_path, request_fields, option, said):
    done = table(tmp_path, request_fields, option)
    assert done.returncode == 1 and "MoreService.Poke" in done.stderr and said in done.stderr
