#!/usr/bin/env python3
"""The end of tools/demo: what the job made, where it lies, and whether the encoder loads."""
import argparse
import json
import os
import subprocess


def ask(program, *args):
    """The JSON answer of an `ocellus` command."""
    done = subprocess.run([program, *args, "-o", "json"], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def path_of(uri):
    return uri.removeprefix("file://")


def shown(path):
    """A path as one would type it here."""
    short = os.path.relpath(path)
    return path if short.startswith("..") else short


def load_encoder(path):
    """Loads the export into timm, as its own metadata says, and runs it once; the parameters."""
    import timm
    import torch
    from safetensors import safe_open
    from safetensors.torch import load_file

    with safe_open(path, framework="pt") as f:
        settings = json.loads(f.metadata()["timm_kwargs"])
    model = timm.models.VisionTransformer(**settings)
    model.load_state_dict(load_file(path), strict=True)
    with torch.no_grad():
        features = model(torch.zeros(1, 3, settings["img_size"], settings["img_size"]))
    assert features.shape == (1, settings["embed_dim"])
    return sum(p.numel() for p in model.parameters())


def knn_line(path):
    if not path or not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as f:
        knn = json.load(f)
    start, end = knn["accuracy_init"], knn["accuracy"]
    return f"{100 * end:.1f} % with the trained encoder, {100 * start:.1f} % with random weights"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("bin", "job", "home", "keep"):
        parser.add_argument("--" + name, required=True)
    args = parser.parse_args()
    program = os.path.join(args.bin, "ocellus")
    job = ask(program, "job", "get", args.job)
    made = {kind: path_of(uri) for kind, uri in job.get("artifacts", {}).items()}
    encoder = os.path.join(args.home, "encoder.safetensors")
    count = load_encoder(encoder)
    status = ask(program, "cluster", "status")
    nodes = ask(program, "node", "list")["nodes"]

    lines = [("loss curve", made.get("loss_curve")),
             ("reconstructions", made.get("reconstruction")),
             ("", "rows: original, masked, reconstructed at the start, at the end"
              if "reconstruction" in made else None),
             ("kNN accuracy", knn_line(made.get("knn"))),
             ("encoder", encoder),
             ("", f"{count / 1e6:.1f} M parameters; timm loads it as it is (checked)"),
             ("checkpoints", path_of(job["last_commit"]["uri"])),
             ("metrics", f"http://{status['metrics_address']}/metrics (coordinator)")]
    lines += [("", f"http://{n['metrics_address']}/metrics ({n['name']})") for n in nodes]
    print(f"\n== {args.job} trained {job['last_commit']['step']} steps")
    for label, text in lines:
        if text:
            print(f"  {label:16} {shown(text) if text.startswith('/') else text}")
    home, tool = shown(args.home), shown(program)
    print("\n== Next")
    if args.keep == "yes":
        print("  (the cluster runs on; end it with Ctrl-C or kill on `ocellus up`)")
    else:
        print(f"  {tool} up --data-dir {home}/cluster        # the cluster again; then, beside it:")
    print(f"  {tool} job get {args.job}\n  {tool} job logs {args.job} --rank 0\n"
          f"  {tool} checkpoint list {args.job}\n  {tool} explain objective.mae.mask_ratio\n"
          "  tools/demo --data ~/Pictures             # the same on your own images")


if __name__ == "__main__":
    main()
