"""What the cases of tools/bench/kernels compute, as compositions of PyTorch's operators.

Names, shapes and formulas are those of the same case in transformer_cases.cc, contrast_cases.cc,
head_cases.cc and convnext_cases.cc; inputs are drawn in their order.
"""

import functools

import torch
from torch.nn import functional as F

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
WIDTH = 256  # of an embedding


def leaf(*shape, dtype=torch.float32, deviation=1):
    return (torch.randn(*shape) * deviation).to(dtype).requires_grad_()


def attention(tokens, heads, head_width, dtype):
    def attend(qkv):
        q, k, v = qkv.view(16, tokens, 3, heads, head_width).permute(2, 0, 3, 1, 4)
        scores = (q * head_width ** -0.5) @ k.transpose(-2, -1)
        p = scores.softmax(-1, dtype=torch.float32).to(dtype)
        return (p @ v).transpose(1, 2).reshape(16, tokens, heads * head_width)

    return attend, (leaf(16, tokens, 3 * heads * head_width, dtype=dtype),)


def add_layer_norm(dtype):
    def norm(residual, branch, weight, bias):
        total = residual + branch
        return total, F.layer_norm(total, (512,), weight, bias, 1e-6).to(dtype)

    return norm, (leaf(3152, 512), leaf(3152, 512, dtype=dtype), leaf(512), leaf(512))


def linear(dtype):
    def multiply(x, weight, bias):
        return F.linear(x, weight.to(dtype), bias.to(dtype))

    return multiply, (leaf(3152, 512, dtype=dtype), leaf(2048, 512, deviation=0.04), leaf(2048))


def linear_gelu(dtype):
    multiply, inputs = linear(dtype)
    return lambda *given: F.gelu(multiply(*given)), inputs


def masked_pixel_loss(dtype):
    def loss(pred, images, mask):
        target = images.view(16, 3, 14, 16, 14, 16).permute(0, 2, 4, 3, 5, 1)
        target = target.reshape(16, 196, 768)
        variance, mean = torch.var_mean(target, -1, keepdim=True)
        target = (target - mean) / (variance + 1e-6).sqrt()
        return (((pred - target) ** 2).mean(-1) * mask).sum() / mask.sum()

    pred, images = leaf(16, 196, 768, dtype=dtype), torch.randn(16, 3, 224, 224)
    return loss, (pred, images, (torch.rand(16, 196) < 0.75).float())


def directions(rows):
    return rows / rows.norm(dim=1, keepdim=True)


def pairs(count):
    images, texts = (directions(torch.randn(count, WIDTH)).requires_grad_() for _ in range(2))
    return images, texts, torch.tensor(14.0).requires_grad_()


def infonce(count):
    def loss(images, texts, scale):
        logits, labels = scale * (images @ texts.t()), torch.arange(count)
        return (F.cross_entropy(logits, labels) + F.cross_entropy(logits.t(), labels)) / 2

    return loss, pairs(count)


def siglip(count):
    def loss(images, texts, scale, bias):
        signs = 2 * torch.eye(count) - 1
        return -F.logsigmoid(signs * (scale * (images @ texts.t()) + bias)).sum() / count

    return loss, (*pairs(count), torch.tensor(-10.0).requires_grad_())


def key_contrast(count):
    def loss(queries, keys):
        logits = directions(queries) @ directions(keys).t() / 0.2
        return F.cross_entropy(logits, torch.arange(count))

    queries, keys, _ = pairs(count)
    return loss, (queries, keys.detach())


def relic(count):
    def terms(online, all_online, target, chosen):
        log_p = (online @ target.t() / 0.2).gather(1, chosen).log_softmax(1)
        log_q = (target @ all_online.t() / 0.2).gather(1, chosen).log_softmax(1)
        p = log_p.exp()
        divergence = (p * log_p).sum(1).detach() - (p * log_q).sum(1)
        return log_p[:, 0].mean(), divergence.mean()

    online, all_online = (directions(torch.randn(count, WIDTH)).requires_grad_() for _ in range(2))
    target, own = directions(torch.randn(count, WIDTH)), torch.arange(count).unsqueeze(1)
    others = (own + torch.randint(1, count, (count, 10))) % count
    return terms, (online, all_online, target, torch.cat([own, others], 1))


def normalise_rows(dtype):
    def normalise(x):
        values = x.float()
        return values / values.norm(dim=1, keepdim=True).clamp_min(1e-12)

    return normalise, (leaf(4096, WIDTH, dtype=dtype),)


def batch_norm_1d(dtype):
    def norm(x, weight, bias, mean, variance):
        return F.batch_norm(x, mean, variance, weight, bias, True, 0.1, 1e-5)

    x, weight, bias = leaf(512, 4096, dtype=dtype), leaf(4096), leaf(4096)
    return norm, (x, weight, bias, torch.zeros(4096), torch.ones(4096))


def patch_embed(dtype):
    def embed(weight, bias, images, kept):
        every = images.view(16, 3, 14, 16, 14, 16).permute(0, 2, 4, 1, 3, 5).reshape(16, 196, 768)
        patches = every.gather(1, kept.unsqueeze(2).expand(16, 49, 768))
        return F.linear(patches.to(dtype), weight.to(dtype), bias.to(dtype))

    images = torch.randn(16, 3, 224, 224)
    kept = torch.rand(16, 196).argsort(1)[:, :49].contiguous()
    return embed, (leaf(384, 768, deviation=0.04), leaf(384), images, kept)


def depthwise(images, side, channels, dtype):
    def convolve(x, weight, bias):
        y = F.conv2d(x.permute(0, 3, 1, 2), weight.to(dtype), bias.to(dtype), padding=3,
                     groups=channels)
        return y.permute(0, 2, 3, 1)

    x = leaf(images, side, side, channels, dtype=dtype)
    return convolve, (x, leaf(channels, 1, 7, 7), leaf(channels))


def response_norm(images, side, channels, dtype):
    def norm(x, gamma, beta):
        values = x.float()
        length = values.norm(dim=(1, 2), keepdim=True)
        response = length / (length.mean(3, keepdim=True) + 1e-6)
        return (gamma * (values * response) + beta + values).to(dtype)

    x = leaf(images, side, side, 4 * channels, dtype=dtype)
    return norm, (x, leaf(4 * channels), leaf(4 * channels))


def every_case():
    """Functions that make a composition and its inputs, by the case's name."""
    cases = {}
    for name, dtype in DTYPES.items():
        for shape in ((197, 16, 32), (50, 6, 64), (17, 3, 64)):
            cases["attention_{}x{}x{}_".format(*shape) + name] = (attention, *shape, dtype)
        for make in (add_layer_norm, linear, linear_gelu, masked_pixel_loss):
            cases[f"{make.__name__}_{name}"] = (make, dtype)
    for count in (1024, 4096):
        for make in (infonce, siglip, key_contrast, relic):
            cases[f"{make.__name__}_{count}"] = (make, count)
    for name, dtype in DTYPES.items():
        for make in (normalise_rows, batch_norm_1d, patch_embed):
            cases[f"{make.__name__}_{name}"] = (make, dtype)
    for stage in ((8, 56, 96), (16, 14, 384)):
        for name, dtype in DTYPES.items():
            for make in (depthwise, response_norm):
                cases[f"{make.__name__}_{stage[1]}_{name}"] = (make, *stage, dtype)
    return {case: functools.partial(*parts) for case, parts in cases.items()}
