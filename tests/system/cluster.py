"""Real processes for a test: coordinator and worker on free loopback ports in a temporary folder.

Nothing here sleeps for a fixed time: `until` polls a condition with a deadline. `Cluster.stop` ends
every process that a test started, its ranks too, and is called by the fixture whatever happened.
"""
import json
import os
import re
import signal
import subprocess
import time
import urllib.request

from programs import program

DEADLINE_S = 120


def until(condition, what, deadline_s=DEADLINE_S, every_s=0.02):
    """Waits for a true value of condition() and returns it; else fails with `what`."""
    end = time.monotonic() + deadline_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            text = what() if callable(what) else what
            raise AssertionError(f"not within {deadline_s} s: {text}; last seen: {value!r}")
        time.sleep(every_s)


def read_json(path):
    """The content of a JSON file, or None while it is absent or half written."""
    try:
        with open(path, encoding="utf-8") as f:
            return json.load(f)
    except (OSError, ValueError):
        return None


def scrape(address):
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
        return answer.read().decode()


def metric(text, name, **labels):
    """Sum of the samples of a metric that carry the labels; None when there is none."""
    found = None
    for line in text.splitlines():
        match = re.match(rf"{name}(?:\{{(.*)\}})? (\S+)$", line)
        if match and all(f'{k}="{v}"' in (match.group(1) or "") for k, v in labels.items()):
            found = (found or 0.0) + float(match.group(2))
    return found


def processes():
    """{pid: (parent, command line)} of all processes."""
    table = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
                parent = int(f.read().rsplit(")", 1)[1].split()[1])
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                table[int(pid)] = (parent, f.read().replace(b"\0", b" ").decode(errors="replace"))
        except (OSError, IndexError):
            pass
    return table


def descendants(root):
    """Pids below a process, with their command lines."""
    table = processes()
    found, todo = {}, [root]
    while todo:
        parent = todo.pop()
        for pid, (its_parent, command) in table.items():
            if its_parent == parent and pid not in found:
                found[pid] = command
                todo.append(pid)
    return found


class Process:
    """A child in its own process group, with its output in a file."""

    def __init__(self, command, log, env=None):
        self.command, self.log = command, log
        with open(log, "ab") as out:
            self.popen = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                          env={**os.environ, **(env or {})}, start_new_session=True)

    @property
    def pid(self):
        return self.popen.pid

    def alive(self):
        return self.popen.poll() is None

    def kill(self, number=signal.SIGKILL):
        """Sends a signal to this process alone and waits for its end."""
        if self.alive():
            os.kill(self.pid, number)
        return self.popen.wait(timeout=60)

    def end(self):
        """Kills it and whatever it started."""
        below = descendants(self.pid)
        if self.alive():
            os.killpg(self.pid, signal.SIGKILL)
        self.popen.wait(timeout=60)
        for pid in below:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def output(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()


class Cluster:
    """Coordinator and worker of one test; ports stay the same over restarts."""

    def __init__(self, folder, slots=2):
        self.folder, self.slots = str(folder), slots
        self.store, self.env = "file://" + self.path("store"), {}
        self.cli_env = {}
        self.started = []
        self.grpc = self.metrics = self.page = None
        self.coordinator = self.worker = None

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def launch(self, name, command, env=None):
        process = Process([str(c) for c in command], self.path(name + ".log"),
                          {**self.env, **(env or {})})
        self.started.append(process)
        return process

    def endpoint(self, process, data):
        def ready():
            assert process.alive(), process.output()
            found = read_json(os.path.join(data, "endpoint.json"))
            return found if found and found.get("metrics") else None
        return until(ready, lambda: "endpoint.json; " + process.output()[-2000:], 30)

    def start_coordinator(self, *options, wait=True):
        data = self.path("coordinator")
        if os.path.exists(os.path.join(data, "endpoint.json")):
            os.remove(os.path.join(data, "endpoint.json"))
        self.coordinator = self.launch("coordinator", [
            program("ocellus-coordinator"), "--data-dir", data,
            "--listen", self.grpc or "127.0.0.1:0",
            "--metrics-listen", self.metrics or "127.0.0.1:0",
            "--page-listen", self.page.split("/")[2] if self.page else "127.0.0.1:0",
            "--store", self.store, *options])
        if wait:
            found = self.endpoint(self.coordinator, data)
            self.grpc, self.metrics, self.page = found["grpc"], found["metrics"], found["page"]
        return self.coordinator

    def start_worker(self, name="worker", node="node-1", *options):
        data = self.path(name)
        process = self.launch(name, [
            program("ocellus-worker"), "--coordinator", self.grpc, "--node", node,
            "--data-dir", data, "--cpu-slots", self.slots, "--metrics-listen", "127.0.0.1:0",
            "--trainer", program("ocellus-trainer"), *options])
        found = self.endpoint(process, data)
        if name == "worker":
            self.worker, self.worker_metrics = process, found["metrics"]
        return process

    def start(self):
        self.start_coordinator()
        self.start_worker()
        return self

    def cli(self, *args, code=0, **more):
        """Runs `ocellus`; checks its exit code (None: any) and returns the finished process."""
        env = {**os.environ, **self.env, **self.cli_env, "OCELLUS_SERVER": self.grpc or "",
               "HOME": self.path("home"), "XDG_CACHE_HOME": self.path("cache")}
        done = subprocess.run([program("ocellus"), *map(str, args)], capture_output=True, text=True,
                              env=env, timeout=DEADLINE_S, check=False, **more)
        if code is not None:
            said = f"ocellus {args}: {done.returncode}\n{done.stdout}{done.stderr}"
            assert done.returncode == code, said
        return done

    def submit(self, document, name="job.yaml"):
        """Submits a document (a dictionary) and returns the job's id."""
        with open(self.path(name), "w", encoding="utf-8") as f:
            json.dump(document, f)
        return self.cli("submit", "-q", "--no-data-check", self.path(name)).stdout.strip()

    def job(self, job):
        return json.loads(self.cli("job", "get", job, "-o", "json").stdout)

    def step(self, job):
        return int((self.job(job).get("progress") or {}).get("step", 0))

    def wait_for_step(self, job, step):
        return until(lambda: self.step(job) >= step, lambda: f"step {step}: {self.tell(job)}")

    def wait_for_state(self, job, *states, deadline_s=DEADLINE_S):
        names = ["JOB_STATE_" + s for s in states]
        until(lambda: self.job(job)["state"] in names, lambda: f"{states}: {self.tell(job)}",
              deadline_s)
        return self.job(job)

    def tell(self, job):
        """What one wants to read when a wait failed."""
        parts = [self.cli("job", "get", job, code=None).stdout,
                 self.cli("job", "events", job, code=None).stdout,
                 self.cli("job", "logs", job, code=None).stdout[-3000:]]
        parts += [p.output()[-2000:] for p in self.started]
        return "\n".join(parts)

    def ranks(self):
        """Pids of the trainer processes under the worker, by rank order of start."""
        return sorted(pid for pid, command in descendants(self.worker.pid).items()
                      if "ocellus-trainer rank" in command)

    def stop(self):
        for process in reversed(self.started):
            process.end()
