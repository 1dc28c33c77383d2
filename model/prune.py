"""A DiT of fewer blocks: its config tells how many are left, so a pruned checkpoint loads like any other.

FastLightGen (arXiv 2603.01685) prunes blocks in this way before it distils; the blocks that are needed least
are found by leaving each out. What brings the rest back to form: model.train.prune.
"""

import copy
from collections.abc import Callable

from diffusers import HunyuanVideoTransformer3DModel
from torch import nn


def without(whole: HunyuanVideoTransformer3DModel, gone: list[int]) -> HunyuanVideoTransformer3DModel:
    """A copy that lacks the single-stream blocks `gone`; its config tells how many are left."""
    pruned = copy.deepcopy(whole)
    left = [block for index, block in enumerate(pruned.single_transformer_blocks) if index not in gone]
    pruned.single_transformer_blocks = nn.ModuleList(left)
    pruned.register_to_config(num_single_layers=len(left))
    return pruned


def least_needed(
    whole: HunyuanVideoTransformer3DModel,
    count: int,
    cost: Callable[[HunyuanVideoTransformer3DModel], float],
) -> list[int]:
    """`count` single-stream blocks, found one after the other: each time the one without which `cost` is
    least. One is always kept."""
    blocks = range(len(whole.single_transformer_blocks))
    gone: list[int] = []
    while len(gone) < min(count, len(blocks) - 1):
        costs = {index: cost(without(whole, [*gone, index])) for index in blocks if index not in gone}
        gone.append(min(costs, key=costs.__getitem__))
    return sorted(gone)
