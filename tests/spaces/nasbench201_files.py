"""Files of NAS-Bench-201 and NATS-Bench, written by the classes of the benchmark's package."""

import bz2
import pickle
from collections import OrderedDict

import numpy as np
import torch
from nas_201_api import ArchResults, ResultsCount

from cgraph.spaces.nasbench201 import notation

EVALUATIONS = {
    "cifar10-valid": ("x-valid", "ori-test"),
    "cifar10": ("ori-test",),
    "cifar100": ("x-valid", "x-test", "ori-test"),
    "ImageNet16-120": ("x-valid", "x-test", "ori-test"),
}
SEEDS = {12: (111, 777), 200: (777, 888, 999)}


def accuracy(index, epochs, dataset, seed, images):
    """A made-up accuracy that tells all of these apart, after the last epoch."""
    place = list(EVALUATIONS).index(dataset)
    number = {"train": 0, "x-valid": 1, "x-test": 2, "ori-test": 3}[images]
    return 10 * place + number + seed / 1000 + epochs / 1e5 + index / 1e9


def training(index, epochs, dataset, seed):
    """A training as the benchmark keeps it: accuracies rise to the one after the last epoch."""

    def curve(images):
        final = accuracy(index, epochs, dataset, seed, images)
        return {epoch: final - 0.01 * (epochs - 1 - epoch) for epoch in range(epochs)}

    config = {"channel": 16, "num_cells": 5, "class_num": 10}
    config["arch_str"] = notation.architectures()[index]
    zeros = dict.fromkeys(range(epochs), 0.0)
    run = ResultsCount(dataset, None, {}, {}, 0.5, 9.0, config, str(seed), epochs, None)
    run.update_train_info(curve("train"), zeros, zeros, OrderedDict(zeros))
    curves = {images: curve(images) for images in EVALUATIONS[dataset]}
    flat = {f"{s}@{e}": value for s, values in curves.items() for e, value in values.items()}
    run.update_eval(flat, flat, flat)
    # Latencies went through numpy on their way into the benchmark's files.
    run.update_latency([np.float64(0.01)])
    return run


def results(index, epochs, seeds=None, datasets=EVALUATIONS):
    """All trainings of an architecture at one length."""
    kept = ArchResults(index, notation.architectures()[index])
    for dataset in datasets:
        for seed in SEEDS[epochs] if seeds is None else seeds:
            kept.update(dataset, seed, training(index, epochs, dataset, seed))
    return kept


def infos(index, names=("less", "full"), **options):
    """What an archive holds of an architecture."""
    lengths = zip(names, (12, 200), strict=True)
    return {name: results(index, epochs, **options).state_dict() for name, epochs in lengths}


def whole(indices, **options):
    """What a file of all architectures holds."""
    return {
        "meta_archs": list(notation.architectures()),
        "total_archs": 15625,
        "arch2infos": {index: infos(index, **options) for index in indices},
        "evaluated_indexes": set(indices),
    }


def write_pth(path, content, *, is_old=False):
    """By `torch.save`, as today or as in 2020."""
    torch.save(content, path, _use_new_zipfile_serialization=not is_old)
    return path


def write_pbz2(path, content):
    """By pickle, as NATS-Bench does."""
    with bz2.BZ2File(path, "wb") as file:
        pickle.dump(content, file, protocol=4)
    return path


def write_directory(path, indices, **options):
    """NATS-Bench's directory of one file for each architecture."""
    path.mkdir()
    meta = {"meta_archs": list(notation.architectures()), "total_archs": 15625}
    write_pbz2(path / "meta.pickle.pbz2", meta | {"arch2infos": None, "evaluated_indexes": set()})
    for index in indices:
        content = OrderedDict(infos(index, names=("12", "200"), **options))
        write_pbz2(path / f"{index:06d}.pickle.pbz2", content)
    return path
