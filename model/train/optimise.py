"""What moves the teacher's weights: Muon the matrices inside the blocks, AdamW all the rest."""

from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from model.train.mini import Mini


class Optimisers:
    """Muon (Jordan et al. 2024) gives a matrix's update the same size in every direction, which a small batch
    through small blocks needs fewer steps with (LOG.md). It is for matrices from one hidden space to another:
    embeddings, the modulation by time and text, the way in and the way out stay with AdamW, and so does the
    image encoder. The text encoder, which knows its words before (words.py), stays as it is.
    """

    def __init__(self, mini: Mini) -> None:
        inside = [weight for name, weight in mini.transformer.named_parameters() if _is_inside(name, weight)]
        chosen = {id(weight) for weight in inside}
        others = [weight for weight in mini.transformer.parameters() if id(weight) not in chosen]
        others += mini.conditioner.vision.parameters()
        self.weights: list[nn.Parameter] = [*inside, *others]
        adamw = torch.optim.AdamW(others, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
        muon = torch.optim.Muon(inside, weight_decay=0.01, adjust_lr_fn="match_rms_adamw")
        self._all: dict[str, Optimizer] = {"adamw": adamw, "muon": muon}

    def step(self, lr: float) -> None:
        """Moves the weights at the learning rate `lr`; their gradients are nought afterwards, and stay where
        they are."""
        for optimiser in self._all.values():
            for group in optimiser.param_groups:
                group["lr"] = lr
            optimiser.step()
            optimiser.zero_grad(set_to_none=False)

    def state_dict(self) -> dict[str, Any]:
        return {name: optimiser.state_dict() for name, optimiser in self._all.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for name, optimiser in self._all.items():
            optimiser.load_state_dict(state[name])


def _is_inside(name: str, weight: nn.Parameter) -> bool:
    return weight.ndim == 2 and "blocks." in name and "norm" not in name
