#!/usr/bin/env python3
"""Writes parity cases of CLIP and SigLIP: clip_cases.py FOLDER [NAME].

They vary what the stored case does not: the sigmoid loss, QuickGELU, other sizes of both towers, a
clamped scale, towers in chunks.
"""
import sys

import torch

import case_files
from clip_reference import build, replay

CASES = {
    "siglip": dict(clip=dict(loss="siglip"), scale=2.3, bias=-9.0),
    "siglip_chunks": dict(clip=dict(loss="siglip", chunk=1), scale=2.0, bias=-3.0),
    "quick_gelu": dict(clip=dict(quick_gelu=True)),
    "odd_sizes": dict(vit=(40, 10, 60, 1, 5, 1.5), clip=dict(embed_dim=7),
                      text=dict(width=36, heads=3, layers=1, vocab_size=90, context_length=9)),
    "scale_at_its_end": dict(clip=dict(logit_scale_max=3.0, logit_scale_init=2.0), scale=1.2),
    "chunks": dict(clip=dict(chunk=2), images=12),
    "chunks_with_a_rest": dict(clip=dict(chunk=4)),
    # Without warmup_offset, which is 1 for this objective.
    "warm_up": dict(schedule=dict(kind="cosine", warmup_steps=2, total_steps=6, min_lr=1e-4)),
    "sgd": dict(optimizer={"sgd": dict(lr=0.02, momentum=0.9, weight_decay=0.1)}),
    "lars_siglip": dict(clip=dict(loss="siglip"), scale=2.3, bias=-10.0,
                        optimizer={"lars": dict(lr=0.5, weight_decay=0.1)}),
    "decay_all": dict(optimizer={"adamw": dict(lr=1e-3, betas=[0.9, 0.98], eps=3e-4,
                                               weight_decay=0.5, decay_all=True)}),
    # No table of sines and cosines asks for widths by fours.
    "width_of_thirty": dict(vit=(32, 8, 30, 1, 3, 4), text=dict(width=18, heads=3, layers=1)),
    "one_patch": dict(vit=(16, 16, 24, 1, 2, 4), images=12),
    "scale_above_its_end": dict(clip=dict(loss="siglip"), scale=5.0, bias=-12.0),
    "scale_below_zero": dict(scale=-0.3),
    "two_end_tokens": dict(ends=2),
    "preset": dict(put={"model": {"preset": "ViT-B-32", "image_size": 32, "patch_size": 8,
                                  "dim": 48, "depth": 2, "heads": 3}}),
}


def spec_of(vit=(32, 8, 48, 2, 3, 4), clip=None, text=None, schedule=None, optimizer=None):
    names = ("image_size", "patch_size", "dim", "depth", "heads", "mlp_ratio")
    settings = dict(embed_dim=24, text=dict(dict(width=32, heads=2, layers=2, vocab_size=120,
                                                 context_length=16), **(text or {})))
    settings.update(clip or {})
    spec = {
        "objective": {"clip": settings},
        "model": {"vit": dict(zip(names, vit))},
        "optimizer": optimizer or {"adamw": dict(lr=1e-3, betas=[0.9, 0.98], eps=3e-4,
                                                 weight_decay=0.5)},
        "schedule": schedule or dict(kind="constant", warmup_steps=0, total_steps=100),
        "precision": "fp32",
    }
    return spec


def tokens_of(images, text, generator, ends):
    """Captions of random lengths: start, words, end (the first of `ends` counts), padding with
    0."""
    length, vocabulary = text["context_length"], text["vocab_size"]
    tokens = torch.zeros(images, length, dtype=torch.long)
    for row in tokens:
        words = int(torch.randint(1, length - ends, (1,), generator=generator))
        row[0] = vocabulary - 2
        row[1:words + 1] = torch.randint(0, vocabulary - 2, (words,), generator=generator)
        row[words + 1:words + 1 + ends] = vocabulary - 1
    return tokens


def weights_of(spec, scale, bias, generator):
    """Random everywhere (no bias is 0, no norm is 1), at sizes that keep training sane."""
    weights = {}
    for name, value in build(spec).state_dict().items():
        fan = value[0].numel() if value.dim() > 1 else 25
        drawn = torch.randn(value.shape, generator=generator)
        if ".ln_" in name or name.startswith("ln_"):
            drawn = drawn * 0.1 + (1 if name.endswith("weight") else 0)
        elif name not in ("logit_scale", "logit_bias"):
            drawn = drawn * fan ** -0.5
        weights[name] = drawn.contiguous()
    weights["logit_scale"] = torch.tensor(scale)
    if bias is not None:
        weights["logit_bias"] = torch.tensor(bias)
    return weights


def write_case(folder, name):
    options = dict(dict(images=6, scale=2.6593, bias=None, ends=1, put=None), **CASES[name])
    images, scale, bias, ends, put = (options.pop(k) for k in ("images", "scale", "bias", "ends",
                                                               "put"))
    spec = spec_of(**options)
    generator = torch.Generator().manual_seed(sorted(CASES).index(name) + 31)
    size = spec["model"]["vit"]["image_size"]
    batch = {"images": torch.randn(images, 3, size, size, generator=generator),
             "tokens": tokens_of(images, spec["objective"]["clip"]["text"], generator, ends)}
    weights = weights_of(spec, scale, bias, generator)
    expected = replay(weights, batch, spec, 3)
    case = {"objective": "clip", "steps": 3, "rtol": 1e-4, "atol": 1e-6}
    case_files.write(folder, name, case_files.written(spec, put=put), case, weights, batch,
                     expected)


def main():
    torch.set_num_threads(1)
    for name in sys.argv[2:] or CASES:
        write_case(sys.argv[1], name)


if __name__ == "__main__":
    main()
