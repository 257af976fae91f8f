#!/usr/bin/env python3
"""Writes Grafana's dashboards, helm/ocellus/dashboards/*.json, from tools/dashboards.yaml.

  tools/dashboards.py            write them
  tools/dashboards.py --check    exit code 1 when they are not as they would be written

The description has one entry a panel: title, unit, expressions with their legends, and where wanted
kind (timeseries, stat, table), width of 24 and a line of help.
"""
import json
import os
import sys

import yaml

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DESCRIPTION = os.path.join(ROOT, "tools", "dashboards.yaml")
OUT = os.path.join(ROOT, "helm", "ocellus", "dashboards")
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
COLUMNS, STAT_HEIGHT, HEIGHT = 24, 4, 8


def variable(name, spec):
    """A variable that asks Prometheus for the values of a label."""
    every = spec.get("all", False)
    return {"name": name, "label": spec.get("label", name.capitalize()), "type": "query",
            "datasource": DATASOURCE,
            "query": {"query": spec["query"], "refId": name}, "refresh": 2, "sort": 1,
            "hide": 2 if spec.get("hidden") else 0, "multi": every, "includeAll": every,
            **({"allValue": ".*", "current": {"text": ["All"], "value": ["$__all"]}}
               if every else {})}


def datasource_variable():
    return {"name": "datasource", "label": "Data source", "type": "datasource",
            "query": "prometheus", "refresh": 1, "hide": 0, "multi": False, "includeAll": False}


def options(kind):
    if kind == "stat":
        return {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
                "colorMode": "value", "graphMode": "area", "justifyMode": "auto",
                "orientation": "auto", "textMode": "auto"}
    if kind == "table":
        return {"showHeader": True, "cellHeight": "sm"}
    return {"legend": {"displayMode": "list", "placement": "bottom", "showLegend": True,
                       "calcs": []},
            "tooltip": {"mode": "multi", "sort": "desc"}}


def field_config(kind, spec):
    defaults = {"unit": spec.get("unit", "short")}
    for bound in ("min", "max", "decimals"):
        if bound in spec:
            defaults[bound] = spec[bound]
    if kind == "timeseries":
        defaults["custom"] = {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 10,
                              "showPoints": "never", "spanNulls": False,
                              **({"stacking": {"mode": "normal", "group": "A"}}
                                 if spec.get("stack") else {})}
    return {"defaults": defaults, "overrides": []}


def panel(number, spec, place):
    kind = spec.get("kind", "timeseries")
    targets = []
    for at, (legend, expression) in enumerate(spec["show"].items()):
        targets.append({"refId": chr(ord("A") + at), "datasource": DATASOURCE,
                        "expr": " ".join(expression.split()), "legendFormat": legend,
                        "editorMode": "code", "range": kind != "table",
                        "instant": kind == "table", "format": "table" if kind == "table"
                        else "time_series"})
    made = {"id": number, "title": spec["title"], "type": kind, "datasource": DATASOURCE,
            "gridPos": place, "targets": targets, "options": options(kind),
            "fieldConfig": field_config(kind, spec)}
    if "help" in spec:
        made["description"] = spec["help"]
    if kind == "table":
        made["transformations"] = [{"id": "organize", "options": {
            "excludeByName": {"Time": True, "Value": True}}}]
    return made


def row(number, title, y):
    return {"id": number, "title": title, "type": "row", "collapsed": False, "panels": [],
            "gridPos": {"x": 0, "y": y, "w": COLUMNS, "h": 1}}


def lay_out(rows):
    """Panels of all rows, from left to right and down."""
    panels, y = [], 0
    for title, specs in rows.items():
        panels.append(row(len(panels) + 1, title, y))
        x, y, tallest = 0, y + 1, 0
        for spec in specs:
            stat = spec.get("kind") == "stat"
            width = spec.get("width", 4 if stat else 12)
            height = STAT_HEIGHT if stat else HEIGHT
            if x + width > COLUMNS:
                x, y, tallest = 0, y + tallest, 0
            panels.append(panel(len(panels) + 1, spec, {"x": x, "y": y, "w": width, "h": height}))
            x, tallest = x + width, max(tallest, height)
        y += tallest
    return panels


def links(names, own):
    return [{"title": f"Ocellus / {names[uid]}", "type": "link", "url": f"/d/{uid}",
             "asDropdown": False, "icon": "dashboard", "includeVars": True, "keepTime": True,
             "tags": [], "targetBlank": False, "tooltip": ""} for uid in names if uid != own]


def dashboard(uid, spec, names):
    return {"uid": uid, "title": f"Ocellus / {spec['title']}", "description": spec["about"],
            "tags": ["ocellus"], "timezone": "browser", "editable": True, "graphTooltip": 1,
            "schemaVersion": 39, "version": 1, "refresh": "30s", "weekStart": "",
            "time": {"from": "now-6h", "to": "now"}, "timepicker": {},
            "links": links(names, uid), "annotations": {"list": []},
            "templating": {"list": [datasource_variable()] + [
                variable(name, v) for name, v in spec["variables"].items()]},
            "panels": lay_out(spec["rows"])}


def build():
    """{file name: text}"""
    with open(DESCRIPTION, encoding="utf-8") as f:
        description = yaml.safe_load(f)
    names = {uid: spec["title"] for uid, spec in description.items()}
    return {f"{uid}.json": json.dumps(dashboard(uid, spec, names), indent=1,
                                      ensure_ascii=False) + "\n"
            for uid, spec in description.items()}


def stale(files):
    there = set(os.listdir(OUT))
    found = sorted(there ^ set(files))
    for name in sorted(there & set(files)):
        with open(os.path.join(OUT, name), encoding="utf-8") as f:
            if f.read() != files[name]:
                found.append(name)
    return found


def main():
    files = build()
    if "--check" in sys.argv[1:]:
        if stale(files):
            sys.exit(f"stale: {', '.join(stale(files))}; run tools/dashboards.py")
        return
    for name, text in files.items():
        with open(os.path.join(OUT, name), "w", encoding="utf-8") as f:
            f.write(text)


if __name__ == "__main__":
    main()
