"""ReLICv2's training step in PyTorch, float64, written from the contract (docs/REPLAY.md) with one
image and one pair of views at a time: slow, but as the equations are printed."""
import math

import torch
import torch.nn.functional as F

from optimizer_reference import update

BUFFERS = ("running_mean", "running_var", "num_batches_tracked")


def batch_norm(state, name, x):
    """Normalises by the batch and moves the running values."""
    state[name + ".num_batches_tracked"] += 1
    return F.batch_norm(x, state[name + ".running_mean"], state[name + ".running_var"],
                        state[name + ".weight"], state[name + ".bias"], training=True,
                        momentum=0.1, eps=1e-5)


def convolution(state, name, x, stride=1):
    weight = state[name + ".weight"]
    return F.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2)


def residual_block(state, name, x, stride, bottleneck):
    convolutions = 3 if bottleneck else 2
    strided = 2 if bottleneck else 1  # which of them has the stride
    out = x
    for i in range(1, convolutions + 1):
        out = convolution(state, f"{name}.conv{i}", out, stride if i == strided else 1)
        out = batch_norm(state, f"{name}.bn{i}", out)
        if i < convolutions:
            out = F.relu(out)
    if name + ".downsample.0.weight" in state:
        x = convolution(state, name + ".downsample.0", x, stride)
        x = batch_norm(state, name + ".downsample.1", x)
    return F.relu(out + x)


def resnet(state, name, images, shape):
    x = F.relu(batch_norm(state, name + ".bn1", convolution(state, name + ".conv1", images, 2)))
    x = F.max_pool2d(x, 3, 2, 1)
    for stage, blocks in enumerate(shape["layers"]):
        for i in range(blocks):
            stride = 2 if stage > 0 and i == 0 else 1
            x = residual_block(state, f"{name}.layer{stage + 1}.{i}", x, stride,
                               shape["block"] == "bottleneck")
    return x.mean((2, 3))


def head(state, name, x):
    x = F.linear(x, state[name + ".0.weight"], state[name + ".0.bias"])
    return F.linear(F.relu(batch_norm(state, name + ".1", x)), state[name + ".3.weight"])


def side(state, name, images, shape):
    x = head(state, name + ".projector", resnet(state, name + ".encoder", images, shape))
    if name + ".predictor.0.weight" in state:
        x = head(state, name + ".predictor", x)
    return x / x.norm(dim=1, keepdim=True).clamp_min(1e-12)


def divergence_of(log_p, log_q, kind):
    p, q = log_p.exp(), log_q.exp()
    if kind == "soft_label":
        return (q.detach() * (log_q.detach() - log_p)).sum()
    entropy = (p * log_p).sum()
    return (entropy if kind == "full" else entropy.detach()) - (p * log_q).sum()


def pair_terms(online, target, candidates, temperature, kind):
    """(log likelihood, kl) of a pair of views, means over the images."""
    likelihood, divergence = 0.0, 0.0
    for n, others in enumerate(candidates):
        log_p = torch.stack([online[n] @ target[m] for m in others]).div(temperature)
        log_q = torch.stack([target[n] @ online[m] for m in others]).div(temperature)
        log_p, log_q = log_p - log_p.logsumexp(0), log_q - log_q.logsumexp(0)
        likelihood = likelihood + log_p[others.index(n)]
        divergence = divergence + divergence_of(log_p, log_q, kind)
    return likelihood / len(candidates), divergence / len(candidates)


def forward(state, batch, relic, shape):
    large = [f"large_{i}" for i in range(relic["large_views"])]
    small = [f"small_{i}" for i in range(relic["small_views"])]
    online = [side(state, "online", batch[v], shape) for v in large + small]
    with torch.no_grad():
        target = [side(state, "target", batch[v], shape) for v in large]
    images = len(online[0])
    if "negatives" in batch:
        candidates = [[n] + batch["negatives"][n].tolist() for n in range(images)]
    else:
        assert relic["num_negatives"] >= images - 1
        candidates = [list(range(images))] * images
    pairs = [(a, b) for a in range(len(online)) for b in range(len(target))
             if a != b or relic.get("include_self_pairs", True)]
    terms = [pair_terms(online[a], target[b], candidates, relic["temperature"],
                        relic.get("divergence", "listing")) for a, b in pairs]
    likelihood = sum(t[0] for t in terms) / len(terms)
    compared = [t[1] for t, (a, _) in zip(terms, pairs)
                if a < len(large) or relic.get("small_divergence", True)]
    kl = sum(compared) / len(compared)
    return -relic["alpha"] * likelihood + relic["beta"] * kl, likelihood, kl


def momentum_at(relic, step, total):
    if relic["momentum_schedule"] == "constant":
        return relic["momentum"]
    return 1 - (1 - relic["momentum"]) * (1 + math.cos(math.pi * step / total)) / 2


def stepper(spec, trained):
    """A function that makes step i from the parameters' gradients; PyTorch's own where it can."""
    (kind, options), = spec["optimizer"].items()
    options, moments = dict(options), {}
    if kind == "lars" or spec["schedule"]["kind"] != "constant":
        return lambda i: update(trained, {k: v.grad for k, v in trained.items()}, moments, i, spec)
    decay = options.pop("weight_decay", 0)
    groups = [{"params": [p for p in trained.values() if p.dim() >= 2], "weight_decay": decay},
              {"params": [p for p in trained.values() if p.dim() < 2], "weight_decay": 0}]
    optimizer = {"sgd": torch.optim.SGD, "adamw": torch.optim.AdamW}[kind](groups, **options)
    return lambda i: optimizer.step()


def replay(weights, batch, spec, steps):
    """What OUT.safetensors must hold, in float64."""
    relic, shape = spec["objective"]["relicv2"], spec["model"]["resnet"]
    state = {k: (v.clone() if v.dtype == torch.int64 else v.double()) for k, v in weights.items()}
    batch = {k: (v if v.dtype == torch.int64 else v.double()) for k, v in batch.items()}
    trained = {k: v.requires_grad_() for k, v in state.items()
               if k.startswith("online.") and not k.endswith(BUFFERS)}
    step_by = stepper(spec, trained)
    out, losses = {}, []
    for step in range(steps):
        loss, likelihood, kl = forward(state, batch, relic, shape)
        for value in trained.values():
            value.grad = None
        loss.backward()
        losses.append(loss.detach())
        if step == 0:
            out = {"grad." + k: v.grad.clone() for k, v in trained.items()}
            out |= {"loss": loss.detach(), "log_likelihood": likelihood.detach(),
                    "kl": kl.detach()}
        step_by(step)
        m = momentum_at(relic, step, spec["schedule"]["total_steps"])
        with torch.no_grad():
            for k, v in state.items():
                if k.startswith("target.") and not k.endswith(BUFFERS):
                    v.mul_(m).add_(state["online." + k[len("target."):]], alpha=1 - m)
    out["loss_per_step"] = torch.stack(losses)
    return out | {"param." + k: v.detach() for k, v in state.items()}
