"""PyTorch's and safetensors' side of tools/bench/checkpoint; checkpoint_side.cc has the protocol.

checkpoint_peer.py KIND FOLDER BYTES...   KIND: torch_save, dcp_async, safetensors
"""
import os
import sys
import time

import torch

KIND, FOLDER = sys.argv[1:3]
STATE = {f"tensor.{i}": torch.arange(int(size) // 4, dtype=torch.float32)
         for i, size in enumerate(sys.argv[3:])}
BYTES = sum(t.numel() * 4 for t in STATE.values())


def sync(path):
    fd = os.open(path, os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)


def torch_save(path):
    """A function that saves and returns when the caller may go on, and one that waits."""
    torch.save(STATE, path)
    return lambda: sync(path)


def safetensors(path):
    from safetensors.torch import save_file
    save_file(STATE, path)
    return lambda: sync(path)


def dcp_async(path):
    import torch.distributed.checkpoint as dcp
    future = dcp.async_save(STATE, checkpoint_id=path)
    return future.result


if KIND == "dcp_async":
    import torch.distributed as dist
    dist.init_process_group("gloo", rank=0, world_size=1, store=dist.HashStore())
SAVE = {"torch_save": torch_save, "safetensors": safetensors, "dcp_async": dcp_async}[KIND]
print("ready", flush=True)
for line in sys.stdin:
    target = os.path.join(FOLDER, line.split()[1])
    start, cpu, all_cpu = time.monotonic(), time.thread_time(), time.process_time()
    wait = SAVE(target)
    stall_cpu, stall = time.thread_time() - cpu, time.monotonic() - start
    wait()
    print(f"{stall_cpu:.6f} {stall:.6f} {time.monotonic() - start:.6f} "
          f"{time.process_time() - all_cpu:.6f} {BYTES}", flush=True)
