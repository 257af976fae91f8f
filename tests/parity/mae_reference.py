"""A masked autoencoder in plain PyTorch functions, from docs/REPLAY.md, for comparison in float64.

It shares no code with Ocellus. Weights are a dictionary under the official names; one step is
`forward`, autograd, and `update`. Shapes: N images, L patches, K kept, D width, H heads.
"""
import math

import torch
from torch.nn import functional as F

from optimizer_reference import update

EPS = 1e-6


def linear(w, name, x):
    return F.linear(x, w[name + ".weight"], w[name + ".bias"])


def norm(w, name, x):
    return F.layer_norm(x, x.shape[-1:], w[name + ".weight"], w[name + ".bias"], EPS)


def attention(w, name, x, heads):
    n, t, d = x.shape
    q, k, v = linear(w, name + ".qkv", x).split(d, dim=-1)
    q, k, v = (y.reshape(n, t, heads, d // heads).transpose(1, 2) for y in (q, k, v))
    scores = q @ k.transpose(-1, -2) / math.sqrt(d // heads)
    mixed = scores.softmax(dim=-1) @ v
    return linear(w, name + ".proj", mixed.transpose(1, 2).reshape(n, t, d))


def block(w, name, x, heads):
    x = x + attention(w, name + ".attn", norm(w, name + ".norm1", x), heads)
    hidden = F.gelu(linear(w, name + ".mlp.fc1", norm(w, name + ".norm2", x)))
    return x + linear(w, name + ".mlp.fc2", hidden)


def patches_of(images, patch):
    """[N, 3, S, S] to [N, L, patch * patch * 3], values in the order row, column, channel."""
    rows = images.unfold(2, patch, patch).unfold(3, patch, patch)  # N 3 g g p p
    return rows.permute(0, 2, 3, 4, 5, 1).flatten(3).flatten(1, 2)


def tokens_of(w, images, vit):
    """Patch tokens with their positions, [N, L, D]."""
    x = F.conv2d(images, w["patch_embed.proj.weight"], w["patch_embed.proj.bias"],
                 stride=vit["patch_size"])
    return x.flatten(2).transpose(1, 2) + w["pos_embed"][:, 1:]


def encode(w, tokens, vit):
    """Class token in front, blocks, norm."""
    first = (w["cls_token"] + w["pos_embed"][:, :1]).expand(len(tokens), -1, -1)
    x = torch.cat([first, tokens], 1)
    for i in range(vit["depth"]):
        x = block(w, f"blocks.{i}", x, vit["heads"])
    return norm(w, "norm", x)


def decode(w, latent, kept, length, decoder):
    """Pixels [N, L, p*p*3] of every patch; `kept` [N, K] says where the latent patches belong."""
    x, places = linear(w, "decoder_embed", latent), []
    for i, where in enumerate(kept):
        full = w["mask_token"][0].expand(length, -1).index_copy(0, where, x[i, 1:])
        places.append(torch.cat([x[i, :1], full]))
    x = torch.stack(places) + w["decoder_pos_embed"]
    for i in range(decoder["depth"]):
        x = block(w, f"decoder_blocks.{i}", x, decoder["heads"])
    return linear(w, "decoder_pred", norm(w, "decoder_norm", x))[:, 1:]


def forward(w, batch, spec):
    """(loss, pred [N, L, p*p*3], mask [N, L])."""
    vit, mae = spec["model"]["vit"], spec["objective"]["mae"]
    images, noise = batch["images"], batch["noise"]
    n, length = noise.shape
    kept = int(length * (1 - mae["mask_ratio"]))
    order = noise.argsort(dim=1)
    mask = torch.ones_like(images[:, 0, 0, :1]).expand(n, length).clone()
    mask.scatter_(1, order[:, :kept], 0.0)

    tokens = tokens_of(w, images, vit)
    visible = torch.stack([tokens[i, order[i, :kept]] for i in range(n)])
    pred = decode(w, encode(w, visible, vit), order[:, :kept], length, mae["decoder"])
    target = patches_of(images, vit["patch_size"])
    if mae["norm_pix_loss"]:
        spread, mean = torch.var_mean(target, dim=-1, keepdim=True)
        target = (target - mean) / (spread + EPS).sqrt()
    error = ((pred - target) ** 2).mean(dim=-1)
    return (error * mask).sum() / mask.sum(), pred, mask


def replay(weights, batch, spec, steps):
    """What `ocellus-trainer replay` must write, in float64."""
    frozen = ("pos_embed", "decoder_pos_embed")
    w = {k: v.double().clone().requires_grad_(k not in frozen) for k, v in weights.items()}
    batch = {k: v.double() for k, v in batch.items()}
    out, losses, moments = {}, [], {}
    for step in range(steps):
        loss, pred, mask = forward(w, batch, spec)
        names = [k for k in w if k not in frozen]
        grads = dict(zip(names, torch.autograd.grad(loss, [w[k] for k in names])))
        if step == 0:
            out.update({f"grad.{k}": g.clone() for k, g in grads.items()})
            out.update(loss=loss.detach(), pred=pred.detach(), mask=mask)
        losses.append(loss.detach())
        update(w, grads, moments, step, spec)
    out["loss_per_step"] = torch.stack(losses)
    out.update({f"param.{k}": v.detach() for k, v in w.items()})
    return out
