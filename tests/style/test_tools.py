"""The style checks find what they look for: each runs over a small tree with a planted fault."""
import importlib.util
import os

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def load(name):
    spec = importlib.util.spec_from_file_location(name, os.path.join(ROOT, "tools", name + ".py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


check_layers = load("check_layers")
tidy = load("tidy")

HEADER = "// What it is for.\n#pragma once\n"
GOOD = {
    "kernels/add.h": HEADER + "int Add(int a, int b);\n",
    "kernels/add.cc": '#include "kernels/add.h"\n\nint Add(int a, int b) { return a + b; }\n',
    "kernels/CMakeLists.txt": "add_library(kernels add.cc)\n",
}


def tree(folder, changes):
    for path, text in {**GOOD, **changes}.items():
        where = folder / path
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_text(text)
    return str(folder)


def test_good_tree_has_no_faults(tmp_path):
    root = tree(tmp_path, {})
    assert check_layers.check(root) == ([], 2)
    assert tidy.check(root)[0] == []


@pytest.mark.parametrize("path, text, said", [
    ("kernels/up.cc", '#include "models/nn/vit.h"\n', "only lower ranks"),
    ("worker/data/a.h", HEADER + '#include "worker/checkpoint/b.h"\n', "only lower ranks"),
    ("worker/trainer/a.h", HEADER + "#include <grpcpp/grpcpp.h>\n", "never links gRPC"),
    ("models/ops/a.cc", "#include <absl/status/status.h>\n", "never links gRPC"),
    ("models/nn/a.cc", '#include "ocellus/v1/job.pb.h"\n', "never links gRPC"),
    ("coordinator/api/a.cc", "#include <torch/torch.h>\n", "never links LibTorch"),
    ("worker/wire/a.cc", "#include <torch/torch.h>\n", "never links LibTorch"),
    ("kernels/json.cc", "#include <nlohmann/json.hpp>\n", "standard C++"),
    ("kernels/gone.cc", '#include "kernels/none.h"\n', "does not exist"),
    ("kernels/near.cc", '#include "add.h"\n', "from the root"),
    ("worker/new/a.cc", "\n", "has no rank"),
])
def test_layers(tmp_path, path, text, said):
    faults, _ = check_layers.check(tree(tmp_path, {path: text}))
    assert any(path in fault and said in fault for fault in faults), faults


def test_layers_allow_lower_ranks(tmp_path):
    root = tree(tmp_path, {
        "models/ops/add.cc": '#include "kernels/add.h"\n#include <torch/torch.h>\n',
        "models/registry.h": HEADER + '#include "models/objective.h"\n',
        "models/objective.h": HEADER,
        "worker/agent/a.cc": '#include <grpcpp/grpcpp.h>\n#include "coordinator/client/b.h"\n',
        "coordinator/client/b.h": HEADER + '#include "ocellus/v1/job.pb.h"\n',
    })
    assert check_layers.check(root)[0] == []


def test_layers_find_cycles(tmp_path):
    root = tree(tmp_path, {"kernels/a.h": HEADER + '#include "kernels/b.h"\n',
                           "kernels/b.h": HEADER + '#include "kernels/a.h"\n'})
    assert any("includes itself" in fault for fault in check_layers.check(root)[0])


LONG = "int Long() {\n" + "  Do();\n" * 80 + "}\n"


@pytest.mark.parametrize("path, text, said", [
    ("kernels/add.cc", "// " + "x" * 100 + "\n", "columns"),
    ("kernels/add.cc", "int a; \n", "blanks"),
    ("kernels/add.cc", "int a;", "no newline"),
    ("kernels/add.cc", "// TO" + "DO later\n", "document it"),
    ("kernels/add.cc", "int a;\n" * 500, "lines, at most"),
    ("kernels/add.cc", LONG, "Long has 82 lines"),
    ("kernels/add.cc", "namespace a {\nclass B {\n" + LONG + "};\n}\n", "Long has 82 lines"),
    ("kernels/add.cc", 'const char* brace = "}";\n' + LONG, "Long has 82 lines"),
    ("tools/long.py", "def long():\n" + "    pass\n" * 80, "long has 81 lines"),
    ("tools/setup", "#!/bin/bash\nlong() {\n" + "  true\n" * 80 + "}\n", "long has 82 lines"),
    ("kernels/orphan.cc", "int a;\n", "no CMakeLists.txt names it"),
    ("tests/kernels/orphan_test.cc", "int a;\n", "no CMakeLists.txt names it"),
    ("kernels/orphan.h", HEADER, "nothing includes it"),
    ("kernels/add.h", "#pragma once\n", "no comment"),
    ("kernels/add.h", "// Comment.\n", "no #pragma once"),
    ("kernels/add.h", HEADER + "using namespace std;\n", "using namespace"),
    ("kernels/utils.h", HEADER, "name it after"),
    ("tests/system/jobs.py", "def test_job():\n    pass\n", "test_*.py"),
    ("tests/system/test_jobs.py", "def check_job():\n    pass\n", "has no test"),
])
def test_tidy(tmp_path, path, text, said):
    faults, _, _ = tidy.check(tree(tmp_path, {path: text}))
    assert any(path in fault and said in fault for fault in faults), faults


def test_tidy_counts_nothing_twice(tmp_path):
    """A namespace, a class and a lambda are not functions of their own."""
    body = "".join(f"int F{i}() {{\n  return [] {{ return {i}; }}();\n}}\n" for i in range(30))
    text = '#include "kernels/add.h"\nnamespace a {\nstruct S {\n' + body + "};\n}\n"
    assert tidy.check(tree(tmp_path, {"kernels/add.cc": text}))[0] == []


def test_header_that_does_not_stand_alone(tmp_path):
    root = tree(tmp_path, {"kernels/needs.h": HEADER + "inline std::string s;\n"})
    (tmp_path / "compile_commands.json").write_text(
        '[{"file": "%s/kernels/add.cc", "command": "c++ -I%s -std=c++20 -o a.o -c add.cc"}]'
        % (root, root))
    assert [f.split(":")[0] for f in tidy.check_alone(root, root)] == ["kernels/needs.h"]
