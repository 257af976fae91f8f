"""What frozen features know: weighted kNN, a linear probe, and classes found by their names.

kNN is taken twice: of the features as they are, and of their principal components, each divided by
its standard deviation over the bank ("whitened", as H. Jegou and O. Chum do for retrieval, ECCV
2012). A cosine of features as they are is ruled by the few directions of most variance, which are
place and size here, and for an encoder that never compared images (MAE) nothing else. And once
more, whitened, with few of the bank's images labelled: raw pixels need a near twin of each query.
"""
import numpy as np
import torch
import torch.nn.functional as F
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

FEW = 400  # labelled images, chosen anew DRAWS times
DRAWS = 10


def knn(bank, bank_labels, queries, labels, k=20, temperature=0.07):
    bank, queries = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (bank, queries))
    near = queries @ bank.T
    top = np.argsort(-near, 1)[:, :k]
    votes = np.zeros((len(queries), bank_labels.max() + 1))
    for i, row in enumerate(top):
        np.add.at(votes[i], bank_labels[row], np.exp(near[i, row] / temperature))
    return float((votes.argmax(1) == labels).mean())


def whitened(bank, queries, components=128):
    middle = bank.mean(0)
    _, values, directions = np.linalg.svd(bank - middle, full_matrices=False)
    kept = slice(0, min(components, int((values > 1e-6 * values[0]).sum())))
    scale = directions[kept].T * (len(bank) ** 0.5 / values[kept])
    return (bank - middle) @ scale, (queries - middle) @ scale


def few(bank, bank_labels, queries, labels):
    """kNN of FEW labelled images, mean over the draws."""
    draws = np.random.default_rng(0)
    kept = [draws.permutation(len(bank))[:FEW] for _ in range(DRAWS)]
    return float(np.mean([knn(bank[i], bank_labels[i], queries, labels) for i in kept]))


def probe(bank, bank_labels, queries, labels):
    scale = StandardScaler().fit(bank)
    head = LogisticRegression(max_iter=200, C=0.01).fit(scale.transform(bank), bank_labels)
    return float(head.score(scale.transform(queries), labels))


def judge(features, parts):
    """kNN and probe of a function from images to features; parts: a set's train and val."""
    bank, queries = (features(part["whole"]) for part in parts)
    labels = [part["labels"] for part in parts]
    white = whitened(bank, queries)
    return {"knn": knn(bank, labels[0], queries, labels[1]),
            "knn_few": few(bank, labels[0], queries, labels[1]),
            "knn_whitened": knn(white[0], labels[0], white[1], labels[1]),
            "knn_whitened_few": few(white[0], labels[0], white[1], labels[1]),
            "probe": probe(bank, labels[0], queries, labels[1])}


@torch.no_grad()
def zero_shot(model, part, classes, templates):
    """Share of images nearest to their class's texts. A class is the mean direction of its texts,
    as openai/CLIP has it."""
    names = [F.normalize(model.texts([t.format(c) for t in templates])).mean(0) for c in classes]
    images = torch.cat([model.embeddings(some) for some in part["whole"].split(64)])
    scores = F.normalize(images) @ F.normalize(torch.stack(names)).T
    return float((scores.argmax(1).numpy() == part["labels"]).mean())
