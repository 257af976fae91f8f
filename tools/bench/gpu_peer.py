"""The peers of tools/bench/gpu: the same work in PyTorch, eager or compiled.

    python gpu_peer.py CASE SIZES BATCH DEVICE WARMUP STEPS MODE

SIZES is JSON; MODE is eager, compile or reduce-overhead (torch.compile's). With what PyTorch
advises: autocast to bf16, scaled_dot_product_attention, fused AdamW, gradients set to None. Prints
one JSON line: {"samples_per_s", "ms_per_step", "loss"}.
"""

import copy
import json
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

import train_peer

MOMENTUM = 0.99


def attention(self, x, causal=False):
    batch, tokens, dim = x.shape
    qkv = self.qkv(x).reshape(batch, tokens, 3, self.heads, dim // self.heads)
    q, k, v = qkv.permute(2, 0, 3, 1, 4)
    mixed = F.scaled_dot_product_attention(q, k, v, is_causal=causal or self.causal)
    return self.proj(mixed.transpose(1, 2).reshape(batch, tokens, dim))


train_peer.Attention.causal = False
train_peer.Attention.forward = attention


class Transformer(nn.Module):
    def __init__(self, dim, depth, heads, causal=False):
        super().__init__()
        self.blocks = nn.Sequential(*(train_peer.Block(dim, heads, 4) for _ in range(depth)))
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        for block in self.blocks:
            block.attn.causal = causal

    def forward(self, x):
        return self.norm(self.blocks(x))


class Vit(nn.Module):
    def __init__(self, size, patch, dim, depth, heads):
        super().__init__()
        self.patch_embed = train_peer.PatchEmbed(patch, dim)
        self.cls_token = nn.Parameter(torch.randn(1, 1, dim) * 0.02)
        self.pos_embed = nn.Parameter(torch.randn(1, (size // patch) ** 2 + 1, dim) * 0.02)
        self.transformer = Transformer(dim, depth, heads)

    def forward(self, images):
        x = self.patch_embed(images)
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), x], 1) + self.pos_embed
        return self.transformer(x)[:, 0]


def mlp(*widths):
    layers = []
    for i, (before, after) in enumerate(zip(widths, widths[1:])):
        last = i + 2 == len(widths)
        layers += [nn.Linear(before, after, bias=False), nn.BatchNorm1d(after, affine=not last)]
        layers += [] if last else [nn.ReLU()]
    return nn.Sequential(*layers)


def contrast(a, b, scale):
    logits = scale * F.normalize(a, dim=1) @ F.normalize(b, dim=1).T
    return F.cross_entropy(logits, torch.arange(len(a), device=a.device))


class Mae(nn.Module):
    def __init__(self, s):
        super().__init__()
        vit = {k: s[k] for k in ("image_size", "patch_size", "dim", "depth", "heads")}
        decoder = dict(zip(("dim", "depth", "heads"), s["decoder"]))
        self.size, patches = s["image_size"], (s["image_size"] // s["patch_size"]) ** 2
        self.patches = patches
        self.net = train_peer.Mae({"model": {"vit": {**vit, "mlp_ratio": 4}}, "objective": {
            "mae": {"mask_ratio": 0.75, "decoder": decoder}}})
        for name, parameter in self.net.named_parameters():
            if parameter.dim() > 1 and not name.startswith(("pos", "decoder_pos")):
                nn.init.normal_(parameter, std=0.02)

    def inputs(self, batch):
        return torch.randn(batch, 3, self.size, self.size), torch.rand(batch, self.patches)

    def forward(self, images, noise):
        return self.net(images, noise)


class Siamese(nn.Module):
    """An encoder with a projector, and a copy of both that follows."""

    def __init__(self, online, predictor):
        super().__init__()
        self.online, self.predictor = online, predictor
        self.target = copy.deepcopy(online).requires_grad_(False)

    @torch.no_grad()
    def follow(self):
        torch._foreach_lerp_(list(self.target.parameters()), list(self.online.parameters()),
                             1 - MOMENTUM)


class Moco(Siamese):
    def __init__(self, s):
        vit = Vit(s["image_size"], s["patch_size"], s["dim"], s["depth"], s["heads"])
        vit.patch_embed.requires_grad_(False)
        hidden, out = s["mlp_dim"], s["proj_dim"]
        super().__init__(nn.Sequential(vit, mlp(s["dim"], hidden, hidden, out)),
                         mlp(out, hidden, out))
        self.size = s["image_size"]

    def inputs(self, batch):
        return tuple(torch.randn(batch, 3, self.size, self.size) for _ in range(2))

    def forward(self, one, two):
        queries = [self.predictor(self.online(view)) for view in (one, two)]
        with torch.no_grad():
            keys = [self.target(view) for view in (one, two)]
        return 0.4 * (contrast(queries[0], keys[1], 5) + contrast(queries[1], keys[0], 5))


class Clip(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.size, self.length, self.words = s["image_size"], s["length"], s["words"]
        self.visual = Vit(s["image_size"], s["patch_size"], s["dim"], s["depth"], s["heads"])
        self.image_out = nn.Linear(s["dim"], s["embed"], bias=False)
        width, heads, layers = s["text"]
        self.embed = nn.Embedding(s["words"], width)
        self.places = nn.Parameter(torch.randn(s["length"], width) * 0.01)
        self.text = Transformer(width, layers, heads, causal=True)
        self.text_out = nn.Linear(width, s["embed"], bias=False)
        self.scale = nn.Parameter(torch.tensor(2.66))

    def inputs(self, batch):
        return (torch.randn(batch, 3, self.size, self.size),
                torch.randint(1, self.words, (batch, self.length)))

    def forward(self, images, tokens):
        image = self.image_out(self.visual(images))
        text = self.text_out(self.text(self.embed(tokens) + self.places)[:, -1])
        scale = self.scale.exp()
        return (contrast(image, text, scale) + contrast(text, image, scale)) / 2


class Relic(Siamese):
    def __init__(self, s):
        from torchvision.models import resnet  # on a machine without it this case has no peer
        net = resnet.ResNet(resnet.Bottleneck, s["layers"], width_per_group=64)
        net.fc = nn.Identity()
        hidden, out = s["mlp_dim"], s["proj_dim"]
        super().__init__(nn.Sequential(net, mlp(2048, hidden, out)), mlp(out, hidden, out))
        self.sizes = [s["image_size"]] * 4 + [s["small_size"]] * 2

    def inputs(self, batch):
        return tuple(torch.randn(batch, 3, size, size) for size in self.sizes)

    def terms(self, online, target, chosen):
        logits = (online.unsqueeze(1) * target[chosen]).sum(2) / 0.3
        return logits.log_softmax(1)

    def forward(self, *views):
        online = [F.normalize(self.predictor(self.online(view)), dim=1) for view in views]
        with torch.no_grad():
            target = [F.normalize(self.target(view), dim=1) for view in views[:4]]
        rows = len(views[0])
        own = torch.arange(rows, device=views[0].device).unsqueeze(1)
        others = torch.randint(0, rows, (rows, 10), device=own.device)
        loss = 0
        for i, q in enumerate(online):
            for k, t in enumerate(target):
                if i == k:
                    continue
                chosen = torch.cat([own, others], 1)
                log_p = self.terms(q, t, chosen)
                log_q = self.terms(t, online[k].detach(), chosen)
                kl = (log_p.exp() * (log_p - log_q)).sum(1).mean()
                loss = loss - 0.3 * log_p[:, 0].mean() + 5 * kl
        return loss


CASES = {"mae": Mae, "moco": Moco, "clip": Clip, "relic": Relic}


def main():
    case, sizes, batch, device, warmup, steps, mode = sys.argv[1:]
    torch.manual_seed(7)
    torch.set_float32_matmul_precision("high")
    model = CASES[case](json.loads(sizes)).to(device)
    inputs = [tensor.to(device) for tensor in model.inputs(int(batch))]
    trained = [p for p in model.parameters() if p.requires_grad]
    if case == "relic":
        model = model.to(memory_format=torch.channels_last)
        optimizer = torch.optim.SGD(trained, lr=1e-4, momentum=0.9, fused=True)
    else:
        optimizer = torch.optim.AdamW(trained, lr=1e-4, fused=True)
    options = {"mode": "reduce-overhead"} if mode == "reduce-overhead" else {}
    forward = model if mode == "eager" else torch.compile(model, **options)

    def step():
        with torch.autocast(device, torch.bfloat16):
            loss = forward(*inputs)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        if hasattr(model, "follow"):
            model.follow()
        return loss.detach()

    def wait():
        if device == "cuda":
            torch.cuda.synchronize()

    for _ in range(int(warmup)):
        loss = step()
    wait()
    start = time.perf_counter()
    for _ in range(int(steps)):
        loss = step()
    wait()
    seconds = time.perf_counter() - start
    print(json.dumps({"samples_per_s": int(steps) * int(batch) / seconds,
                      "ms_per_step": 1e3 * seconds / int(steps), "loss": loss.item()}))


if __name__ == "__main__":
    main()
