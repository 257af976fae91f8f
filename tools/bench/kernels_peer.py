"""The compiled peers of tools/bench/kernels: compositions of operators under torch.compile.

    python kernels_peer.py CASE ...

Answers each line "CASE SECONDS" on stdin with the CPU seconds of one forward and backward pass,
measured for about that long. Shapes are those of the same case in transformer_cases.cc,
contrast_cases.cc and head_cases.cc.
"""

import resource
import sys

import torch
from torch.nn import functional as F


def leaf(*shape, dtype=torch.float32):
    return torch.randn(*shape).to(dtype).requires_grad_()


def masked_pixel_loss(dtype):
    pred, images = leaf(16, 196, 768, dtype=dtype), torch.randn(16, 3, 224, 224)
    mask = (torch.rand(16, 196) < 0.75).float()

    def loss(pred, images, mask):
        target = images.view(16, 3, 14, 16, 14, 16).permute(0, 2, 4, 3, 5, 1)
        target = target.reshape(16, 196, 768)
        variance, mean = torch.var_mean(target, -1, keepdim=True)
        target = (target - mean) / (variance + 1e-6).sqrt()
        return (((pred - target) ** 2).mean(-1) * mask).sum() / mask.sum()

    return loss, (pred, images, mask)


def add_layer_norm(dtype):
    inputs = (leaf(3152, 512), leaf(3152, 512, dtype=dtype), leaf(512), leaf(512))

    def norm(residual, branch, weight, bias):
        total = residual + branch
        return total, F.layer_norm(total, (512,), weight, bias, 1e-6).to(dtype)

    return norm, inputs


def normalise_rows(dtype):
    def directions(x):
        values = x.float()
        return values / values.norm(dim=1, keepdim=True).clamp_min(1e-12)

    return directions, (leaf(4096, 256, dtype=dtype),)


def infonce(count):
    def directions():
        return F.normalize(torch.randn(count, 256)).requires_grad_()

    def loss(images, texts, scale):
        logits, labels = scale * (images @ texts.t()), torch.arange(count)
        return (F.cross_entropy(logits, labels) + F.cross_entropy(logits.t(), labels)) / 2

    return loss, (directions(), directions(), torch.tensor(14.0).requires_grad_())


CASES = {f"{make.__name__}_{name}": (make, dtype)
         for make in (masked_pixel_loss, add_layer_norm, normalise_rows)
         for name, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16))}
CASES |= {f"infonce_{count}": (infonce, count) for count in (1024, 4096)}


def compiled(case):
    """One forward and backward pass, as a function."""
    make, argument = CASES[case]
    function, inputs = make(argument)
    fast = torch.compile(function)
    outputs = fast(*inputs)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    gradients = [torch.randn_like(output) for output in outputs]
    wanted = [x for x in inputs if x.requires_grad]

    def work():
        results = fast(*inputs)
        torch.autograd.grad(results, wanted, gradients)

    work()
    return work


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def measure(work, seconds):
    before, count = cpu_seconds(), 0
    while not count or cpu_seconds() - before < seconds:
        work()
        count += 1
    return (cpu_seconds() - before) / count


def main():
    torch.set_num_threads(1)
    torch.manual_seed(7)
    works = {case: compiled(case) for case in sys.argv[1:]}
    print("ready", flush=True)
    for line in sys.stdin:
        case, seconds = line.split()
        print(measure(works[case], float(seconds)), flush=True)


if __name__ == "__main__":
    main()
