"""The files of a parity case (tests/parity/check.py)."""
import copy
import json
import os

from safetensors.torch import save_file


def written(spec, drop=(), put=None):
    """`spec` as a user may write it: without the keys of `drop`, whose defaults the reference's
    spec spells out, and with the sections of `put` in place of its own."""
    spec = copy.deepcopy(spec)
    for path in drop:
        *sections, key = path.split(".")
        at = spec
        for section in sections:
            at = at[section]
        del at[key]
    spec.update(put or {})
    return spec


def write(folder, name, spec, case, weights, batch, expected):
    where = os.path.join(folder, name)
    os.makedirs(where, exist_ok=True)
    for file, value in (("spec.json", spec), ("case.json", case)):
        with open(os.path.join(where, file), "w", encoding="utf-8") as f:
            json.dump(value, f, indent=1)
    stored = {k: (v.float() if v.is_floating_point() else v).contiguous()
              for k, v in expected.items()}
    for file, tensors in (("weights", weights), ("batch", batch), ("expected", stored)):
        save_file(tensors, os.path.join(where, file + ".safetensors"))
