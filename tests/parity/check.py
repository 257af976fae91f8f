#!/usr/bin/env python3
"""Runs `TRAINER replay` on every parity case and compares what it writes with the expected tensors.

A case is a folder with spec.json, weights.safetensors, batch.safetensors, expected.safetensors and
case.json ({"steps", "rtol", "atol", optionally "tolerances": [{"match": PATTERN, "rtol", "atol"},
...], the first that matches a tensor's name counts}). A tensor passes when every
|got - expected| <= atol + rtol * max|expected|. "worst" is the largest difference as a share of
what is allowed: 1 is the limit.

Needs numpy and safetensors. Exit code 0 when every case passed, 1 when any failed or none ran.
"""
import argparse
import fnmatch
import json
import os
import shutil
import subprocess
import sys
import tempfile

import numpy as np
from safetensors import safe_open

INPUTS = (("--spec", "spec.json"), ("--weights", "weights.safetensors"),
          ("--batch", "batch.safetensors"))
SCALARS = ("loss", "loss_per_step")


class Bad(Exception):
    pass


def read(path):
    """All tensors of a safetensors file; types that numpy lacks (bfloat16, float8) are refused."""
    try:
        out = {}
        with safe_open(path, framework="numpy") as f:
            for name in f.keys():
                out[name] = f.get_tensor(name)
        return out
    except Exception as e:  # noqa: BLE001 - any unreadable file is a failed case, with its reason
        raise Bad(f"cannot read {os.path.basename(path)}: {type(e).__name__}: {e}")


def few(names):
    return ", ".join(names[:4]) + (" ..." if len(names) > 4 else "")


def allowed(name, case):
    for t in case.get("tolerances", []):
        if fnmatch.fnmatchcase(name, t["match"]):
            return t.get("rtol", case["rtol"]), t.get("atol", case["atol"])
    return case["rtol"], case["atol"]


def compare(expected, got, case, batch_size, ranks):
    """Returns (list of (share of the tolerance, name), list of faults)."""
    shares, faults = [], []
    missing = sorted(set(expected) - set(got))
    if missing:
        faults.append(f"{len(missing)} missing: " + few(missing))
    extra = sorted(k for k in set(got) - set(expected) if k.startswith(("grad.", "param.")))
    if extra:
        faults.append(f"{len(extra)} unexpected: " + few(extra))
    for name in sorted(set(expected) & set(got)):
        e, g = expected[name], got[name]
        own = not name.startswith(("grad.", "param.")) and name not in SCALARS
        if own and ranks > 1 and e.ndim and e.shape[0] == batch_size:
            e = e[: batch_size // ranks]          # rank 0's part
        if e.size == 1 and g.size == 1:
            e, g = e.reshape(()), g.reshape(())   # [] and [1] are both a scalar
        if e.shape != g.shape:
            faults.append(f"{name} has shape {list(g.shape)}, expected {list(e.shape)}")
            continue
        if g.dtype.kind not in "fiu" or (g.dtype.kind == "f" and g.dtype.itemsize < 4):
            faults.append(f"{name} is {g.dtype}, expected {e.dtype}")
            continue
        e, g = e.astype(np.float64), g.astype(np.float64)
        if not np.all(np.isfinite(g)):
            faults.append(f"{name} is not finite")
            continue
        if not e.size:
            continue
        rtol, atol = allowed(name, case)
        limit = atol + rtol * float(np.max(np.abs(e)))
        diff = float(np.max(np.abs(g - e)))
        shares.append((diff / limit if limit > 0 else (0.0 if diff == 0 else float("inf")), name))
    shares.sort(key=lambda s: (-s[0], s[1]))
    return shares, faults


def run_case(args, folder):
    """Returns (passed, text); passed is None for a case that this number of ranks cannot take."""
    with open(os.path.join(folder, "case.json")) as f:
        case = json.load(f)
    path = lambda n: os.path.join(folder, n)
    expected = read(path("expected.safetensors"))
    n = next(iter(read(path("batch.safetensors")).values())).shape[0]
    if n % args.ranks:
        return None, f"a batch of {n} does not split over {args.ranks} ranks"
    with tempfile.TemporaryDirectory(prefix="parity-") as tmp:
        out = os.path.join(tmp, "out.safetensors")
        cmd = [os.path.abspath(args.trainer), "replay"]
        for key, name in INPUTS:  # copies: the trainer does not see what is expected
            shutil.copyfile(path(name), os.path.join(tmp, name))
            cmd += [key, os.path.join(tmp, name)]
        cmd += ["--out", out, "--steps", str(case["steps"]), "--device", args.device]
        if args.ranks > 1:
            cmd += ["--ranks", str(args.ranks)]
        try:
            p = subprocess.run(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, timeout=args.timeout, check=False)
        except subprocess.TimeoutExpired:
            return False, f"no result within {args.timeout} s"
        except OSError as e:
            return False, f"cannot start the trainer: {e}"
        if p.returncode != 0:
            lines = p.stderr.decode(errors="replace").strip().splitlines()
            return False, f"exit code {p.returncode}" + (f": {lines[-1][:300]}" if lines else "")
        if not os.path.exists(out):
            return False, "exit code 0, but no output file"
        got = read(out)
    shares, faults = compare(expected, got, case, n, args.ranks)
    over = [s for s in shares if not s[0] <= 1]
    if over:
        faults.append(f"{len(over)} of {len(shares)} tensors out of tolerance, first of all "
                      + ", ".join(f"{n} ({s:.3g}x)"
                                  for s, n in over[: len(over) if args.verbose else 3]))
    worst = f"worst={shares[0][0]:.3g} at {shares[0][1]}" if shares else "nothing compared"
    if not faults and not shares:
        faults.append("nothing compared")
    return not faults, worst if not faults else worst + "; " + "; ".join(faults)


def main():
    ap = argparse.ArgumentParser(description="parity of `replay` with stored cases")
    ap.add_argument("--trainer", required=True, help="the ocellus-trainer executable")
    ap.add_argument("--cases", required=True, help="a folder with cases, at any depth")
    ap.add_argument("--filter", default="", help="only cases whose name contains this")
    ap.add_argument("--device", default="cpu")
    ap.add_argument("--ranks", type=int, default=1,
                    help="also checks that R ranks give the one-rank result")
    ap.add_argument("--timeout", type=float, default=600, help="seconds a case")
    ap.add_argument("--verbose", action="store_true",
                    help="name every tensor that is out of tolerance")
    args = ap.parse_args()
    cases = sorted(os.path.relpath(d, args.cases)
                   for d, _, files in os.walk(args.cases) if "case.json" in files)
    passed = failed = 0
    for name in cases:
        if args.filter not in name:
            continue
        try:
            ok, text = run_case(args, os.path.join(args.cases, name))
        except Bad as e:
            ok, text = False, str(e)
        except (OSError, ValueError, KeyError, StopIteration) as e:
            ok, text = False, f"broken case: {type(e).__name__}: {e}"
        print(f"{'SKIP' if ok is None else 'PASS' if ok else 'FAIL'} {name} {text}", flush=True)
        if ok is not None:
            passed, failed = passed + ok, failed + (not ok)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
