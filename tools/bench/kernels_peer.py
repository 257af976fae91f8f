"""The compiled peers of tools/bench/kernels: kernel_compositions.py under torch.compile.

    python kernels_peer.py [CASE ...]

Compiles the cases, all of them unless some are named, and says "ready CASE ..." once each gives
what the composition gives without compilation. Then answers each line "CASE SECONDS" on stdin with
the CPU seconds of one forward and backward pass, measured for about that long.
"""

import ctypes
import resource
import sys

import torch

from kernel_compositions import every_case

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4  # of glibc's malloc.h

# Of the largest number of a result: a compiled chain of bf16 operators rounds once, at its end.
AGREEMENT = {torch.float32: 1e-3, torch.bfloat16: 5e-2}


def keep_freed_memory():
    """As the program beside it (models/ops/memory.cc), or the two would differ by page faults."""
    mallopt = ctypes.CDLL(None).mallopt
    for name, value in ((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, 2 ** 31 - 1), (M_TOP_PAD, 64 << 20)):
        if mallopt(name, value) != 1:
            raise OSError(f"mallopt({name}, {value}) failed")


def check_same(case, got, want):
    for one, other in zip(got, want, strict=True):
        one, limit = one.detach().float(), AGREEMENT[other.dtype]
        other = other.detach().float()
        if not (one - other).abs().max() <= limit * other.abs().max():  # also where either is NaN
            raise ValueError(f"{case}: compiled, it gives something else")


def compiled(case, make):
    """One forward and backward pass, as a function."""
    function, inputs = make()
    wanted = [x for x in inputs if x.requires_grad]

    def passes(run):
        outputs = run(*inputs)
        return outputs if isinstance(outputs, tuple) else (outputs,)

    plain = passes(function)
    gradients = [torch.randn_like(output) for output in plain]
    plain_gradients = torch.autograd.grad(plain, wanted, gradients)
    # Shapes are the case's own: without this, a second case of the same function has others.
    fast = torch.compile(function, dynamic=False)

    def work():
        return torch.autograd.grad(passes(fast), wanted, gradients)

    check_same(case, passes(fast), plain)
    check_same(case, work(), plain_gradients)
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
    keep_freed_memory()
    torch.set_num_threads(1)
    torch.manual_seed(7)
    known = every_case()
    cases = sys.argv[1:] or list(known)
    missing = [case for case in cases if case not in known]
    if missing:
        sys.exit(f"no composition for {' '.join(missing)}")
    torch._dynamo.config.recompile_limit = len(known)  # cases of one function are compiled apart
    works = {case: compiled(case, known[case]) for case in cases}
    print("ready", *cases, flush=True)
    for line in sys.stdin:
        case, seconds = line.split()
        print(measure(works[case], float(seconds)), flush=True)


if __name__ == "__main__":
    main()
