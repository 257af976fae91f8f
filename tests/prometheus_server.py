"""A real Prometheus over some targets, for tests."""
import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import yaml

from programs import ROOT
from prometheus_tools import tool


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Prometheus:
    """Runs with the shipped settings, but quicker, on other targets; ends with the `with` block."""

    def __init__(self, folder, targets, interval="500ms", rules=True):
        self.folder, self.address = str(folder), f"http://127.0.0.1:{free_port()}"
        shipped = os.path.join(ROOT, "deploy", "prometheus", "prometheus.yaml")
        with open(shipped, encoding="utf-8") as f:
            settings = yaml.safe_load(f)
        settings["global"] = {"scrape_interval": interval, "scrape_timeout": interval,
                              "evaluation_interval": "1s"}
        settings["scrape_configs"][0]["static_configs"] = [{"targets": list(targets)}]
        settings["rule_files"] = [os.path.join(os.path.dirname(shipped), path)
                                  for path in settings["rule_files"]] if rules else []
        self.settings = os.path.join(self.folder, "prometheus.yaml")
        with open(self.settings, "w", encoding="utf-8") as f:
            yaml.safe_dump(settings, f)

    def __enter__(self):
        with open(os.path.join(self.folder, "prometheus.log"), "wb") as log:
            self.process = subprocess.Popen(
                [tool("prometheus"), "--config.file", self.settings, "--storage.tsdb.path",
                 os.path.join(self.folder, "tsdb"), "--web.listen-address",
                 self.address.removeprefix("http://")], stdout=log, stderr=log)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def get(self, path, **parameters):
        url = f"{self.address}/api/v1/{path}?" + urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(url, timeout=60) as answer:
            return json.load(answer)["data"]

    def query(self, expression):
        """[(labels, value)] of an instant query; empty while it does not answer."""
        try:
            result = self.get("query", query=expression)["result"]
        except urllib.error.HTTPError as error:
            if error.code == 503:  # it reads its store
                return []
            raise AssertionError(f"{expression}: {error.read().decode()}") from error
        except OSError:
            return []
        return [(r["metric"], float(r["value"][1])) for r in result]

    def wait_for(self, expression, deadline_s=60):
        """Waits until the query has an answer, and returns it."""
        end = time.monotonic() + deadline_s
        while True:
            found = self.query(expression)
            if found:
                return found
            with open(os.path.join(self.folder, "prometheus.log"), encoding="utf-8") as f:
                said = f.read()[-2000:]
            assert time.monotonic() < end and self.process.poll() is None, f"{expression}\n{said}"
            time.sleep(0.1)
