"""The peers of tools/bench/train: the same MAE step in PyTorch, on request.

    python train_peer.py SPEC STATE [SETTING]

Written as the method's public PyTorch code computes it (explicit attention, all patches embedded
before masking), with what PyTorch's documentation advises on a CPU: the fused AdamW, bf16 by
autocast, gradients set to None. SETTING changes that: compile (torch.compile), sdpa
(scaled_dot_product_attention), foreach (that AdamW), pure (parameters in bf16 beside fp32 ones of
the optimizer), compile-pure, and reference: fp32 whatever the spec says, and the foreach AdamW, as
public code has it. Speaks the protocol of train_step.cc.
"""

import json
import resource
import struct
import sys

import torch
from torch import nn
from torch.nn import functional as F

RATE = 1e-4


def read_safetensors(path):
    with open(path, "rb") as file:
        data = bytearray(file.read())
    size = struct.unpack("<Q", data[:8])[0]
    tensors = {}
    for name, entry in json.loads(data[8 : 8 + size]).items():
        if name == "__metadata__":
            continue
        assert entry["dtype"] == "F32", name
        begin, end = entry["data_offsets"]
        flat = torch.frombuffer(data, dtype=torch.float32, offset=8 + size + begin,
                                count=(end - begin) // 4)
        tensors[name] = flat.clone().view(entry["shape"])
    return tensors


class Attention(nn.Module):
    explicit = True

    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.scale = (dim // heads) ** -0.5
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x):
        batch, tokens, dim = x.shape
        qkv = self.qkv(x).reshape(batch, tokens, 3, self.heads, dim // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        if self.explicit:
            mixed = ((q * self.scale) @ k.transpose(-2, -1)).softmax(dim=-1) @ v
        else:
            mixed = F.scaled_dot_product_attention(q, k, v)
        return self.proj(mixed.transpose(1, 2).reshape(batch, tokens, dim))


class Mlp(nn.Module):
    def __init__(self, dim, hidden):
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden)
        self.fc2 = nn.Linear(hidden, dim)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class Block(nn.Module):
    def __init__(self, dim, heads, ratio):
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.attn = Attention(dim, heads)
        self.norm2 = nn.LayerNorm(dim, eps=1e-6)
        self.mlp = Mlp(dim, int(dim * ratio))

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class PatchEmbed(nn.Module):
    def __init__(self, patch, dim):
        super().__init__()
        self.proj = nn.Conv2d(3, dim, patch, patch)

    def forward(self, images):
        return self.proj(images).flatten(2).transpose(1, 2)


class Mae(nn.Module):
    def __init__(self, spec):
        super().__init__()
        vit, mae = spec["model"]["vit"], spec["objective"]["mae"]
        decoder = mae["decoder"]
        self.patch = vit["patch_size"]
        self.patches = (vit["image_size"] // self.patch) ** 2
        self.keep = int(self.patches * (1 - mae["mask_ratio"]))
        dim, width = vit["dim"], decoder["dim"]
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos_embed = nn.Parameter(torch.zeros(1, self.patches + 1, dim), False)
        self.patch_embed = PatchEmbed(self.patch, dim)
        self.blocks = nn.ModuleList(
            Block(dim, vit["heads"], vit["mlp_ratio"]) for _ in range(vit["depth"]))
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, width))
        self.decoder_pos_embed = nn.Parameter(torch.zeros(1, self.patches + 1, width), False)
        self.decoder_embed = nn.Linear(dim, width)
        self.decoder_blocks = nn.ModuleList(
            Block(width, decoder["heads"], vit["mlp_ratio"]) for _ in range(decoder["depth"]))
        self.decoder_norm = nn.LayerNorm(width, eps=1e-6)
        self.decoder_pred = nn.Linear(width, self.patch**2 * 3)

    def encode(self, images, noise):
        x = self.patch_embed(images) + self.pos_embed[:, 1:]
        order = torch.argsort(noise, dim=1)
        restore = torch.argsort(order, dim=1)
        kept = order[:, : self.keep]
        x = torch.gather(x, 1, kept.unsqueeze(-1).expand(-1, -1, x.shape[2]))
        mask = torch.ones_like(noise)
        mask[:, : self.keep] = 0
        cls = (self.cls_token + self.pos_embed[:, :1]).expand(x.shape[0], -1, -1)
        x = torch.cat([cls, x], dim=1)
        for block in self.blocks:
            x = block(x)
        return self.norm(x), torch.gather(mask, 1, restore), restore

    def decode(self, latent, restore):
        x = self.decoder_embed(latent)
        hidden = self.mask_token.expand(x.shape[0], self.patches - self.keep, -1)
        tokens = torch.cat([x[:, 1:], hidden], dim=1)
        tokens = torch.gather(tokens, 1, restore.unsqueeze(-1).expand(-1, -1, x.shape[2]))
        x = torch.cat([x[:, :1], tokens], dim=1) + self.decoder_pos_embed
        for block in self.decoder_blocks:
            x = block(x)
        return self.decoder_pred(self.decoder_norm(x))[:, 1:]

    def target(self, images):
        side, patch = images.shape[2] // self.patch, self.patch
        x = images.reshape(images.shape[0], 3, side, patch, side, patch)
        x = torch.einsum("nchpwq->nhwpqc", x).reshape(images.shape[0], self.patches, -1)
        mean, var = x.mean(dim=-1, keepdim=True), x.var(dim=-1, keepdim=True)
        return (x - mean) / (var + 1e-6) ** 0.5

    def forward(self, images, noise):
        latent, mask, restore = self.encode(images, noise)
        pred = self.decode(latent, restore)
        error = ((pred - self.target(images)) ** 2).mean(dim=-1)
        return (error * mask).sum() / mask.sum()


def make_optimizer(trained, settings, kind):
    groups = [
        {"params": [p for p in trained if p.dim() < 2], "weight_decay": 0.0},
        {"params": [p for p in trained if p.dim() >= 2],
         "weight_decay": settings["weight_decay"]},
    ]
    return torch.optim.AdamW(groups, lr=RATE, betas=settings["betas"], eps=settings["eps"],
                             **{kind: True})


class Master:
    """Steps fp32 copies of parameters in bf16."""

    def __init__(self, trained, make):
        self.trained = trained
        self.copies = [p.detach().float() for p in trained]
        self.optimizer = make(self.copies)

    def step(self):
        for copy, parameter in zip(self.copies, self.trained):
            copy.grad = parameter.grad.float()
        self.optimizer.step()
        with torch.no_grad():
            torch._foreach_copy_(self.trained, self.copies)

    def zero_grad(self):
        for parameter in self.trained:
            parameter.grad = None


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main():
    torch.set_num_threads(1)
    spec = json.load(open(sys.argv[1]))
    setting = sys.argv[3] if len(sys.argv) > 3 else "eager"
    state = read_safetensors(sys.argv[2])
    images, noise = state.pop("batch.images"), state.pop("batch.noise")
    model = Mae(spec)
    model.load_state_dict(state)
    Attention.explicit = setting != "sdpa"
    pure = setting in ("pure", "compile-pure")
    autocast = spec["precision"] == "bf16" and not pure and setting != "reference"
    if pure:
        model, images = model.bfloat16(), images.bfloat16()
    kind = "foreach" if setting in ("foreach", "reference") else "fused"
    trained = [p for p in model.parameters() if p.requires_grad]
    make = lambda of: make_optimizer(of, spec["optimizer"]["adamw"], kind)
    optimizer = Master(trained, make) if pure else make(trained)
    forward = torch.compile(model) if setting.startswith("compile") else model

    def step():
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            loss = forward(images, noise)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss.detach()

    print("ready", flush=True)
    for line in sys.stdin:
        before = cpu_seconds()
        losses = [step() for _ in range(int(line))]
        answer = {"cpu": cpu_seconds() - before, "first": losses[0].item(),
                  "last": losses[-1].item()}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
