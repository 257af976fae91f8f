#!/usr/bin/env python3
"""Makes JSON schemas for kubeconform out of Kubernetes' own description of its types.

  tools/kube_schemas.py swagger.json OUT     writes OUT/<kind>[-<group>]-<version>.json

Strict: a key that a type does not have is a fault.
"""
import json
import os
import sys

QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"


def strict(node):
    """The same, with references into _definitions.json, and no further keys where keys are told."""
    if isinstance(node, list):
        return [strict(item) for item in node]
    if not isinstance(node, dict):
        return node
    if node.get("format") == "int-or-string":
        return {"oneOf": [{"type": "string"}, {"type": "integer"}]}
    out = {key: strict(value) for key, value in node.items()
           if key != "description" or not isinstance(value, str)}
    if isinstance(out.get("$ref"), str):
        out["$ref"] = out["$ref"].replace("#/definitions/", "_definitions.json#/definitions/")
    told = isinstance(out.get("properties"), dict) and "additionalProperties" not in out
    if told and not out.get("x-kubernetes-preserve-unknown-fields"):
        out["additionalProperties"] = False
        for key, value in out["properties"].items():
            if key not in out.get("required", []) and isinstance(value.get("type"), str):
                value["type"] = [value["type"], "null"]
    return out


def write(folder, name, content):
    with open(os.path.join(folder, name + ".json"), "w", encoding="utf-8") as f:
        json.dump(content, f)


def main(source, folder):
    with open(source, encoding="utf-8") as f:
        definitions = json.load(f)["definitions"]
    made = strict(definitions)
    made[QUANTITY] = {"oneOf": [{"type": "string"}, {"type": "number"}]}
    os.makedirs(folder, exist_ok=True)
    write(folder, "_definitions", {"definitions": made})
    for name, definition in definitions.items():
        for kind in definition.get("x-kubernetes-group-version-kind", []):
            parts = [kind["kind"].lower(), kind["group"].split(".")[0], kind["version"]]
            schema = json.loads(json.dumps(made[name]))
            version = "/".join(part for part in (kind["group"], kind["version"]) if part)
            for key, value in (("kind", kind["kind"]), ("apiVersion", version)):
                if key in schema.get("properties", {}):
                    schema["properties"][key] = {"type": "string", "enum": [value]}
            write(folder, "-".join(part for part in parts if part), schema)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
