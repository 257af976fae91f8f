"""The methods once more, in plain PyTorch, to compare learning against: written from the papers and
docs/REPLAY.md, sharing no code with the trainer. Each has forward(batch) -> loss, features(images)
and after_step(step, total)."""
import copy
import math

import torch
import torch.nn.functional as F
from timm.models.vision_transformer import VisionTransformer
from torch import nn


def sin_cos(dim, grid, row_first):
    omega = 1 / 10000 ** (torch.arange(dim // 4, dtype=torch.float64) / (dim / 4))
    rows, columns = torch.meshgrid(torch.arange(grid), torch.arange(grid), indexing="ij")
    first, second = (rows, columns) if row_first else (columns, rows)
    parts = []
    for place in (first, second):
        angle = place.reshape(-1, 1).double() * omega
        parts += [angle.sin(), angle.cos()]
    table = torch.cat(parts, 1).float()
    return torch.cat([torch.zeros(1, dim), table])[None]


def vit(model, row_first):
    v = model["vit"]
    net = VisionTransformer(img_size=v["image_size"], patch_size=v["patch_size"], num_classes=0,
                            embed_dim=v["dim"], depth=v["depth"], num_heads=v["heads"],
                            mlp_ratio=v["mlp_ratio"], global_pool="token")
    grid = v["image_size"] // v["patch_size"]
    net.pos_embed = nn.Parameter(sin_cos(v["dim"], grid, row_first), requires_grad=False)
    for module in net.modules():
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)
    nn.init.xavier_uniform_(net.patch_embed.proj.weight.view(v["dim"], -1))
    nn.init.normal_(net.cls_token, std=0.02 if not row_first else 1e-6)
    return net


class Residual(nn.Module):
    def __init__(self, inside, width, stride, bottleneck):
        super().__init__()
        out = width * (4 if bottleneck else 1)
        shapes = [(1, 1), (3, stride), (1, 1)] if bottleneck else [(3, stride), (3, 1)]
        layers, channels = [], inside
        for i, (kernel, step) in enumerate(shapes):
            target = out if i == len(shapes) - 1 else width
            layers += [nn.Conv2d(channels, target, kernel, step, kernel // 2, bias=False),
                       nn.BatchNorm2d(target), nn.ReLU()]
            channels = target
        self.branch = nn.Sequential(*layers[:-1])
        nn.init.zeros_(self.branch[-1].weight)
        self.short = nn.Identity()
        if stride != 1 or inside != out:
            self.short = nn.Sequential(nn.Conv2d(inside, out, 1, stride, bias=False),
                                       nn.BatchNorm2d(out))

    def forward(self, x):
        return F.relu(self.branch(x) + self.short(x))


LAYERS = {18: ("basic", [2, 2, 2, 2]), 34: ("basic", [3, 4, 6, 3]),
          50: ("bottleneck", [3, 4, 6, 3])}


def resnet(model):
    r = model["resnet"]
    kind, layers = (r["block"], r["layers"]) if r.get("layers") else LAYERS[r["depth"]]
    width, bottleneck = r["width"], kind == "bottleneck"
    net = [nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
           nn.MaxPool2d(3, 2, 1)]
    channels = width
    for stage, count in enumerate(layers):
        for i in range(count):
            net.append(Residual(channels, width << stage, 2 if stage and not i else 1, bottleneck))
            channels = (width << stage) * (4 if bottleneck else 1)
    net = nn.Sequential(*net, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    net.num_features = channels
    return net


def momentum_at(settings, step, total):
    if settings["momentum_schedule"] == "constant":
        return settings["momentum"]
    return 1 - (1 - settings["momentum"]) * (1 + math.cos(math.pi * step / total)) / 2


@torch.no_grad()
def follow(target, source, momentum):
    for t, s in zip(target.parameters(), source.parameters()):
        t.lerp_(s, 1 - momentum)


class Mae(nn.Module):
    def __init__(self, document):
        super().__init__()
        self.settings = s = document["objective"]["mae"]
        self.encoder = vit(document["model"], False)
        v, d = document["model"]["vit"], s["decoder"]
        self.patch, self.grid = v["patch_size"], v["image_size"] // v["patch_size"]
        self.embed = nn.Linear(v["dim"], d["dim"])
        self.mask_token = nn.Parameter(torch.randn(1, 1, d["dim"]) * 0.02)
        decoder = {"vit": {**v, "dim": d["dim"], "depth": d["depth"], "heads": d["heads"]}}
        self.decoder = vit(decoder, False)
        self.decoder.patch_embed, self.decoder.cls_token = nn.Identity(), None
        self.pred = nn.Linear(d["dim"], self.patch ** 2 * 3)

    def forward(self, batch, step, total):
        images = batch["images"]
        n, length = len(images), self.grid ** 2
        keep = int(length * (1 - self.settings["mask_ratio"]))
        order = torch.rand(n, length).argsort(1)
        e, d = self.encoder, self.decoder
        x = e.patch_embed(images) + e.pos_embed[:, 1:]
        x = x.gather(1, order[:, :keep, None].expand(-1, -1, x.shape[-1]))
        x = torch.cat([(e.cls_token + e.pos_embed[:, :1]).expand(n, -1, -1), x], 1)
        x = self.embed(e.norm(e.blocks(x)))
        hidden = self.mask_token.expand(n, length - keep, -1)
        y = torch.cat([x[:, 1:], hidden], 1)
        y = y.gather(1, order.argsort(1)[..., None].expand_as(y))
        y = torch.cat([x[:, :1], y], 1) + d.pos_embed
        y = self.pred(d.norm(d.blocks(y)))[:, 1:]
        p, g = self.patch, self.grid
        target = images.reshape(n, 3, g, p, g, p).permute(0, 2, 4, 3, 5, 1).reshape(n, length, -1)
        if self.settings["norm_pix_loss"]:
            target = (target - target.mean(-1, True)) / (target.var(-1, keepdim=True) + 1e-6) ** 0.5
        mask = torch.ones(n, length).scatter(1, order[:, :keep], 0.0)
        return ((y - target).square().mean(-1) * mask).sum() / mask.sum()

    def features(self, images):
        tokens = self.encoder.forward_features(images)
        of = {"token": lambda t: t[:, 0], "mean": lambda t: t[:, 1:].mean(1),
              "max": lambda t: t[:, 1:].amax(1)}
        return of[self.settings["features"]](tokens)

    def after_step(self, step, total):
        pass


def head(sizes, last_norm, bias=False):
    layers = []
    for i, (a, b) in enumerate(zip(sizes, sizes[1:])):
        layers.append(nn.Linear(a, b, bias=bias and i == 0))
        if i < len(sizes) - 2:
            layers += [nn.BatchNorm1d(b), nn.ReLU()]
        elif last_norm:
            layers.append(nn.BatchNorm1d(b, affine=False))
    return nn.Sequential(*layers)


class MoCoV3(nn.Module):
    def __init__(self, document):
        super().__init__()
        self.settings = s = document["objective"]["mocov3"]
        is_vit, mlp, out = "vit" in document["model"], s["mlp_dim"], s["proj_dim"]
        self.encoder = vit(document["model"], True) if is_vit else resnet(document["model"])
        width = self.encoder.num_features
        projector = head([width, mlp, mlp, out] if is_vit else [width, mlp, out], True)
        if is_vit and s["freeze_patch_embed"]:
            self.encoder.patch_embed.requires_grad_(False)
        self.base = nn.Sequential(self.encoder, projector)
        self.predictor = head([out, mlp, out], is_vit)
        self.momentum = copy.deepcopy(self.base).requires_grad_(False)

    def term(self, q, k):
        t = self.settings["temperature"]
        logits = F.normalize(q) @ F.normalize(k).T / t
        return 2 * t * F.cross_entropy(logits, torch.arange(len(q)))

    def forward(self, batch, step, total):
        q1, q2 = (self.predictor(self.base(batch[v])) for v in ("view1", "view2"))
        with torch.no_grad():
            follow(self.momentum, self.base, momentum_at(self.settings, step, total))
            k1, k2 = (self.momentum(batch[v]) for v in ("view1", "view2"))
        return self.term(q1, k2) + self.term(q2, k1)

    def features(self, images):
        return self.encoder(images)

    def after_step(self, step, total):
        pass


class ReLICv2(nn.Module):
    def __init__(self, document):
        super().__init__()
        self.settings = s = document["objective"]["relicv2"]
        self.encoder = resnet(document["model"])
        mlp, out = s["mlp_dim"], s["proj_dim"]
        projector = head([self.encoder.num_features, mlp, out], False, bias=True)
        self.online = nn.Sequential(self.encoder, projector)
        self.predictor = nn.Identity()
        if s["predictor"]:
            self.predictor = head([out, mlp, out], False, bias=True)
        self.target = copy.deepcopy(self.online).requires_grad_(False)

    def candidates(self, n):
        count = min(self.settings["num_negatives"], n - 1)
        others = torch.rand(n, n).fill_diagonal_(2).argsort(1)[:, :count]
        return torch.cat([torch.arange(n)[:, None], others], 1)

    def pair(self, o, t):
        s = o @ t.T / self.settings["temperature"]
        chosen = self.candidates(len(o))
        p = s.gather(1, chosen).log_softmax(1)
        q = s.T.gather(1, chosen).log_softmax(1)
        entropy = (p.exp() * p).sum(1).detach()
        return p[:, 0].mean(), (entropy - (p.exp() * q).sum(1)).mean()

    def forward(self, batch, step, total):
        s = self.settings
        large = [batch[f"large_{i}"] for i in range(s["large_views"])]
        small = [batch[f"small_{i}"] for i in range(s["small_views"])]
        online = [F.normalize(self.predictor(self.online(v))) for v in large + small]
        with torch.no_grad():
            target = [F.normalize(self.target(v)) for v in large]
        pairs = [self.pair(o, t) for i, o in enumerate(online) for j, t in enumerate(target)
                 if i != j or s["include_self_pairs"]]
        likelihood, kl = (torch.stack(x).mean() for x in zip(*pairs))
        return -s["alpha"] * likelihood + s["beta"] * kl

    def features(self, images):
        return self.encoder(images)

    def after_step(self, step, total):
        follow(self.target, self.online, momentum_at(self.settings, step, total))


class Clip(nn.Module):
    def __init__(self, document):
        super().__init__()
        import open_clip
        self.settings = s = document["objective"]["clip"]
        v, t = document["model"]["vit"], s["text"]
        self.tokens = open_clip.SimpleTokenizer(context_length=t["context_length"])
        self.net = open_clip.CLIP(
            s["embed_dim"],
            {"image_size": v["image_size"], "patch_size": v["patch_size"], "width": v["dim"],
             "layers": v["depth"], "head_width": v["dim"] // v["heads"],
             "mlp_ratio": v["mlp_ratio"]},
            {"context_length": t["context_length"], "vocab_size": t["vocab_size"],
             "width": t["width"], "heads": t["heads"], "layers": t["layers"]},
            quick_gelu=s["quick_gelu"])

    def forward(self, batch, step, total):
        images = F.normalize(self.net.encode_image(batch["images"]))
        texts = F.normalize(self.net.encode_text(batch["tokens"]))
        logits = self.net.logit_scale.exp() * images @ texts.T
        labels = torch.arange(len(images))
        return (F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels)) / 2

    def features(self, images):
        """What the tower pools, before its projection."""
        tower = self.net.visual
        projection, tower.proj = tower.proj, None
        pooled = tower(images)
        tower.proj = projection
        return pooled

    def embeddings(self, images):
        return self.net.encode_image(images)

    def texts(self, texts):
        return self.net.encode_text(self.tokens(texts))

    def after_step(self, step, total):
        with torch.no_grad():
            self.net.logit_scale.clamp_(0, math.log(self.settings["logit_scale_max"]))


class RotNet(nn.Module):
    def __init__(self, document):
        super().__init__()
        model, self.of = document["model"], document["objective"]["rotnet"]["features"]
        self.encoder = vit(model, True) if "vit" in model else resnet(model)
        self.head = nn.Linear(self.encoder.num_features, 4)
        if self.of != "last":
            blocks = sum(model["resnet"]["layers"][:int(self.of[-1])])
            self.early = nn.Sequential(*self.encoder[:4 + blocks], *self.encoder[-2:])

    def forward(self, batch, step, total):
        images = batch["images"]
        turns = torch.randint(4, (len(images),))
        turned = torch.stack([torch.rot90(i, int(k), (1, 2)) for i, k in zip(images, turns)])
        return F.cross_entropy(self.head(self.encoder(turned)), turns)

    def features(self, images):
        return (self.encoder if self.of == "last" else self.early)(images)

    def after_step(self, step, total):
        pass


METHODS = {"mae": Mae, "mocov3": MoCoV3, "relicv2": ReLICv2, "clip": Clip, "rotnet": RotNet}
