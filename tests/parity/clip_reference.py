"""CLIP and SigLIP in float64: open_clip's model, its losses written out, AdamW of PyTorch where the
rate is constant."""
import math

import torch
import torch.nn.functional as F
from open_clip.model import CLIP

from optimizer_reference import update


def build(spec):
    vit, clip = spec["model"]["vit"], spec["objective"]["clip"]
    text = clip["text"]
    siglip = clip.get("loss", "infonce") == "siglip"
    return CLIP(
        embed_dim=clip["embed_dim"],
        vision_cfg=dict(image_size=vit["image_size"], patch_size=vit["patch_size"],
                        width=vit["dim"], layers=vit["depth"],
                        head_width=vit["dim"] // vit["heads"], mlp_ratio=vit["mlp_ratio"]),
        text_cfg=dict(context_length=text["context_length"], vocab_size=text["vocab_size"],
                      width=text["width"], heads=text["heads"], layers=text["layers"]),
        quick_gelu=clip.get("quick_gelu", False),
        init_logit_bias=-10.0 if siglip else None).double().train()


def loss_of(images, texts, scale, bias):
    logits = scale * images @ texts.T
    if bias is None:
        labels = torch.arange(len(images))
        return (F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels)) / 2
    signs = 2 * torch.eye(len(images), dtype=logits.dtype) - 1
    return -F.logsigmoid(signs * (logits + bias)).sum() / len(images)


def stepper(spec, named):
    """A function that makes step i from the parameters' gradients."""
    schedule = dict(spec["schedule"])
    schedule.setdefault("warmup_offset", 1)
    adamw = spec["optimizer"].get("adamw", {})
    moments = {}
    if not adamw or adamw.get("decay_all") or schedule["kind"] != "constant" \
            or schedule.get("warmup_steps"):
        said = dict(spec, schedule=schedule)
        return lambda i: update(named, {k: p.grad for k, p in named.items()}, moments, i, said)
    optimizer = torch.optim.AdamW(
        [{"params": [p for p in named.values() if p.dim() >= 2],
          "weight_decay": adamw["weight_decay"]},
         {"params": [p for p in named.values() if p.dim() < 2], "weight_decay": 0.0}],
        lr=adamw["lr"], betas=adamw["betas"], eps=adamw["eps"])
    return lambda i: optimizer.step()


def replay(weights, batch, spec, steps):
    """What `replay` writes, in float64."""
    clip = spec["objective"]["clip"]
    model = build(spec)
    model.load_state_dict({k: v.double() for k, v in weights.items()})
    named = dict(model.named_parameters())
    step_by = stepper(spec, named)
    out, losses = {}, []
    for step in range(steps):
        images = model.encode_image(batch["images"].double(), normalize=True)
        texts = model.encode_text(batch["tokens"], normalize=True)
        scale = model.logit_scale.exp()
        loss = loss_of(images, texts, scale, getattr(model, "logit_bias", None))
        model.zero_grad()
        loss.backward()
        losses.append(loss.detach())
        if step == 0:
            out = {"image_features": images.detach(), "text_features": texts.detach(),
                   "logit_scale": scale.detach()}
            out.update({"grad." + k: p.grad.clone() for k, p in named.items()})
        step_by(step)
        with torch.no_grad():
            model.logit_scale.clamp_(0, math.log(clip.get("logit_scale_max", 100)))
    out.update({"param." + k: p.detach() for k, p in named.items()})
    out.update({"loss": losses[0], "loss_per_step": torch.stack(losses)})
    return out
