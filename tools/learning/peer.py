"""Trains a job's document in plain PyTorch (peer_models.py, peer_data.py)."""
import math
import random

import numpy as np
import torch

import peer_data
import peer_models


class Lars(torch.optim.Optimizer):
    """moco-v3's form: the rate is outside the momentum buffer."""

    def __init__(self, parameters, settings):
        super().__init__(parameters, {"lr": 0.0})
        self.s = settings

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                g = p.grad
                if p.ndim > 1:
                    g = g + self.s["weight_decay"] * p
                    norms = p.norm(), g.norm()
                    if all(norms):
                        g = g * (self.s["trust_coefficient"] * norms[0] / norms[1])
                mu = self.state[p].setdefault("mu", torch.zeros_like(p))
                mu.mul_(self.s["momentum"]).add_(g)
                p.sub_(group["lr"] * mu)


def optimizer_of(document, model):
    name, s = next(iter(document["optimizer"].items()))
    parameters = [p for p in model.parameters() if p.requires_grad]
    if name == "lars":
        return Lars(parameters, s)
    decays = [p for p in parameters if p.ndim > 1 or s.get("decay_all")]
    others = [p for p in parameters if not (p.ndim > 1 or s.get("decay_all"))]
    groups = [{"params": decays, "weight_decay": s["weight_decay"]},
              {"params": others, "weight_decay": 0.0}]
    if name == "sgd":
        return torch.optim.SGD(groups, lr=0.0, momentum=s["momentum"], nesterov=s["nesterov"])
    return torch.optim.AdamW(groups, lr=0.0, betas=s["betas"], eps=s["eps"])


def rate(document, step):
    s, optimizer = document["schedule"], next(iter(document["optimizer"].values()))
    peak = optimizer.get("lr") or optimizer["base_lr"] * document["batch"]["global"] / 256
    warm, total = s["warmup_steps"], s["total_steps"]
    if step < warm:
        return peak * (step + s["warmup_offset"]) / warm
    if s["kind"] == "constant":
        return peak
    low = s["min_lr"]
    return low + (peak - low) * (1 + math.cos(math.pi * (step - warm) / (total - warm))) / 2


def train(document, images, captions, seed):
    """Returns the trained model and its loss at each step."""
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed)
    model = peer_models.METHODS[next(iter(document["objective"]))](document).train()
    optimizer = optimizer_of(document, model)
    data = peer_data.batches(document, images, captions, seed)
    losses, total = [], document["schedule"]["total_steps"]
    for step in range(total):
        for group in optimizer.param_groups:
            group["lr"] = rate(document, step)
        loss = model(next(data), step, total)
        optimizer.zero_grad(set_to_none=False)
        loss.backward()
        optimizer.step()
        model.after_step(step, total)
        losses.append(loss.item())
    return model.eval(), losses
