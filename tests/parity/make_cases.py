#!/usr/bin/env python3
"""Writes parity cases of many shapes: make_cases.py FOLDER [NAME].

Each case varies what a fixed set does not: head counts, patch and image sizes, mask ratios whose
product with the number of patches is cut off in double precision, warm-up and cosine, decay of all
tensors, accumulation, raw pixels. tests/parity/check.py runs a trainer over them.
"""
import sys

import torch

import case_files
from mae_reference import replay

CASES = {
    "two_heads_raw": dict(vit=(16, 4, 32, 2, 2, 4), decoder=(16, 2, 2), mask=0.5, raw=True),
    "one_head": dict(vit=(24, 8, 24, 1, 1, 4), decoder=(40, 1, 5), mask=0.6, images=2),
    "twelve_heads": dict(vit=(32, 8, 96, 1, 12, 4), decoder=(48, 3, 6), mask=0.75),
    # 100 * (1 - 0.9) is 9.999... in double precision: 9 are kept, not 10.
    "cut_off_not_rounded": dict(vit=(40, 4, 32, 2, 4, 4), decoder=(32, 1, 4), mask=0.9, images=2),
    "narrow_mlp": dict(vit=(32, 16, 64, 2, 4, 1.5), decoder=(32, 1, 2), mask=0.25, images=8),
    "warm_up_from_zero": dict(schedule=dict(kind="constant", warmup_steps=3, total_steps=20)),
    "warm_up_then_cosine": dict(steps=6, schedule=dict(
        kind="cosine", warmup_steps=2, total_steps=7, min_lr=1e-4, warmup_offset=1)),
    "cosine_to_its_end": dict(steps=5, schedule=dict(kind="cosine", warmup_steps=0, total_steps=5)),
    "decay_all": dict(adamw=dict(lr=3e-3, betas=[0.8, 0.99], eps=1e-4, weight_decay=0.5,
                                 decay_all=True)),
    "accumulate": dict(images=8, batch=dict(accumulate=2)),
    "sgd_nesterov": dict(optimizer={"sgd": dict(lr=0.05, momentum=0.9, weight_decay=0.1,
                                                nesterov=True)}),
    "lars": dict(images=6, optimizer={"lars": dict(lr=0.5, weight_decay=0.1)}),
    # int(16 * (1 - 0.9)) is 1.
    "one_patch_kept": dict(vit=(16, 4, 20, 1, 5, 2.5), decoder=(12, 2, 3), mask=0.9),
    "defaults": dict(drop=("objective.mae.mask_ratio", "objective.mae.norm_pix_loss",
                           "model.vit.mlp_ratio", "schedule.warmup_steps", "precision",
                           "optimizer.adamw.eps"),
                     adamw=dict(lr=1e-4, betas=[0.9, 0.95], eps=1e-8, weight_decay=0.1)),
    "preset": dict(put={"model": {"preset": "vit_base_patch16_224", "image_size": 32,
                                  "patch_size": 8, "dim": 48, "depth": 2, "heads": 3}}),
}


def spec_of(vit=(32, 8, 48, 2, 3, 4), decoder=(32, 1, 4), mask=0.75, raw=False, schedule=None,
            adamw=None, batch=None, images=4, steps=3, optimizer=None, drop=(), put=None):
    """(spec, spec as written, images, steps)."""
    names = ("image_size", "patch_size", "dim", "depth", "heads", "mlp_ratio")
    spec = {
        "objective": {"mae": {"mask_ratio": mask, "norm_pix_loss": not raw,
                              "decoder": dict(zip(("dim", "depth", "heads"), decoder))}},
        "model": {"vit": dict(zip(names, vit))},
        "optimizer": optimizer or {"adamw": adamw or dict(lr=2e-3, betas=[0.9, 0.95], eps=1e-4,
                                                          weight_decay=0.1)},
        "schedule": schedule or dict(kind="constant", warmup_steps=0, total_steps=50),
        "precision": "fp32",
    }
    if batch:
        spec["batch"] = dict(batch, **{"global": images})
    return spec, case_files.written(spec, drop, put), images, steps


def shapes_of(spec):
    """Official names and shapes."""
    vit, mae = spec["model"]["vit"], spec["objective"]["mae"]
    patch, dim, wide = vit["patch_size"], vit["dim"], mae["decoder"]["dim"]
    length = (vit["image_size"] // patch) ** 2
    shapes = {"cls_token": (1, 1, dim), "pos_embed": (1, length + 1, dim),
              "mask_token": (1, 1, wide), "decoder_pos_embed": (1, length + 1, wide),
              "patch_embed.proj.weight": (dim, 3, patch, patch), "patch_embed.proj.bias": (dim,)}

    def add(name, *shape):
        shapes[name + ".weight"] = shape
        shapes[name + ".bias"] = shape[:1]

    def add_blocks(prefix, depth, width):
        hidden = int(width * vit["mlp_ratio"])
        for i in range(depth):
            add(f"{prefix}.{i}.norm1", width)
            add(f"{prefix}.{i}.attn.qkv", 3 * width, width)
            add(f"{prefix}.{i}.attn.proj", width, width)
            add(f"{prefix}.{i}.norm2", width)
            add(f"{prefix}.{i}.mlp.fc1", hidden, width)
            add(f"{prefix}.{i}.mlp.fc2", width, hidden)

    add_blocks("blocks", vit["depth"], dim)
    add("norm", dim)
    add("decoder_embed", wide, dim)
    add_blocks("decoder_blocks", mae["decoder"]["depth"], wide)
    add("decoder_norm", wide)
    add("decoder_pred", patch * patch * 3, wide)
    return shapes


def weights_of(spec, generator):
    """Random everywhere (no bias is 0, no norm is 1), at sizes that keep training sane."""
    weights = {}
    for name, shape in shapes_of(spec).items():
        value = torch.randn(shape, generator=generator)
        if "norm" in name:
            value = value * 0.1 + (1 if name.endswith("weight") else 0)
        else:
            fan = value[0].numel() if value.dim() in (2, 4) else 25
            value = value * fan ** -0.5
        weights[name] = value.contiguous()
    return weights


def write_case(folder, name):
    spec, written, images, steps = spec_of(**CASES[name])
    generator = torch.Generator().manual_seed(sorted(CASES).index(name) + 11)
    vit = spec["model"]["vit"]
    length = (vit["image_size"] // vit["patch_size"]) ** 2
    ranks = torch.stack([torch.randperm(length, generator=generator) for _ in range(images)])
    batch = {"images": torch.randn(images, 3, vit["image_size"], vit["image_size"],
                                   generator=generator),
             "noise": (ranks.float() + 0.5) / length}
    weights = weights_of(spec, generator)
    expected = replay(weights, batch, spec, steps)
    case = {"objective": "mae", "steps": steps, "rtol": 1e-4, "atol": 1e-6}
    case_files.write(folder, name, written, case, weights, batch, expected)


def main():
    torch.set_num_threads(1)
    for name in sys.argv[2:] or CASES:
        write_case(sys.argv[1], name)


if __name__ == "__main__":
    main()
