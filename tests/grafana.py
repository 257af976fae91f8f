"""The dashboards as data: every expression with its variables filled in."""
import json
import os
import re

from programs import ROOT

FOLDER = os.path.join(ROOT, "helm", "ocellus", "dashboards")


def dashboards():
    """{uid: dashboard}"""
    found = {}
    for name in sorted(os.listdir(FOLDER)):
        with open(os.path.join(FOLDER, name), encoding="utf-8") as f:
            one = json.load(f)
        found[one["uid"]] = one
    return found


def panels(dashboard):
    return [p for p in dashboard["panels"] if p["type"] != "row"]


def expressions(values, all_values=None):
    """[(dashboard's uid, panel's title, expression)], variables replaced by `values`: {name: text}.

    Those that may stand for all take theirs from `all_values` first.
    """
    found = []
    for uid, dashboard in dashboards().items():
        own = {}
        for variable in dashboard["templating"]["list"]:
            everything = variable["includeAll"] and all_values is not None
            own[variable["name"]] = (all_values if everything else values).get(variable["name"])
        for panel in panels(dashboard):
            for target in panel["targets"]:
                text = re.sub(r"\$(\w+)", lambda m: own[m[1]], target["expr"])
                found.append((uid, panel["title"], text))
    return found
