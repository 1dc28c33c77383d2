"""The processes that render, beside the one that trains."""

import os
from collections.abc import Iterator

import cv2
import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

CANVASES = 48  # of all loaders together; a loader has a few at least


def own_share() -> tuple[int, int]:
    """In a loader: its number and how many canvases it keeps."""
    info = get_worker_info()
    return (info.id, max(8, CANVASES // info.num_workers)) if info else (0, CANVASES)


def loaders(device: torch.device) -> int:
    """How many processes render: one beside a training on the CPU; beside a GPU all cores but a few, which
    launch its kernels."""
    return 1 if device.type == "cpu" else max(1, (os.cpu_count() or 2) - 3)


def stream(dataset: IterableDataset, workers: int) -> Iterator:
    """What `workers` copies of `dataset` give, in turn."""
    cv2.setNumThreads(1)  # before they are forked: they would wait for threads that only this process has
    return iter(DataLoader(dataset, batch_size=None, num_workers=workers, prefetch_factor=4))
