"""MoCo v3's training step in PyTorch, float64, from the contract (docs/REPLAY.md). It shares
no code with Ocellus; the plain ViT and ResNet are those of the other references here."""
import math

import torch
import torch.nn.functional as F

from mae_reference import encode, tokens_of
from optimizer_reference import update
from relicv2_reference import batch_norm, resnet

BUFFERS = ("running_mean", "running_var", "num_batches_tracked")


def head(state, name, x):
    """A Sequential of Linear, BatchNorm and ReLU, told apart by the tensors under each number."""
    numbers = {int(k[len(name) + 1:].split(".")[0]) for k in state if k.startswith(name + ".")}
    for i in range(max(numbers) + 1):
        at = f"{name}.{i}."
        if i not in numbers:
            x = F.relu(x)
        elif at + "running_mean" in state:
            state[at + "num_batches_tracked"] += 1
            x = F.batch_norm(x, state[at + "running_mean"], state[at + "running_var"],
                             state.get(at + "weight"), state.get(at + "bias"), training=True,
                             momentum=0.1, eps=1e-5)
        else:
            x = F.linear(x, state[at + "weight"])
    return x


def stem(state, images):
    """MoCo v3's convolutions in place of the patches' projection: [N, L, D] with positions."""
    x = images
    for i in range(4):
        name = f"patch_embed.proj.{3 * i}"
        x = F.conv2d(x, state[name + ".weight"], stride=2, padding=1)
        x = F.relu(batch_norm(state, f"patch_embed.proj.{3 * i + 1}", x))
    x = F.conv2d(x, state["patch_embed.proj.12.weight"], state["patch_embed.proj.12.bias"])
    return x.flatten(2).transpose(1, 2) + state["pos_embed"][:, 1:]


def project(state, name, images, model):
    if "resnet" in model:
        return head(state, name + ".fc", resnet(state, name, images, model["resnet"]))
    own = {k[len(name) + 1:]: v for k, v in state.items() if k.startswith(name + ".")}
    conv = model["vit"].get("stem") == "conv"
    tokens = stem(own, images) if conv else tokens_of(own, images, model["vit"])
    features = encode(own, tokens, model["vit"])[:, 0]
    return head(state, name + ".head", features)


def contrast(queries, keys, temperature):
    queries, keys = F.normalize(queries, dim=1), F.normalize(keys, dim=1)
    rows = (queries @ keys.T / temperature).log_softmax(1)
    return -rows.diagonal().mean() * 2 * temperature


def move(state, momentum):
    """The momentum encoder's parameters, frozen ones too."""
    for name, value in state.items():
        if name.startswith("momentum_encoder.") and not name.endswith(BUFFERS):
            source = state[name.replace("momentum_", "base_", 1)].detach()
            value.copy_(momentum * value + (1 - momentum) * source)


def momentum_at(moco, step, total):
    if moco["momentum_schedule"] == "constant":
        return moco["momentum"]
    return 1 - (1 - moco["momentum"]) * (1 + math.cos(math.pi * step / total)) / 2


def forward(state, batch, spec, momentum):
    """(loss, outputs) of a micro-batch; the momentum encoder moves unless `momentum` is None."""
    moco, model = spec["objective"]["mocov3"], spec["model"]
    views = batch["view1"], batch["view2"]
    q1, q2 = (head(state, "predictor", project(state, "base_encoder", v, model)) for v in views)
    with torch.no_grad():
        if momentum is not None:
            move(state, momentum)
        k1, k2 = (project(state, "momentum_encoder", v, model) for v in views)
    loss = contrast(q1, k2, moco["temperature"]) + contrast(q2, k1, moco["temperature"])
    return loss, {"q1": q1.detach(), "q2": q2.detach(), "k1": k1, "k2": k2}


def is_trained(name, spec):
    if name.startswith("momentum_encoder.") or name.endswith(BUFFERS + ("pos_embed",)):
        return False
    frozen = spec["objective"]["mocov3"].get("freeze_patch_embed", True)
    conv = spec["model"].get("vit", {}).get("stem") == "conv"
    return not (frozen and not conv and ".patch_embed." in name)


def replay(weights, batch, spec, steps):
    """What `ocellus-trainer replay` must write, in float64."""
    state = {k: v.clone() if k.endswith("num_batches_tracked") else v.double().clone()
             for k, v in weights.items()}
    names = [k for k in state if is_trained(k, spec)]
    for name in names:
        state[name].requires_grad_(True)
    micro = spec.get("batch", {}).get("accumulate", 1)
    parts = [dict(zip(batch, views)) for views in zip(*(v.double().chunk(micro)
                                                        for v in batch.values()))]
    moco, total = spec["objective"]["mocov3"], spec["schedule"]["total_steps"]
    out, losses, buffers = {}, [], {}
    for step in range(steps):
        done = [forward(state, part, spec, None if i else momentum_at(moco, step, total))
                for i, part in enumerate(parts)]
        loss = sum(d[0] for d in done) / micro
        grads = dict(zip(names, torch.autograd.grad(loss, [state[k] for k in names])))
        if step == 0:
            out.update({f"grad.{k}": g.clone() for k, g in grads.items()})
            out.update({k: torch.cat([d[1][k] for d in done]) for k in done[0][1]})
            out["loss"] = loss.detach()
        losses.append(loss.detach())
        update(state, grads, buffers, step, spec)
    out["loss_per_step"] = torch.stack(losses)
    out.update({f"param.{k}": v.detach() for k, v in state.items()})
    return out
