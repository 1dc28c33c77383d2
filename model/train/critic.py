"""The critic of a distillation: it learns what the student makes, and to tell it from what was filmed."""

import copy
import threading
from typing import Literal

from diffusers import HunyuanVideoTransformer3DModel
from torch import Tensor, nn

from model.conditioning import Condition
from model.train.flow import clean_of


class Critic(nn.Module):
    """A copy of the teacher with a head on its last features, as in DMD2 (Yin et al. 2024, section 4.3)."""

    def __init__(self, teacher: HunyuanVideoTransformer3DModel) -> None:
        super().__init__()
        self.transformer = copy.deepcopy(teacher).float().requires_grad_(True)
        width = teacher.config.num_attention_heads * teacher.config.attention_head_dim
        self.head = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 1)
        )
        self._seen = threading.local()  # the last features, of each thread its own
        self.transformer.norm_out.register_forward_pre_hook(self._keep)

    def _keep(self, _module: nn.Module, given: tuple[Tensor, ...]) -> None:
        self._seen.features = given[0]

    def forward(
        self,
        noisy: Tensor,
        sigma: Tensor,
        condition: Condition,
        context: Tensor | None,
        prediction: Literal["sample", "velocity"],
    ) -> tuple[Tensor, Tensor]:
        """noisy [B, C, T, h, w], sigma [B] -> the clean sample as it is seen, likewise, and how filmed each
        patch looks [B, patches], logits; patches of the given context are left out."""
        clean = clean_of(self.transformer, noisy, sigma, condition, context, prediction)
        looks = self.head(self._seen.features)[..., 0].unflatten(1, (noisy.shape[2], -1))
        given = 0 if context is None else context.shape[2]
        return clean, looks[:, given:].flatten(1).float()
