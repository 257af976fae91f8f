#!/usr/bin/env python3
"""Writes ReLICv2 parity cases: relicv2_cases.py FOLDER [NAME]. Each varies what the stored one does
not; numbers come from relicv2_reference.py."""
import sys

import torch

import case_files
from relicv2_reference import replay

BASIC = {"block": "basic", "layers": [1, 1, 1, 1], "width": 4}
CASES = {
    "relic_no_invariance": dict(relic=dict(beta=0.0, num_negatives=5)),
    "relic_invariance_alone": dict(relic=dict(alpha=0.0, beta=2.5, num_negatives=64)),
    "relic_given_negatives": dict(relic=dict(num_negatives=3), given=True),
    "relic_one_negative": dict(relic=dict(num_negatives=1, temperature=0.5), given=True),
    "relic_others_are_exactly_all": dict(relic=dict(num_negatives=5)),
    "relic_without_predictor": dict(relic=dict(predictor=False)),
    "relic_without_self_pairs": dict(relic=dict(include_self_pairs=False)),
    "relic_large_views_only": dict(relic=dict(large_views=3, small_views=0)),
    "relic_one_large_view": dict(relic=dict(large_views=1, small_views=2)),
    "relic_cosine_momentum": dict(steps=4, relic=dict(momentum=0.8, momentum_schedule="cosine"),
                                  schedule=dict(kind="constant", warmup_steps=0, total_steps=6)),
    "relic_bottleneck": dict(resnet={"block": "bottleneck", "layers": [1, 2, 1, 1], "width": 4},
                             optimizer={"adamw": dict(lr=1e-3, betas=[0.9, 0.99], eps=1e-3,
                                                      weight_decay=0.1)}),
    "relic_nesterov": dict(optimizer={"sgd": dict(lr=2e-3, momentum=0.8, weight_decay=0.2,
                                                  nesterov=True)}),
}
# Drawn after those above, whose numbers stay as they were.
LATER = {
    "relic_lars": dict(optimizer={"lars": dict(lr=0.05, weight_decay=1e-6)},
                       schedule=dict(kind="cosine", warmup_steps=1, total_steps=6)),
    "relic_depth_18": dict(resnet={"block": "basic", "layers": [2, 2, 2, 2], "width": 4},
                           optimizer={"sgd": dict(lr=2e-4, weight_decay=0.3)},
                           put={"model": {"resnet": {"depth": 18, "width": 4}}}),
    "relic_not_square": dict(sizes=((24, 32), (16, 12)), relic=dict(small_views=3)),
    "relic_nothing_constant": dict(relic=dict(divergence="full"),
                                   optimizer={"sgd": dict(lr=2e-4, weight_decay=0.3)}),
    "relic_soft_label": dict(relic=dict(divergence="soft_label", beta=2.0),
                             optimizer={"sgd": dict(lr=2e-4, weight_decay=0.3)}),
    "relic_large_pairs_alone": dict(relic=dict(small_divergence=False, small_views=2)),
}
SEEDS = {name: seed for seed, name in enumerate(sorted(CASES) + sorted(LATER), 31)}
CASES |= LATER


def spec_of(relic=None, resnet=None, optimizer=None, schedule=None):
    relic = dict(temperature=0.2, alpha=1.0, beta=1.0, momentum=0.9, momentum_schedule="constant",
                 large_views=2, small_views=1, num_negatives=10, proj_dim=12, mlp_dim=24,
                 predictor=True) | (relic or {})
    return {
        "objective": {"relicv2": relic},
        "model": {"resnet": resnet or BASIC},
        "optimizer": optimizer or {"sgd": dict(lr=2e-3, momentum=0.9, weight_decay=0.3)},
        "schedule": schedule or dict(kind="constant", warmup_steps=0, total_steps=50),
        "precision": "fp32",
    }


class Shapes(dict):
    """Official names and shapes of one side's layers."""

    def linear(self, name, width, out, bias):
        self[name + ".weight"] = (out, width)
        if bias:
            self[name + ".bias"] = (out,)

    def norm(self, name, width):
        for part in ("weight", "bias", "running_mean", "running_var"):
            self[f"{name}.{part}"] = (width,)
        self[name + ".num_batches_tracked"] = ()

    def convolution(self, name, norm, width, out, size):
        self[name + ".weight"] = (out, width, size, size)
        self.norm(norm, out)

    def resnet(self, name, shape):
        wide = shape["block"] == "bottleneck"
        at = shape["width"]
        self.convolution(name + ".conv1", name + ".bn1", 3, at, 7)
        for stage, blocks in enumerate(shape["layers"]):
            inner = shape["width"] * 2 ** stage
            out = inner * (4 if wide else 1)
            for i in range(blocks):
                block = f"{name}.layer{stage + 1}.{i}"
                sizes = [(at, inner, 1), (inner, inner, 3), (inner, out, 1)] if wide else \
                    [(at, inner, 3), (inner, out, 3)]
                for j, (width, to, size) in enumerate(sizes, 1):
                    self.convolution(f"{block}.conv{j}", f"{block}.bn{j}", width, to, size)
                if i == 0 and (stage > 0 or at != out):
                    self.convolution(block + ".downsample.0", block + ".downsample.1", at, out, 1)
                at = out
        return at

    def head(self, name, width, relic):
        self.linear(name + ".0", width, relic["mlp_dim"], True)
        self.norm(name + ".1", relic["mlp_dim"])
        self.linear(name + ".3", relic["mlp_dim"], relic["proj_dim"], False)


def shapes_of(spec):
    relic, shapes = spec["objective"]["relicv2"], Shapes()
    for side in ("online", "target"):
        width = shapes.resnet(side + ".encoder", spec["model"]["resnet"])
        shapes.head(side + ".projector", width, relic)
    if relic["predictor"]:
        shapes.head("online.predictor", relic["proj_dim"], relic)
    return shapes


def weights_of(spec, generator):
    """Random everywhere, and another target than online side."""
    weights = {}
    for name, shape in shapes_of(spec).items():
        if name.endswith("num_batches_tracked"):
            weights[name] = torch.tensor(7)
            continue
        value = torch.randn(shape, generator=generator)
        if name.endswith("running_var"):
            value = value.abs() + 0.5
        elif value.dim() == 1:
            norm = name.endswith("weight")
            value = value * 0.1 + (1 if norm else 0)
        else:
            value = value * value[0].numel() ** -0.5
        weights[name] = value.contiguous()
    return weights


def batch_of(spec, generator, given=False, sizes=((24, 24), (16, 16)), images=6):
    relic = spec["objective"]["relicv2"]
    batch = {f"large_{i}": torch.randn(images, 3, *sizes[0], generator=generator)
             for i in range(relic["large_views"])}
    batch |= {f"small_{i}": torch.randn(images, 3, *sizes[1], generator=generator)
              for i in range(relic["small_views"])}
    if given:
        others = [torch.tensor([m for m in range(images) if m != n]) for n in range(images)]
        batch["negatives"] = torch.stack([
            o[torch.randperm(images - 1, generator=generator)[:relic["num_negatives"]]]
            for o in others])
    return batch


def write_case(folder, name):
    options = dict(CASES[name])
    steps, put = options.pop("steps", 3), options.pop("put", None)
    of_batch = {k: options.pop(k) for k in ("given", "sizes") if k in options}
    spec = spec_of(**options)
    generator = torch.Generator().manual_seed(SEEDS[name])
    weights, batch = weights_of(spec, generator), batch_of(spec, generator, **of_batch)
    expected = replay(weights, batch, spec, steps)
    # Gradients of biases in front of a BatchNorm are zero in exact arithmetic.
    case = {"objective": "relicv2", "steps": steps, "rtol": 1e-4, "atol": 1e-6,
            "tolerances": [{"match": "grad.online.pr*.0.bias", "atol": 1e-5},
                           {"match": "grad.*", "rtol": 5e-4}]}
    case_files.write(folder, name, case_files.written(spec, put=put), case, weights, batch,
                     expected)


def main():
    torch.set_num_threads(1)
    for name in sys.argv[2:] or CASES:
        write_case(sys.argv[1], name)


if __name__ == "__main__":
    main()
