"""Learning rates and optimizers in plain PyTorch, from docs/REPLAY.md, for comparison in float64.

`w` is a dictionary of parameters by name, `grads` of their gradients, `moments` what the optimizer
keeps; all functions change `w` and `moments` in place.
"""
import math

import torch


def rate(schedule, lr, step):
    warmup, total = schedule.get("warmup_steps", 0), schedule["total_steps"]
    if step < warmup:
        return lr * (step + schedule.get("warmup_offset", 0)) / warmup
    if schedule["kind"] == "constant":
        return lr
    low = schedule.get("min_lr", 0.0)
    done = (step - warmup) / (total - warmup)
    return low + (lr - low) * (1 + math.cos(math.pi * done)) / 2


def adamw(w, grads, moments, step, spec):
    """One update in place; `moments` is a dictionary of (first, second) by name."""
    settings = spec["optimizer"]["adamw"]
    lr = rate(spec["schedule"], settings["lr"], step)
    b1, b2 = settings["betas"]
    for name, grad in grads.items():
        first, second = moments.setdefault(name, (torch.zeros_like(grad), torch.zeros_like(grad)))
        first.mul_(b1).add_((1 - b1) * grad)
        second.mul_(b2).add_((1 - b2) * grad * grad)
        if w[name].dim() >= 2 or settings.get("decay_all", False):
            w[name].data.mul_(1 - lr * settings["weight_decay"])
        root = (second / (1 - b2 ** (step + 1))).sqrt() + settings["eps"]
        w[name].data.sub_(lr * first / (1 - b1 ** (step + 1)) / root)


def sgd(state, grads, buffers, settings, lr):
    for name, grad in grads.items():
        if state[name].dim() >= 2 or settings.get("decay_all", False):
            grad = grad + settings.get("weight_decay", 0) * state[name].detach()
        buffers[name] = settings.get("momentum", 0) * buffers.get(name, 0) + grad
        nesterov = settings.get("nesterov", False)
        way = grad + settings["momentum"] * buffers[name] if nesterov else buffers[name]
        state[name].data.sub_(lr * way)


def lars(state, grads, buffers, settings, lr):
    inside = settings.get("form", "moco") == "simclr"
    for name, grad in grads.items():
        p = state[name].detach()
        if p.dim() >= 2:
            grad = grad + settings.get("weight_decay", 0) * p
            if p.norm() > 0 and grad.norm() > 0:
                grad = grad * settings.get("trust_coefficient", 0.001) * p.norm() / grad.norm()
        grad = grad * lr if inside else grad
        buffers[name] = settings.get("momentum", 0.9) * buffers.get(name, 0) + grad
        state[name].data.sub_(buffers[name] if inside else lr * buffers[name])


def update(state, grads, buffers, step, spec):
    (kind, settings), = spec["optimizer"].items()
    if kind == "adamw":
        adamw(state, grads, buffers, step, spec)
        return
    lr = rate(spec["schedule"], settings["lr"], step)
    (sgd if kind == "sgd" else lars)(state, grads, buffers, settings, lr)
