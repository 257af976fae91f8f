"""Small job documents."""
import copy


def merged(base, changes):
    """`base` with the keys of `changes` laid over it, level by level; None takes a key out."""
    out = copy.deepcopy(base)
    for key, value in changes.items():
        if value is None:
            out.pop(key, None)
        elif isinstance(value, dict) and isinstance(out.get(key), dict):
            out[key] = merged(out[key], value)
        else:
            out[key] = value
    return out


def tiny(train, **changes):
    """A run of 200 steps on two CPU ranks that takes some seconds, without evaluation."""
    return merged({
        "name": "tiny",
        "ranks": 2,
        "device": "cpu",
        "checkpoint": {"every_steps": 25, "keep": 3},
        "stop_grace_s": 20,
        "seed": 5,
        "objective": {"mae": {"mask_ratio": 0.75, "norm_pix_loss": True,
                              "decoder": {"dim": 32, "depth": 1, "heads": 2}}},
        "model": {"vit": {"image_size": 32, "patch_size": 8, "dim": 48, "depth": 2, "heads": 3,
                          "mlp_ratio": 4}},
        "data": {"train": train, "threads": 1},
        "batch": {"global": 16},
        "optimizer": {"adamw": {"lr": 1e-3, "betas": [0.9, 0.95], "weight_decay": 0.05}},
        "schedule": {"kind": "cosine", "warmup_steps": 10, "total_steps": 200},
        "precision": "fp32",
        "eval": {"knn": {"train_samples": 0, "val_samples": 0}, "pictures": 0},
    }, changes)


def waiting(name, **changes):
    """A job that no cluster of a test can place, so that it stays PENDING."""
    return tiny("/nowhere", name=name, ranks=64, batch={"global": 64}, **changes)
