#!/usr/bin/env python3
"""Writes parity cases of MoCo v3: mocov3_cases.py FOLDER [NAME].

They vary what the stored case does not: both kinds of ResNet, each optimizer, a trained patch
embedding, a momentum that follows a cosine, accumulation.
"""
import sys

import torch

import case_files
from mocov3_reference import replay

CASES = {
    "resnet_basic_lars": dict(
        resnet=("basic", [1, 1, 1, 1], 8), temperature=1.0,
        optimizer={"lars": dict(lr=0.05, momentum=0.9, weight_decay=1e-2,
                                trust_coefficient=0.05)}),
    "resnet_bottleneck_cosine": dict(
        resnet=("bottleneck", [1, 2, 1, 1], 4), size=40, momentum_schedule="cosine",
        optimizer={"lars": dict(lr=0.02, momentum=0.8, weight_decay=1e-3, trust_coefficient=0.2)},
        schedule=dict(kind="cosine", warmup_steps=1, total_steps=6, warmup_offset=1)),
    "resnet_lars_of_simclr": dict(
        resnet=("basic", [1, 1, 1, 1], 8),
        optimizer={"lars": dict(lr=0.05, momentum=0.9, weight_decay=1e-2, trust_coefficient=0.05,
                                form="simclr")},
        schedule=dict(kind="cosine", warmup_steps=2, total_steps=5)),
    "resnet_sgd": dict(
        resnet=("basic", [2, 1, 1, 1], 8), size=48,
        optimizer={"sgd": dict(lr=0.002, momentum=0.9, weight_decay=1e-2, nesterov=True)}),
    "vit_trained_patches": dict(
        freeze_patch_embed=False, momentum_schedule="cosine",
        schedule=dict(kind="constant", warmup_steps=0, total_steps=4)),
    "vit_sgd_decay_all": dict(
        optimizer={"sgd": dict(lr=0.05, momentum=0.5, weight_decay=0.1, decay_all=True)}),
    "vit_narrow_mlp": dict(vit=(24, 12, 32, 1, 2, 1.5), proj_dim=12, mlp_dim=20, momentum=0.5),
    "accumulate": dict(batch=dict(accumulate=2), images=8,
                       optimizer={"sgd": dict(lr=0.001, momentum=0.9)}),
    "vit_lars": dict(vit=(32, 16, 24, 1, 1, 4), optimizer={"lars": dict(lr=0.5)}),
    "vit_defaults": dict(
        temperature=0.2, momentum=0.99, drop=("objective.mocov3.temperature", "precision",
                                              "objective.mocov3.momentum", "model.vit.mlp_ratio",
                                              "objective.mocov3.momentum_schedule")),
    "vit_conv_stem": dict(vit=(32, 16, 24, 1, 3, 4), images=12, stem="conv"),
    "resnet18_by_depth": dict(
        resnet=("basic", [2, 2, 2, 2], 6), size=48, temperature=1.0, optimizer={"lars": dict(
            lr=0.02, weight_decay=1e-6)},
        put={"model": {"resnet": {"depth": 18, "width": 6}}}),
    "resnet_adamw_odd_sizes": dict(
        resnet=("bottleneck", [1, 1, 2, 1], 5), size=45, freeze_patch_embed=True,
        optimizer={"adamw": dict(lr=1e-4, betas=[0.9, 0.99], eps=1e-3, weight_decay=0.1)}),
}
ADAMW = {"adamw": dict(lr=2e-3, betas=[0.9, 0.99], eps=1e-3, weight_decay=0.1)}
VIT = ("image_size", "patch_size", "dim", "depth", "heads", "mlp_ratio")


def spec_of(resnet=None, vit=(32, 8, 48, 2, 3, 4), size=32, optimizer=None, schedule=None,
            batch=None, images=6, steps=3, drop=(), put=None, stem=None, **moco):
    """(spec, spec as written, images, steps, pixels of a side)."""
    own = dict(temperature=0.2, momentum=0.9, momentum_schedule="constant", proj_dim=16, mlp_dim=32)
    model = {"vit": dict(dict(zip(VIT, vit)), **({"stem": stem} if stem else {}))}
    if resnet:
        # Small batches and large steps magnify rounding wherever a ReLU changes sides.
        images = 12
        model = {"resnet": dict(zip(("block", "layers", "width"), resnet))}
    spec = {"objective": {"mocov3": dict(own, **moco)}, "model": model,
            "optimizer": optimizer or ADAMW,
            "schedule": schedule or dict(kind="constant", warmup_steps=0, total_steps=50),
            "precision": "fp32"}
    if batch:
        spec["batch"] = dict(batch, **{"global": images})
    return spec, case_files.written(spec, drop, put), images, steps, size if resnet else vit[0]


def add_batch_norm(shapes, name, width, affine=True):
    for leaf in ("running_mean", "running_var") + (("weight", "bias") if affine else ()):
        shapes[f"{name}.{leaf}"] = (width,)
    shapes[name + ".num_batches_tracked"] = ()


def add_head(shapes, name, widths, last):
    """`last`: whether it ends in a BatchNorm, which then has no weight and no bias."""
    for i, (wide, out) in enumerate(zip(widths, widths[1:])):
        shapes[f"{name}.{3 * i}.weight"] = (out, wide)
        ends = i == len(widths) - 2
        if not ends or last:
            add_batch_norm(shapes, f"{name}.{3 * i + 1}", out, affine=not ends)


def stem_shapes(dim):
    shapes, wide = {}, 3
    for i in range(4):
        out = dim >> (3 - i)
        shapes[f"patch_embed.proj.{3 * i}.weight"] = (out, wide, 3, 3)
        add_batch_norm(shapes, f"patch_embed.proj.{3 * i + 1}", out)
        wide = out
    return dict(shapes, **{"patch_embed.proj.12.weight": (dim, dim, 1, 1),
                           "patch_embed.proj.12.bias": (dim,)})


def vit_shapes(vit):
    patch, dim = vit["patch_size"], vit["dim"]
    shapes = {"cls_token": (1, 1, dim),
              "pos_embed": (1, 1 + (vit["image_size"] // patch) ** 2, dim),
              "patch_embed.proj.weight": (dim, 3, patch, patch), "patch_embed.proj.bias": (dim,)}
    if "stem" in vit:
        shapes = dict(list(shapes.items())[:2], **stem_shapes(dim))
    hidden = int(dim * vit["mlp_ratio"])
    layers = {"norm": (dim,)}
    for i in range(vit["depth"]):
        layers.update({f"blocks.{i}.norm1": (dim,), f"blocks.{i}.norm2": (dim,),
                       f"blocks.{i}.attn.qkv": (3 * dim, dim), f"blocks.{i}.attn.proj": (dim, dim),
                       f"blocks.{i}.mlp.fc1": (hidden, dim), f"blocks.{i}.mlp.fc2": (dim, hidden)})
    for name, shape in layers.items():
        shapes.update({name + ".weight": shape, name + ".bias": shape[:1]})
    return shapes, dim


def resnet_shapes(net):
    shapes, wide = {"conv1.weight": (net["width"], 3, 7, 7)}, net["width"]
    add_batch_norm(shapes, "bn1", wide)
    bottleneck = net["block"] == "bottleneck"
    for stage, blocks in enumerate(net["layers"]):
        inner = net["width"] << stage
        out = inner * 4 if bottleneck else inner
        for i in range(blocks):
            at = f"layer{stage + 1}.{i}"
            plan = ([(wide, inner, 1), (inner, inner, 3), (inner, out, 1)] if bottleneck
                    else [(wide, inner, 3), (inner, inner, 3)])
            for j, (a, b, k) in enumerate(plan, 1):
                shapes[f"{at}.conv{j}.weight"] = (b, a, k, k)
                add_batch_norm(shapes, f"{at}.bn{j}", b)
            if wide != out or (i == 0 and stage > 0):
                shapes[at + ".downsample.0.weight"] = (out, wide, 1, 1)
                add_batch_norm(shapes, at + ".downsample.1", out)
            wide = out
    return shapes, wide


def shapes_of(spec):
    """Official names and shapes."""
    moco, model = spec["objective"]["mocov3"], spec["model"]
    hidden, out = moco["mlp_dim"], moco["proj_dim"]
    if "vit" in model:
        encoder, features = vit_shapes(model["vit"])
        add_head(encoder, "head", (features, hidden, hidden, out), True)
    else:
        encoder, features = resnet_shapes(model["resnet"])
        add_head(encoder, "fc", (features, hidden, out), True)
    shapes = {f"{side}_encoder.{k}": v for side in ("base", "momentum")
              for k, v in encoder.items()}
    add_head(shapes, "predictor", (out, hidden, out), "vit" in model)
    return shapes


def weights_of(spec, generator):
    """Random everywhere, at sizes that keep training sane."""
    shapes, weights = shapes_of(spec), {}
    for name, shape in shapes.items():
        leaf = name.rsplit(".", 1)[-1]
        value = torch.randn(shape, generator=generator)
        if leaf == "num_batches_tracked":
            value = torch.tensor(7, dtype=torch.int64)
        elif leaf == "running_var":
            value = value.abs() + 0.5
        elif leaf == "weight" and len(shape) == 1:
            value = 1 + 0.1 * value
        else:
            value = value * (value[0].numel() if value.dim() in (2, 4) else 25) ** -0.5
        weights[name] = value.contiguous()
    return weights


def write_case(folder, name):
    spec, written, images, steps, size = spec_of(**CASES[name])
    generator = torch.Generator().manual_seed(sorted(CASES).index(name) + 31)
    batch = {view: torch.randn(images, 3, size, size, generator=generator)
             for view in ("view1", "view2")}
    weights = weights_of(spec, generator)
    expected = replay(weights, batch, spec, steps)
    # No gradient in exact arithmetic: a BatchNorm follows without anything in between.
    nothing = [{"match": "grad.base_encoder.norm.bias", "atol": 1e-5}]
    case = {"objective": "mocov3", "steps": steps, "rtol": 1e-4, "atol": 2e-6,
            "tolerances": nothing}
    case_files.write(folder, name, written, case, weights, batch, expected)


def main():
    torch.set_num_threads(1)
    for name in sys.argv[2:] or CASES:
        write_case(sys.argv[1], name)


if __name__ == "__main__":
    main()
